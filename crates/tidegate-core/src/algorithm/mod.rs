//! The algorithms, each a pure step from state, time and cost to a decision.
//!
//! | name in a limit string | file | state |
//! |---|---|---|
//! | `gcra` (default), `token_bucket`, `leaky_bucket` | [`Gcra`] | one point in time |
//! | `leaky_bucket … queue 5s` | [`LeakyQueue`] | one point in time |
//! | `fixed_window`, and every calendar period | [`FixedWindow`] | one number |
//! | `sliding_window_counter` | [`SlidingWindowCounter`] | window index and two counts |
//! | `sliding_window_log` | [`SlidingWindowLog`] | the times of admitted units |
//!
//! All but the log keep a state of fixed size and implement [`Algorithm`]; the log's state
//! grows, so it has methods of its own.

mod fixed_window;
mod gcra;
mod leaky_queue;
mod sliding_window_counter;
mod sliding_window_log;

use core::fmt;

pub use fixed_window::FixedWindow;
pub use gcra::Gcra;
pub use leaky_queue::LeakyQueue;
pub use sliding_window_counter::{Counts, SlidingWindowCounter};
pub use sliding_window_log::{SlidingWindowLog, Times};

use crate::{Decision, Nanos, Step};

/// A rate-limiting algorithm with a state of fixed size, written as pure steps.
///
/// # Contract
///
/// The tests in `tests/` check all of this for every implementation:
///
/// * **Total.** No input panics. Time that runs backwards is treated as time standing
///   still: it admits nothing that would not have been admitted anyway.
/// * **Default is unseen.** `State::default()` is a key that was never seen, and every state
///   whose time is over answers exactly like it. So zeroed memory is a full table.
/// * **A denial is free.** When the verdict is not `Allowed`, `next` is `None`.
/// * **`retry_after` is exact.** The same request made `retry_after` later is allowed; made
///   one nanosecond earlier than that it is denied.
/// * **`remaining` is exact.** So many requests of cost 1 would be allowed at this moment.
pub trait Algorithm {
    /// What a store keeps for one key between two steps.
    ///
    /// Small and `Copy`, so that a store can swap it as a whole.
    type State: Copy + Default + Eq + fmt::Debug;

    /// Decides one request of `cost` units made at `now`, and takes them if it is allowed.
    ///
    /// A cost of 0 takes nothing and is denied only to a key in debt.
    fn check(&self, state: Self::State, now: Nanos, cost: u32) -> Step<Self::State>;

    /// Answers as [`check`](Self::check) would, but takes nothing, and gives `remaining`,
    /// `reset_after` and `next_unit_after` as they stand.
    fn peek(&self, state: Self::State, now: Nanos, cost: u32) -> Decision;

    /// Gives back `cost` units that a check at `charged_at` had taken.
    ///
    /// Never makes a key fuller than one that rested. A refund that comes after the units
    /// have come back by themselves is lost.
    ///
    /// `charged_at` is when the caller went ahead: the time of the check plus the
    /// [`delay`](Decision::delay) it gave.
    fn refund(&self, state: Self::State, now: Nanos, charged_at: Nanos, cost: u32) -> Self::State;

    /// Takes `cost` units whether or not they are there: a penalty, or a cost that turned
    /// out higher than reserved.
    ///
    /// Debt is capped at one more fill (or window) beyond an empty key, so that
    /// `retry_after` stays bounded.
    fn debit(&self, state: Self::State, now: Nanos, cost: u32) -> Self::State;

    /// Replaces a reservation of `reserved` units made at `charged_at` by the `actual` cost.
    fn settle(
        &self,
        state: Self::State,
        now: Nanos,
        charged_at: Nanos,
        reserved: u32,
        actual: u32,
    ) -> Self::State {
        if actual >= reserved {
            self.debit(state, now, actual - reserved)
        } else {
            self.refund(state, now, charged_at, reserved - actual)
        }
    }

    /// The state under `self` of a key whose `state` was kept under `old`: what was used
    /// stays used when a limit changes.
    ///
    /// A state is not to be read under another limit without it.
    fn carry_over(&self, state: Self::State, now: Nanos, old: &Self) -> Self::State;

    /// When `state` becomes indistinguishable from a key that was never seen, so that a
    /// store may forget it. At or before `now` for one that already is.
    fn recovered_at(&self, state: Self::State) -> Nanos;
}

/// Of `used` units under a limit of `old`, those that count under a limit of `new`: all that
/// fit, and of what was beyond the old limit (debt) at most one window.
///
/// Without the distinction a lowered limit would turn honest use into debt.
fn kept_units(used: u64, old: u64, new: u64) -> u64 {
    let debt = used.saturating_sub(old).min(new);
    used.min(new.saturating_add(debt))
}

/// The name of an algorithm, as users write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Generic cell rate algorithm: smooth refill, bursts up to the burst.
    Gcra,
    /// Token bucket: GCRA under the name that most people know.
    TokenBucket,
    /// Leaky bucket: a meter, which is GCRA; with `queue`, callers wait their turn.
    LeakyBucket,
    /// Counts within windows that all keys share.
    FixedWindow,
    /// Remembers every admitted unit: exact over any window.
    SlidingWindowLog,
    /// Weighs the previous window's count by how much of it is still in view.
    SlidingWindowCounter,
}

impl Kind {
    /// Every algorithm, the default first.
    pub const ALL: [Self; 6] = [
        Self::Gcra,
        Self::TokenBucket,
        Self::LeakyBucket,
        Self::FixedWindow,
        Self::SlidingWindowLog,
        Self::SlidingWindowCounter,
    ];

    /// The name in limit strings and configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gcra => "gcra",
            Self::TokenBucket => "token_bucket",
            Self::LeakyBucket => "leaky_bucket",
            Self::FixedWindow => "fixed_window",
            Self::SlidingWindowLog => "sliding_window_log",
            Self::SlidingWindowCounter => "sliding_window_counter",
        }
    }

    /// True for the algorithms that refill smoothly and so know a burst.
    #[must_use]
    pub const fn has_burst(self) -> bool {
        matches!(self, Self::Gcra | Self::TokenBucket | Self::LeakyBucket)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
