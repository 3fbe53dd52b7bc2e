//! What is at which path.
//!
//! Knows no connection: a method and a path in, a page out.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper::StatusCode;
use tidegate_observe::{Client, Error, PROMETHEUS_TYPE, Stats, Totals, prometheus};

/// How long a worker may take, well below the ten seconds that scrapers commonly wait.
const PATIENCE: Duration = Duration::from_secs(2);

const TEXT: &str = "text/plain; charset=utf-8";

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) text: String,
}

impl Page {
    fn plain(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, content_type: TEXT, text: text.into() }
    }

    /// For what should not have happened.
    pub(super) fn broken(why: &str) -> Self {
        Self::plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n"))
    }
}

/// The pages about one application.
pub(super) struct Pages {
    client: Client,
    /// Held while the workers are asked, so that scrapes at the same moment do not ask twice as
    /// much of them at once.
    totals: Mutex<Totals>,
}

impl Pages {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self { client: Client::new(socket).patience(PATIENCE), totals: Mutex::new(Totals::new()) }
    }

    /// Answers a request, and waits for the workers if they are to be asked.
    pub(super) fn answer(&self, method: &str, path: &str) -> Page {
        if !matches!(method, "GET" | "HEAD") {
            return Page::plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        }
        match path {
            "/metrics" => match self.stats() {
                Ok(stats) => metrics(stats),
                Err(error) => Page::broken(&error.to_string()),
            },
            "/healthz" => match self.stats() {
                Ok(stats) if stats.workers.is_empty() => Page::plain(
                    StatusCode::SERVICE_UNAVAILABLE,
                    format!("{}\n", self.client.nobody()),
                ),
                Ok(_) => Page::plain(StatusCode::OK, "ok\n"),
                Err(error) => Page::plain(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
            },
            _ => Page::plain(StatusCode::NOT_FOUND, "there are /metrics and /healthz\n"),
        }
    }

    fn stats(&self) -> Result<Stats, Error> {
        // Whoever panicked with it in hand had nothing to leave half done.
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(totals.take(self.client.samples()?))
    }
}

fn metrics(stats: Stats) -> Page {
    match prometheus(stats) {
        Ok(text) => Page { status: StatusCode::OK, content_type: PROMETHEUS_TYPE, text },
        Err(error) => Page::broken(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_two_pages_for_readers() {
        let folder = tempfile::tempdir().unwrap();
        let pages = Pages::new(folder.path().join("t.sock"));
        assert_eq!(pages.answer("POST", "/metrics").status.as_u16(), 405);
        assert_eq!(pages.answer("GET", "/").status.as_u16(), 404);
        assert_eq!(pages.answer("GET", "/metrics/").status.as_u16(), 404);

        let nobody = pages.answer("GET", "/healthz");
        assert_eq!(nobody.status.as_u16(), 503);
        assert!(nobody.text.contains("nobody listens"), "{}", nobody.text);
        let metrics = pages.answer("GET", "/metrics");
        assert_eq!((metrics.status.as_u16(), metrics.content_type), (200, PROMETHEUS_TYPE));
        assert!(metrics.text.contains("\ntidegate_up 0\n"), "{}", metrics.text);
    }
}
