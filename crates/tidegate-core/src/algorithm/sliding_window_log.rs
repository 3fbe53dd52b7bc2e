//! Remembers when every admitted unit was taken: exact over any window.
//!
//! The state grows with the limit, so a store keeps it in its own shape (a ring, a sorted
//! set) and shows it as [`Times`]. The log only reads it and says what to drop and append.

use alloc::collections::VecDeque;
use core::{num::NonZeroU32, ops::Range};

use super::kept_units;
use crate::{Decision, Nanos, Verdict};

/// Admission times of one key, oldest first; one entry per admitted unit.
pub trait Times {
    /// How many entries there are.
    fn len(&self) -> usize;

    /// The `index`th oldest entry, counted from 0; `index` is below [`len`](Self::len).
    fn get(&self, index: usize) -> Nanos;

    /// True when there are no entries.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Times for [Nanos] {
    fn len(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> Nanos {
        self[index]
    }
}

impl Times for VecDeque<Nanos> {
    fn len(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> Nanos {
        self[index]
    }
}

impl<T: Times + ?Sized> Times for &T {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn get(&self, index: usize) -> Nanos {
        (**self).get(index)
    }
}

/// At most `limit` units in any window of `period`, its beginning excluded.
///
/// # Protocol
///
/// Only the store changes the log. It holds at most twice the limit, half of that by debit.
///
/// | to | do |
/// |---|---|
/// | take | [`check`](Self::check); if allowed, drop the oldest [`expired`](Self::expired), append `cost` times [`stamp`](Self::stamp) |
/// | debit | drop the oldest `expired`, append [`debit`](Self::debit) times `stamp` |
/// | refund | remove the range [`refund`](Self::refund) |
/// | change the limit | drop the oldest [`carry_over`](Self::carry_over) |
/// | forget | drop the key at or after [`recovered_at`](Self::recovered_at) |
///
/// # Examples
///
/// ```
/// use std::{collections::VecDeque, iter::repeat_n, num::NonZeroU32};
/// use tidegate_core::{Nanos, algorithm::SlidingWindowLog};
///
/// let two_per_second = SlidingWindowLog::new(NonZeroU32::new(2).unwrap(), Nanos::SECOND);
/// let mut times = VecDeque::new();
/// let mut take = |now, cost| {
///     let decision = two_per_second.check(&times, now, cost);
///     if decision.is_allowed() {
///         times.drain(..two_per_second.expired(&times, now));
///         let stamp = two_per_second.stamp(&times, now);
///         times.extend(repeat_n(stamp, cost as usize));
///     }
///     decision
/// };
///
/// assert!(take(Nanos(0), 1).is_allowed());
/// assert!(take(Nanos(10), 1).is_allowed());
/// assert_eq!(take(Nanos(11), 1).retry_after(), Some(Nanos(999_999_989)));
/// assert!(take(Nanos::SECOND, 1).is_allowed());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlidingWindowLog {
    limit: NonZeroU32,
    period: Nanos,
}

/// A log with the units of the request at hand appended.
struct View<'a, T: ?Sized> {
    times: &'a T,
    stamp: Nanos,
    appended: usize,
}

impl<T: Times + ?Sized> View<'_, T> {
    fn len(&self) -> usize {
        self.times.len().saturating_add(self.appended)
    }

    fn get(&self, index: usize) -> Nanos {
        if index < self.times.len() { self.times.get(index) } else { self.stamp }
    }
}

impl SlidingWindowLog {
    /// Admits `limit` units per `period`, which is at least a nanosecond.
    #[must_use]
    pub fn new(limit: NonZeroU32, period: Nanos) -> Self {
        Self { limit, period: period.max(Nanos(1)) }
    }

    /// Units per window.
    #[must_use]
    pub const fn limit(&self) -> NonZeroU32 {
        self.limit
    }

    /// Length of a window.
    #[must_use]
    pub const fn period(&self) -> Nanos {
        self.period
    }

    /// Decides one request of `cost` units made at `now`.
    ///
    /// ```text
    /// live  = entries later than now − W
    /// admit ⇔ live + cost ≤ L
    /// retry = (time of the (live + cost − L)th oldest live entry) + W − now
    /// ```
    ///
    /// A cost of 0 is denied only to a key in debt. Entries later than `now`, left by a clock
    /// that is ahead, are live.
    pub fn check(&self, times: &(impl Times + ?Sized), now: Nanos, cost: u32) -> Decision {
        let verdict = self.verdict(times, now, cost);
        let taken = if verdict == Verdict::Allowed { cost } else { 0 };
        self.decision(verdict, times, now, taken)
    }

    /// Answers as [`check`](Self::check) would, but with the numbers as they stand.
    pub fn peek(&self, times: &(impl Times + ?Sized), now: Nanos, cost: u32) -> Decision {
        self.decision(self.verdict(times, now, cost), times, now, 0)
    }

