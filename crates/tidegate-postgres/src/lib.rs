//! State on a PostgreSQL server, for all processes and hosts that share it.
//!
//! [`PostgresBackend`] is what `tidegate-remote` asks of a store: it connects, keeps the
//! schema in order, and puts questions to one connection at a time. Decisions are made by
//! functions in the database (`src/migrations/`), by the server's clock, in the arithmetic of
//! `tidegate-core` to the nanosecond. One exchange is one trip, however many asks it holds,
//! and one transaction, if rows can be locked in the order of their names that way.
//!
//! * A refusal reads one row and writes nothing: no lock, no WAL, no transaction id.
//! * Tables are `UNLOGGED` unless the URL says otherwise: limits begin anew after a crash of
//!   the server. Of a logged table a crash may lose the last moments, because nobody waits
//!   for the disk.
//! * Rows whose time is over are deleted by whoever passes, a minute later, a few at a time.
//!
//! # Units
//!
//! Times are nanoseconds since 1970; the server's clock has microseconds.
//!
//! # What it does not do
//!
//! Pooling, queueing, retries, circuit breaking: those are the same for all servers, and not
//! here. It makes no decision by itself when the server does not answer.

#![forbid(unsafe_code)]

mod address;
mod answer;
mod backend;
mod batch;
mod connection;
mod error;
mod fixes;
mod link;
mod options;
mod percent;
mod program;
mod schema;
mod setup;
mod sweep;
mod tls;
mod url;

pub use backend::PostgresBackend;
pub use link::PostgresLink;
pub use url::PostgresUrl;
