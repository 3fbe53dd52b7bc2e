//! Why a limit makes no sense, and which part of it would have to change.

use core::fmt;

#[cfg(doc)]
use crate::LimitSpec;
use crate::{Limit, Nanos, algorithm::Kind};

/// Why a [`LimitSpec`] makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitError {
    /// The period is zero.
    ZeroPeriod,
    /// The burst is zero: not even one request could ever pass.
    ZeroBurst,
    /// More than one unit per nanosecond.
    TooFast {
        /// Units per period.
        limit: u32,
        /// The period.
        period: Nanos,
    },
    /// An empty key would take longer than [`Limit::MAX_FILL_TIME`] to fill.
    TooSlow {
        /// How long it would take, in whole seconds.
        seconds: u64,
    },
    /// A burst was given to an algorithm that has none.
    BurstWithout {
        /// The algorithm.
        algorithm: Kind,
    },
    /// Strict mode was asked of an algorithm that cannot keep it.
    StrictWithout {
        /// The algorithm.
        algorithm: Kind,
    },
    /// In strict mode the burst counts against the limit.
    StrictBurst {
        /// The burst.
        burst: u32,
        /// The limit it must not exceed.
        limit: u32,
    },
    /// A queue was given to an algorithm that never makes anybody wait.
    QueueWithout {
        /// The algorithm.
        algorithm: Kind,
    },
    /// A leaky bucket that queues lets one through at a time: it has no burst, and is strict
    /// about its rate by itself.
    QueueWithBurst,
    /// A calendar period was given to an algorithm that has no windows.
    CalendarWithout {
        /// The algorithm.
        algorithm: Kind,
    },
    /// A log of so many units costs too much memory to be chosen by accident.
    LogTooLarge {
        /// Units per period.
        limit: u32,
    },
}

/// Which part of a limit an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The algorithm's name.
    Algorithm,
    /// The number of units.
    Count,
    /// The period.
    Period,
    /// The burst.
    Burst,
    /// The word `strict`.
    Strict,
    /// The queue.
    Queue,
}

impl LimitError {
    /// The part of the limit that would have to change.
    #[must_use]
    pub const fn part(&self) -> Part {
        match self {
            Self::ZeroPeriod | Self::TooSlow { .. } | Self::CalendarWithout { .. } => Part::Period,
            Self::ZeroBurst
            | Self::BurstWithout { .. }
            | Self::StrictBurst { .. }
            | Self::QueueWithBurst => Part::Burst,
            Self::StrictWithout { .. } => Part::Strict,
            Self::QueueWithout { .. } => Part::Queue,
            Self::TooFast { .. } | Self::LogTooLarge { .. } => Part::Count,
        }
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroPeriod => f.write_str("the period is zero; give at least 1 nanosecond"),
            Self::ZeroBurst => f.write_str(
                "the burst is zero, so nothing could ever pass; give at least 1, or a limit of 0 to refuse all",
            ),
            Self::TooFast { limit, period } => write!(
                f,
                "{limit} units in {} ns is more than one per nanosecond; lower the limit or lengthen the period",
                period.0
            ),
            Self::TooSlow { seconds } => write!(
                f,
                "an empty key would take {seconds} s to fill, more than the {} s (100 years) that are kept apart; shorten the period or lower the burst",
                Limit::MAX_FILL_TIME.0 / Nanos::SECOND.0
            ),
            Self::BurstWithout { algorithm } => write!(
                f,
                "{algorithm} has no burst: it lets the whole limit pass at once; leave the burst out, or use gcra, token_bucket or leaky_bucket"
            ),
            Self::StrictWithout { algorithm: Kind::SlidingWindowLog } => f.write_str(
                "sliding_window_log is strict by itself; leave out `strict`",
            ),
            Self::StrictWithout { algorithm } => write!(
                f,
                "{algorithm} cannot be strict; use gcra, token_bucket or leaky_bucket with `strict`, or sliding_window_log, which is strict by itself"
            ),
            Self::StrictBurst { burst, limit } => write!(
                f,
                "a strict limit of {limit} cannot let {burst} pass at once; give a burst of at most {limit}"
            ),
            Self::QueueWithout { algorithm } => write!(
                f,
                "{algorithm} makes nobody wait; only leaky_bucket has a queue"
            ),
            Self::QueueWithBurst => f.write_str(
                "a leaky bucket with a queue lets one through at a time; leave out `burst` and `strict`, or leave out `queue`",
            ),
            Self::CalendarWithout { algorithm } => write!(
                f,
                "{algorithm} cannot count by the calendar; use fixed_window, or a plain period"
            ),
            Self::LogTooLarge { limit } => write!(
                f,
                "a sliding window log keeps {limit} times of 8 bytes for every key; use sliding_window_counter, or add `force` to allow more than {}",
                Limit::MAX_LOG
            ),
        }
    }
}

impl core::error::Error for LimitError {}
