//! From the client's and the server's errors to the store's.

use redis::{RedisError, ServerError};
use tidegate_remote::RemoteError;

use crate::{STORE, due::Due, rights};

/// What the server's answer means when it is an error.
pub(crate) fn refused(error: &ServerError) -> RemoteError {
    let detail = error.details().unwrap_or_default();
    let reason = format!("{} {detail}", error.code()).trim_end().to_owned();
    if let Some(error) = rights::missing(&reason, None) {
        return error;
    }
    match cause(error.code(), detail) {
        "NOAUTH" | "WRONGPASS" | "NOPERM" => RemoteError::Access { store: STORE, reason },
        "OOM" | "READONLY" | "MISCONF" | "NOREPLICAS" => {
            RemoteError::ReadOnly { store: STORE, reason }
        }
        "LOADING" | "CLUSTERDOWN" | "MASTERDOWN" | "TRYAGAIN" | "BUSY" | "MOVED" | "ASK" => {
            RemoteError::Unavailable { store: STORE, reason }
        }
        _ => RemoteError::Failed { store: STORE, reason },
    }
}

/// The code of an error, or, for one that a script met before Redis 7, the code within.
fn cause<'a>(code: &'a str, detail: &'a str) -> &'a str {
    if code != "ERR" {
        return code;
    }
    if detail.starts_with("Client sent AUTH") || detail.starts_with("AUTH <password> called") {
        return "WRONGPASS";
    }
    let inner = ["-OOM ", "-READONLY ", "-MISCONF ", "-NOREPLICAS ", "-NOPERM ", "-LOADING "];
    inner
        .into_iter()
        .find(|inner| detail.contains(inner))
        .map_or(code, |inner| &inner[1..inner.len() - 1])
}

/// True for answers after which the server is not the one to ask: a replica by now.
pub(crate) fn is_demoted(error: &RemoteError) -> bool {
    matches!(error, RemoteError::ReadOnly { reason, .. } if reason.contains("READONLY"))
}

/// True for answers that speak of one request and not of the connection or the server.
pub(crate) fn is_about_the_request(error: &RemoteError) -> bool {
    !is_demoted(error) && !matches!(error, RemoteError::Access { .. } | RemoteError::Timeout { .. })
}

/// What the client's error means. `doing` tells what was tried, as in `connecting to …`.
pub(crate) fn broken(error: &RedisError, due: &Due, doing: &str) -> RemoteError {
    if error.is_timeout() {
        return due.missed();
    }
    RemoteError::Unavailable { store: STORE, reason: format!("{doing}: {error}") }
}

/// An answer that is none the script or the command gives.
pub(crate) fn nonsense(expected: &str) -> RemoteError {
    RemoteError::Failed { store: STORE, reason: format!("unexpected answer; wanted {expected}") }
}
