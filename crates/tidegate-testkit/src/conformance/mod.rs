//! The cases that every store must pass, whatever it keeps its counts in.
//!
//! A store joins with an adapter, a [`Subject`], and two calls: [`run`] for the cases, and
//! [`stress`] for what only threads can break. Nothing is passed over in silence: a case about
//! a limit that the store cannot count is listed in the [`Outcome`], and the store's test
//! states which those are.
//!
//! # Time
//!
//! Always [`Charge::at`]: the store under test must take it for the time of the decision, and
//! read no clock. Times are some decades after the epoch, but for one case at the epoch itself.
//! Nearly all are whole microseconds, as are all answers, so that a server whose clock counts
//! those fits; see [`Subject::resolution`].
//!
//! The suite waits for nothing. A store that forgets by a clock of its own must keep what it
//! is told for a minute longer than it lasts.
//!
//! # Keys
//!
//! A case's name is part of its keys' rule, so no two cases meet in one store. A second run
//! needs a store that is empty again.
//!
//! # Where things are
//!
//! * `sort`: the limits that cases are about; `case`: all cases, and how they are run.
//! * `quota`, `time`, `cost`, `changes`, `several`, `each`: properties of every limit.
//! * `flight`: the log as the list of what is in flight.
//! * `script`, `tables`, `adjusted`: answers written out as numbers, worked out by hand.
//! * `reference`, `histories`: random histories, beside the core's steps and the models.
//! * `stress`: many threads.

mod adjusted;
mod case;
mod changes;
mod cost;
mod each;
mod flight;
mod histories;
mod quota;
mod random;
mod reference;
mod scene;
mod script;
mod several;
mod sort;
mod stress;
mod tables;
mod time;

use std::slice;

use tidegate_core::{Adjustment, Charge, Decision, Limit, Nanos, Verdict};

pub use case::{CASES, Case, Outcome, run, run_but};
pub use stress::{Load, stress};

/// A store under test.
///
/// An adapter panics when its store fails; that fails the case.
pub trait Subject: Sync {
    /// Decides all charges of one request, which are of different keys: all are taken, or none.
    fn check(&self, charges: &[Charge<'_>]) -> Vec<Decision>;

    /// Answers as [`check`](Self::check) would, and takes nothing.
    fn peek(&self, charges: &[Charge<'_>]) -> Vec<Decision>;

    /// Decides many requests of one charge each, whose keys may repeat.
    fn check_each(&self, charges: &[Charge<'_>]) -> Vec<Decision>;

    /// Decides one charge as [`check`](Self::check) does, and tells the verdict alone. For a store
    /// that has a way of its own to do so.
    fn verdict(&self, charge: &Charge<'_>) -> Verdict {
        self.check(slice::from_ref(charge))[0].verdict
    }

    /// Decides many requests as [`check_each`](Self::check_each) does, and tells the verdicts
    /// alone.
    fn verdict_each(&self, charges: &[Charge<'_>]) -> Vec<Verdict> {
        self.check_each(charges).iter().map(|decision| decision.verdict).collect()
    }

    /// Applies changes that are not requests, one after the other.
    fn adjust(&self, adjustments: &[Adjustment<'_>]);

    /// Whether the store can count by `limit`.
    fn supports(&self, limit: &Limit) -> bool;

    /// The step of the store's clock; a nanosecond, unless it says otherwise.
    ///
    /// A store of a coarser one may give a unit back up to one step late, and never early.
    fn resolution(&self) -> Nanos {
        Nanos(1)
    }
}
