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
//! * [`Remote`]: the store, as a process uses it. Threads that wait ask for each other
//!   (`crew`); for tasks that do not, one thread does (`runner`). Both end in one trip to the
//!   server (`server`), whose answers are remembered (`memo`), and whose silence is too
//!   (`breaker`). Connections are made by threads of their own (`dial`), so that nobody waits
//!   longer for one than for an answer; names are looked up likewise ([`Lookup`]).
//!
//! This crate knows no server, no protocol and no rule. Times are those of the server's
//! clock, in nanoseconds since 1970, unless they are called local.

mod ask;
mod batch;
mod breaker;
mod crew;
mod dial;
mod error;
#[cfg(feature = "tls")]
mod lenient;
mod link;
mod lookup;
mod memo;
mod name;
mod question;
mod remote;
mod reply;
mod runner;
mod server;
mod settings;
mod store;
mod ticket;

pub use ask::{Ask, AskKind, Counter, Fix};
pub use breaker::Health;
pub use error::RemoteError;
#[cfg(feature = "tls")]
pub use lenient::Lenient;
pub use link::{Backend, Link, Listed, Page};
pub use lookup::Lookup;
pub use memo::{Entry, Memo};
pub use name::{Name, Subject};
pub use remote::Remote;
pub use reply::{LogRecord, Record, Reply};
pub use server::{Event, Listener, RemoteStats};
pub use settings::{Settings, unknown_option};
pub use store::RemoteStore;
pub use ticket::{Answer, Decisions, Done, Outcome};
