//! The HTTP server: connections, and what bounds them.

use std::{convert::Infallible, io, net::TcpListener, pin::pin, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpStream,
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::page::{Page, Pages};

/// Connections at a time; more wait to be accepted.
const MOST_CONNECTIONS: usize = 32;
/// Threads that ask workers, one scrape each.
const MOST_ASKING: usize = 4;
/// How long the head of a request may take, and a connection be silent.
const HEAD: Duration = Duration::from_secs(60);
/// How old a connection gets, and how long its last answer may then take.
const OLDEST: Duration = Duration::from_secs(600);
const LAST_ANSWER: Duration = Duration::from_secs(20);
/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// Answers until the process is told to end.
///
/// # Errors
///
/// When the system refuses threads, sockets or signals.
pub(super) fn serve(listener: TcpListener, pages: Pages) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(MOST_ASKING)
        .build()?;
    let ended = runtime.block_on(listen(listener, Arc::new(pages)));
    // Without waiting for workers that are just being asked.
    runtime.shutdown_background();
    ended
}

async fn listen(listener: TcpListener, pages: Arc<Pages>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let accepting = async {
        // The semaphore is never closed.
        while let Ok(place) = Arc::clone(&room).acquire_owned().await {
            let Ok((stream, _)) = listener.accept().await else {
                // Too many open files, for instance. It may be better in a while.
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            let pages = Arc::clone(&pages);
            tokio::spawn(async move {
                converse(stream, pages).await;
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}

async fn converse(stream: TcpStream, pages: Arc<Pages>) {
    let service = service_fn(move |request| respond(request, Arc::clone(&pages)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // How a conversation ended is the other side's business.
    if timeout(OLDEST, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(LAST_ANSWER, connection).await;
    }
}

async fn respond(
    request: Request<Incoming>,
    pages: Arc<Pages>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let answered = spawn_blocking(move || pages.answer(&method, &path)).await;
    // Only a panic, or the end of the process, keeps it from being answered.
    Ok(response(answered.unwrap_or_else(|error| Page::broken(&error.to_string()))))
}

fn response(page: Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page.text)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if page.status.as_u16() == 405 {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    *response.status_mut() = page.status;
    response
}
