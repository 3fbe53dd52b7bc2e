//! What PostgreSQL and its client report, as [`RemoteError`]s without names or passwords.

use std::error::Error as _;

use tidegate_remote::RemoteError;
use tokio_postgres::error::{DbError, SqlState};

/// The store's name in messages and metrics.
pub(crate) const STORE: &str = "postgres";

pub(crate) fn unavailable(reason: impl Into<String>) -> RemoteError {
    RemoteError::Unavailable { store: STORE, reason: reason.into() }
}

pub(crate) fn failed(reason: impl Into<String>) -> RemoteError {
    RemoteError::Failed { store: STORE, reason: reason.into() }
}

pub(crate) fn setup(reason: impl Into<String>) -> RemoteError {
    RemoteError::Setup { reason: reason.into() }
}

fn access(reason: impl Into<String>) -> RemoteError {
    RemoteError::Access { store: STORE, reason: reason.into() }
}

/// True when the server undid the statement, for another's sake, and it may be sent again.
pub(crate) fn is_undone(error: &tokio_postgres::Error) -> bool {
    let undone = [
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::LOCK_NOT_AVAILABLE,
    ];
    error.code().is_some_and(|code| undone.contains(code))
}

/// What an error of the client means.
pub(crate) fn remote_error(error: &tokio_postgres::Error) -> RemoteError {
    if let Some(said) = error.as_db_error() {
        return server_error(said);
    }
    // The client's own words come before the colon; what the system said is the source. No
    // part of the connection's settings is in either.
    let mut reason = error.to_string();
    if let Some(source) = error.source() {
        let cause = source.to_string();
        if !reason.contains(&cause) {
            reason = format!("{reason}: {cause}");
        }
    }
    if reason.contains("password missing") {
        return access("it asks for a password, and the URL has none");
    }
    if reason.contains("server does not support TLS") {
        return setup(
            "the PostgreSQL server has no TLS; switch it on there, or write sslmode=disable",
        );
    }
    unavailable(reason)
}

/// What an error of the server means.
///
/// Messages about logins hold the user's name, so they are put in other words.
fn server_error(said: &DbError) -> RemoteError {
    let code = said.code().code();
    let reason = format!("{} ({code})", said.message());
    match (&code[..2], code) {
        ("28", "28P01") => access(format!("the user or the password is wrong ({code})")),
        ("28", _) => access(format!(
            "the user may not log in from here in this way ({code}); see the role, pg_hba.conf and sslmode"
        )),
        (_, "42501") => access(reason),
        (_, "25006") | ("53", "53100") => RemoteError::ReadOnly { store: STORE, reason },
        (_, "3D000") => setup("the database that the URL names does not exist"),
        // The schema was there when the connection was made. The next one makes it anew.
        (_, "42P01" | "42883" | "3F000") => unavailable(format!("its schema is gone: {reason}")),
        (_, "26000" | "42P05") => setup(
            "prepared statements get lost on the way to PostgreSQL; behind a pooler in transaction mode write prepare=false",
        ),
        (_, "08P01") if reason.contains("startup parameter") => {
            setup(format!("the pooler before PostgreSQL refuses a part of the URL: {reason}"))
        }
        ("08" | "53" | "57" | "58", _) => unavailable(reason),
        (_, "22003") => RemoteError::Foreign {
            store: STORE,
            name: "counter".into(),
            reason: format!("a number that no limit leads to: {reason}"),
        },
        _ => failed(reason),
    }
}
