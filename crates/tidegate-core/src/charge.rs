//! What a store is asked to do: the vocabulary between the facade and every store.

use crate::{Key, Limit, Nanos};

/// A request's cost under one limit.
///
/// A store is given all the charges of a request at once and takes all of them or none.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// Whose units.
    pub key: Key<'a>,
    /// Under which limit.
    pub limit: &'a Limit,
    /// How many units.
    pub cost: u32,
    /// The time on the limit's own timeline: the store's time, except for a limit by the
    /// calendar (see [`Limit::calendar_period`]).
    pub at: Nanos,
}

/// A change to one key's state that is not a request.
#[derive(Clone, Copy, Debug)]
pub struct Adjustment<'a> {
    /// Whose units.
    pub key: Key<'a>,
    /// Under which limit.
    pub limit: &'a Limit,
    /// The time on the limit's own timeline, as in [`Charge::at`].
    pub at: Nanos,
    /// What to change.
    pub change: Change,
}

/// What an [`Adjustment`] does. Times are on the limit's own timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Give back `cost` units that were taken at `charged_at`.
    Refund {
        /// Units to give back.
        cost: u32,
        /// When they were taken.
        charged_at: Nanos,
    },
    /// Take `cost` units whether or not they are there.
    Debit {
        /// Units to take.
        cost: u32,
    },
    /// Replace a reservation by what the work really cost.
    Settle {
        /// Units taken beforehand.
        reserved: u32,
        /// When they were taken.
        charged_at: Nanos,
        /// Units that should have been taken.
        actual: u32,
    },
    /// Forget the key.
    Reset,
}