    /// How many of the oldest entries no longer count at `now`.
    pub fn expired(&self, times: &(impl Times + ?Sized), now: Nanos) -> usize {
        entries_before(times, |time| now.saturating_sub(time) >= self.period)
    }

    /// The time to append for units taken at `now`: not before the newest entry, so that the
    /// log stays in order when the clock does not.
    pub fn stamp(&self, times: &(impl Times + ?Sized), now: Nanos) -> Nanos {
        newest(times).map_or(now, |newest| newest.max(now))
    }

    /// How many entries to append for `cost` units that are taken whether or not they are
    /// there: all, up to a log of twice the limit.
    pub fn debit(&self, times: &(impl Times + ?Sized), now: Nanos, cost: u32) -> u32 {
        let live = (times.len() - self.expired(times, now)) as u64;
        let room = (2 * u64::from(self.limit.get())).saturating_sub(live);
        u32::try_from(room).unwrap_or(u32::MAX).min(cost)
    }

    /// Which entries to remove to give back `cost` units that were taken at `charged_at`: the
    /// newest of those no later than that. Empty when they are gone already.
    ///
    /// When the charge's own entries are fewer, older ones go. They count for a shorter time,
    /// so a refund never lets in more than if the charge had not been made.
    pub fn refund(
        &self,
        times: &(impl Times + ?Sized),
        charged_at: Nanos,
        cost: u32,
    ) -> Range<usize> {
        let end = entries_before(times, |time| time <= charged_at);
        end.saturating_sub(cost as usize)..end
    }

    /// How many of the oldest entries to drop when a log kept under `old` is to be kept under
    /// `self`: the expired ones, and those that a lowered limit has no room for.
    pub fn carry_over(&self, times: &(impl Times + ?Sized), now: Nanos, old: &Self) -> usize {
        let expired = self.expired(times, now);
        let live = (times.len() - expired) as u64;
        let kept = kept_units(live, old.limit.get().into(), self.limit.get().into());
        usize::try_from(live - kept).map_or(times.len(), |surplus| expired + surplus)
    }

    /// When the last entry stops counting; [`Nanos::ZERO`] for an empty log.
    pub fn recovered_at(&self, times: &(impl Times + ?Sized)) -> Nanos {
        newest(times).map_or(Nanos::ZERO, |newest| newest.saturating_add(self.period))
    }

    fn units(&self) -> usize {
        self.limit.get() as usize
    }

    fn verdict(&self, times: &(impl Times + ?Sized), now: Nanos, cost: u32) -> Verdict {
        if cost > self.limit.get() {
            return Verdict::Never;
        }
        let live = times.len() - self.expired(times, now);
        let most = self.units() - cost as usize;
        if live <= most {
            return Verdict::Allowed;
        }
        let last_to_expire = times.get(times.len() - most - 1);
        Verdict::Denied { retry_after: self.until_expired(last_to_expire, now) }
    }

    fn decision(
        &self,
        verdict: Verdict,
        times: &(impl Times + ?Sized),
        now: Nanos,
        taken: u32,
    ) -> Decision {
        let view = View { times, stamp: self.stamp(times, now), appended: taken as usize };
        let live = view.len() - self.expired(times, now);
        let counted = live.min(self.units());
        let (next_unit_after, reset_after) = if live == 0 {
            (Nanos::ZERO, Nanos::ZERO)
        } else {
            // Of the `counted` newest, the oldest: when it goes, one more fits.
            let next = view.get(view.len() - counted);
            let last = view.get(view.len() - 1);
            (self.until_expired(next, now), self.until_expired(last, now))
        };
        let limit = self.limit.get();
        // `counted` is at most `limit`, which is a `u32`.
        let remaining = limit - u32::try_from(counted).unwrap_or(limit);
        Decision { verdict, limit, remaining, reset_after, next_unit_after, delay: Nanos::ZERO }
    }

    fn until_expired(&self, time: Nanos, now: Nanos) -> Nanos {
        // A time ahead of now first has to come: the order of the two steps matters near the
        // end of time only, where a sum would stop short.
        match time.0.checked_sub(now.0) {
            Some(ahead) => self.period.saturating_add(Nanos(ahead)),
            None => self.period.saturating_sub(now.saturating_sub(time)),
        }
    }
}

fn newest(times: &(impl Times + ?Sized)) -> Option<Nanos> {
    times.len().checked_sub(1).map(|last| times.get(last))
}

/// How many of the oldest entries satisfy `condition`, which no entry does after one that
/// does not. Halves the log at every step.
fn entries_before(times: &(impl Times + ?Sized), condition: impl Fn(Nanos) -> bool) -> usize {
    let (mut low, mut high) = (0, times.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if condition(times.get(middle)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
