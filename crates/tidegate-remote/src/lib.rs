//! What stores behind a network connection have in common.
//!
//! A server is a place to keep state, and a clock. A store's crate writes a [`Backend`]: how
//! to connect, and how to put questions to one connection ([`Link`]). Everything else is the
//! same for all of them and stands here.
//!
//! * [`Counter`], [`Ask`], [`Fix`]: what a server is asked to do.
//! * [`Reply`], [`Record`]: what it answers; [`Reply::decisions`] makes decisions of it, by
//!   the algorithms of `tidegate-core`.
//! * [`Name`]: what a counter is called on a server.
//! * [`RemoteError`]: why there was no answer.
//!
//! This crate knows no server, no protocol and no rule. Times are those of the server's
//! clock, in nanoseconds since 1970, unless they are called local.

mod ask;
mod error;
mod link;
mod name;
mod reply;

pub use ask::{Ask, AskKind, Counter, Fix};
pub use error::RemoteError;
pub use link::{Backend, Link, Listed, Page};
pub use name::{Name, Subject};
pub use reply::{LogRecord, Record, Reply};
