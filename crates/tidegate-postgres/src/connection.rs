//! One connection, and the waiting for it: never beyond a deadline.

use std::{
    future::Future,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tidegate_remote::RemoteError;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    time::timeout_at,
};
use tokio_postgres::{Client, Config, NoTls};

use crate::{
    error::{STORE, failed, remote_error, unavailable},
    tls::Connector,
};

/// A connection and the runtime that drives it, which runs only while somebody waits.
pub(crate) struct Connection {
    client: Arc<Client>,
    /// Always there, but while it is dropped.
    runtime: Option<Runtime>,
    /// Set while something is under way and when it went wrong: an answer that comes after
    /// its deadline must not be taken for the next one's.
    broken: bool,
}

impl Connection {
    /// Connects and logs in.
    ///
    /// # Errors
    ///
    /// [`RemoteError`], at the latest at `deadline`.
    pub(crate) fn open(
        config: &Config,
        connector: Option<Connector>,
        deadline: Instant,
    ) -> Result<Self, RemoteError> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| unavailable(format!("no runtime for a connection: {error}")))?;
        let connecting = async {
            // The task ends with the connection, whose error the next call reports.
            if let Some(tls) = connector {
                let (client, connection) = config.connect(tls).await?;
                tokio::spawn(async move { drop(connection.await) });
                return Ok(client);
            }
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(async move { drop(connection.await) });
            Ok(client)
        };
        match wait(&runtime, deadline, connecting) {
            Ok(client) => {
                Ok(Self { client: Arc::new(client), runtime: Some(runtime), broken: false })
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Runs what `work` does with the client, until `deadline`.
    ///
    /// # Errors
    ///
    /// [`RemoteError`]; then the connection answers no more.
    pub(crate) fn run<T, F>(
        &mut self,
        deadline: Instant,
        work: impl FnOnce(Arc<Client>) -> F,
    ) -> Result<T, RemoteError>
    where
        T: Send,
        F: Future<Output = Result<T, tokio_postgres::Error>> + Send,
    {
        if self.broken {
            return Err(unavailable("the connection was given up"));
        }
        self.broken = true;
        let Some(runtime) = &self.runtime else {
            return Err(unavailable("the connection was closed"));
        };
        let answer = wait(runtime, deadline, work(Arc::clone(&self.client)))?;
        self.broken = false;
        Ok(answer)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Dropped as it is, a runtime panics where the caller's own runs on this thread.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits for `work` until `deadline`.
fn wait<T, F>(runtime: &Runtime, deadline: Instant, work: F) -> Result<T, RemoteError>
where
    T: Send,
    F: Future<Output = Result<T, tokio_postgres::Error>> + Send,
{
    let begun = Instant::now();
    let after = deadline.saturating_duration_since(begun);
    if after == Duration::ZERO {
        return Err(RemoteError::Timeout { store: STORE, after });
    }
    let timed = async { timeout_at(deadline.into(), work).await };
    let outcome = if Handle::try_current().is_ok() {
        // This thread belongs to a runtime of the caller's, within which another would panic.
        thread::scope(|scope| scope.spawn(|| runtime.block_on(timed)).join())
            .map_err(|_| failed("its client stopped by itself"))?
    } else {
        runtime.block_on(timed)
    };
    match outcome {
        Ok(answer) => answer.map_err(|error| remote_error(&error)),
        Err(_) => Err(RemoteError::Timeout { store: STORE, after }),
    }
}
