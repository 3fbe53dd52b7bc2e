//! What a server is asked to do. Owned, because whoever asks may leave before the answer comes.

use smallvec::SmallVec;
use tidegate_core::{Change, Nanos, Program};

use crate::Name;

/// One counter, and what a request costs there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// What it is called on the server.
    pub name: Name,
    /// How it counts. Never `DenyAll`, which no server need be asked about.
    pub program: Program,
    /// Units that one request costs. A cost of 0 takes nothing.
    pub cost: u32,
    /// The time to decide by; `None` for the server's clock at the moment of the decision.
    ///
    /// Given for limits by the calendar, whose timeline is not the server's, and by tests.
    pub at: Option<Nanos>,
}

/// Whether to take units or only to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskKind {
    /// Take the cost of every request that fits.
    Check,
    /// Take nothing.
    Peek,
}

/// `count` requests that are alike, and of which as many as fit are to be admitted.
///
/// A request is charged to all of `counters`, or to none. Requests of an ask are decided one
/// after the other; since they are alike, the first that is refused ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What the request is charged to; different counters, at least one.
    pub counters: SmallVec<[Counter; 2]>,
    /// How many such requests there are, at least 1.
    pub count: u32,
    /// Whether to take units or only to look.
    pub kind: AskKind,
}

/// A change to one counter that is not a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What the counter is called on the server.
    pub name: Name,
    /// How it counts.
    pub program: Program,
    /// The time to change it by; `None` for the server's clock.
    pub at: Option<Nanos>,
    /// What to change, by the rules of `tidegate_core::algorithm`.
    pub change: Change,
}
