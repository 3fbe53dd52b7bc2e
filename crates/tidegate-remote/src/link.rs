//! What a store's crate has to write: how to connect, and how to ask over one connection.

use std::time::Instant;

use tidegate_core::{Limit, Nanos, Program};

use crate::{Ask, Fix, RemoteError, Reply, Subject};

/// A kind of server, and where to find one.
///
/// Nothing is connected before [`connect`](Self::connect) is called, so a value of this may
/// cross a fork.
pub trait Backend: Send + Sync + 'static {
    /// One connection.
    type Link: Link;

    /// The store's name in messages and metrics, for instance `redis`.
    fn name(&self) -> &'static str;

    /// How `limit` is counted here: as it is, or with its numbers rounded to what the server
    /// can hold, never to the advantage of the counted.
    ///
    /// # Errors
    ///
    /// Why it cannot be counted here, and what would do instead.
    fn program(&self, limit: &Limit) -> Result<Program, String> {
        Ok(limit.program().clone())
    }

    /// Connects, authenticates, and sees that the server can do what is needed; makes what is
    /// missing there. Called by a thread of its own, and given more time than a check has.
    ///
    /// # Errors
    ///
    /// [`RemoteError`], at the latest when `deadline` (local) has passed.
    fn connect(&self, deadline: Instant) -> Result<Self::Link, RemoteError>;
}

/// One connection to a server.
///
/// # Contract
///
/// * **One trip.** [`exchange`](Self::exchange) sends all that it is given before it waits.
/// * **All or nothing** for every request of an ask, and exact: concurrent exchanges over
///   any number of links, in any number of processes, behave as if they came one after the
///   other.
/// * **A denial is free.** It writes nothing on the server.
/// * **No retry.** What may have been decided is not asked again.
/// * **Dead after an error of its own.** When a method returns `Err`, the link is dropped.
pub trait Link: Send {
    /// Puts all `asks` to the server, which decides them in this order, and pushes one answer
    /// for each, in the same order, to `replies`.
    ///
    /// An `Err` inside `replies` is about one ask, the link is still good: a counter of the
    /// wrong type, for instance.
    ///
    /// # Errors
    ///
    /// [`RemoteError`] when the link is of no use any more: at the latest when `deadline`
    /// (local) has passed. Which asks were decided is then not known, but for those whose
    /// replies were pushed.
    fn exchange(
        &mut self,
        asks: &[Ask],
        replies: &mut Vec<Result<Reply, RemoteError>>,
        deadline: Instant,
    ) -> Result<(), RemoteError>;

    /// Changes counters, each by itself.
    ///
    /// # Errors
    ///
    /// As [`exchange`](Self::exchange), and when a counter could not be changed.
    fn adjust(&mut self, fixes: &[Fix], deadline: Instant) -> Result<(), RemoteError>;

    /// The server's time.
    ///
    /// # Errors
    ///
    /// As [`exchange`](Self::exchange).
    fn time(&mut self, deadline: Instant) -> Result<Nanos, RemoteError>;

    /// Lists living counters, a page at a time, without ever holding the server up.
    ///
    /// # Errors
    ///
    /// As [`exchange`](Self::exchange).
    fn list(&mut self, page: &Page, deadline: Instant) -> Result<Listed, RemoteError>;
}

/// Which counters to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Of this rule alone.
    pub rule: Option<String>,
    /// Of subjects that begin so, as [`Name::begins`](crate::Name::begins) writes it; of all when it
    /// is empty. Subjects of which only a digest is kept begin with nothing.
    pub prefix: String,
    /// Where the page before ended; `None` for the first.
    pub after: Option<String>,
    /// About how many to list.
    pub size: u32,
}

/// A page of counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Rule, tag of the limit (see `Limit::tag`), and subject. A counter may come twice when
    /// it changes while pages are read.
    pub counters: Vec<(String, u64, Subject)>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}
