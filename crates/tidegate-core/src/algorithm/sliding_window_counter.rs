//! Two counts per key, the older one fading out as its window leaves the view.
//!
//! Needs no more room for a large limit than for a small one. It supposes that the previous
//! window's units came evenly; a caller who knows that gets almost twice the limit into one
//! true window. [`SlidingWindowLog`](super::SlidingWindowLog) supposes nothing.

use core::num::NonZeroU32;

use super::{Algorithm, kept_units};
use crate::{Decision, Nanos, Step, Verdict};

/// The counts of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Index of the current window: windows begin at the multiples of the period.
    pub window: u64,
    /// Units charged in the window before.
    pub previous: u32,
    /// Units charged in the current window.
    pub current: u32,
}

/// At most `limit` units in the current window and what is still in view of the previous one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlidingWindowCounter {
    limit: NonZeroU32,
    period: Nanos,
}

/// Counts as they stand at a moment.
#[derive(Clone, Copy)]
struct Rolled {
    counts: Counts,
    /// Time since the current window began.
    elapsed: Nanos,
    /// Time until it begins, for a clock that is behind the one that wrote the counts.
    lag: Nanos,
}

impl SlidingWindowCounter {
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

    /// Moves the counts on to the window of `now`.
    ///
    /// Counts of a later window than that stay, as if it had just begun.
    fn roll(&self, counts: Counts, now: Nanos) -> Rolled {
        let window = now.0 / self.period.0;
        let counts = match window.saturating_sub(counts.window) {
            0 => counts,
            1 => Counts { window, previous: counts.current, current: 0 },
            _ => Counts { window, previous: 0, current: 0 },
        };
        let start = self.period.saturating_mul(counts.window);
        Rolled { counts, elapsed: now.saturating_sub(start), lag: start.saturating_sub(now) }
    }

    /// Units × nanoseconds in view: below 2^97, so no sum of a few overflows.
    fn weight(&self, rolled: &Rolled) -> u128 {
        let fading = area(rolled.counts.previous, self.period.saturating_sub(rolled.elapsed));
        fading + area(rolled.counts.current, self.period)
    }

    fn verdict(&self, rolled: &Rolled, cost: u32) -> Verdict {
        let wanted = self.weight(rolled) + area(cost, self.period);
        if cost > self.limit.get() {
            Verdict::Never
        } else if wanted <= area(self.limit.get(), self.period) {
            Verdict::Allowed
        } else {
            Verdict::Denied { retry_after: self.until_fits(rolled, cost) }
        }
    }

    /// Time until a `cost` that is denied now, and is at most the limit, fits.
    ///
    /// Either the previous window must fade until only `L − current − cost` of it is in view;
    /// or, when the current window alone is too full for that, the current one must, after
    /// it has become the previous one.
    fn until_fits(&self, rolled: &Rolled, cost: u32) -> Nanos {
        let Rolled { counts, elapsed, lag } = *rolled;
        let room = self.limit.get() - cost;
        let faded_at = match room.checked_sub(counts.current) {
            Some(room) => self.fades_to(counts.previous, room),
            None => self.period.saturating_add(self.fades_to(counts.current, room)),
        };
        faded_at.saturating_sub(elapsed).saturating_add(lag)
    }

    /// How far into a window the `count` of the window before weighs `room` units or less.
    fn fades_to(&self, count: u32, room: u32) -> Nanos {
        let in_view = area(room, self.period) / u128::from(count.max(1));
        self.period.saturating_sub(Nanos(u64::try_from(in_view).unwrap_or(u64::MAX)))
    }

    fn decision(&self, verdict: Verdict, rolled: &Rolled) -> Decision {
        let limit = self.limit.get();
        let spare = area(limit, self.period).saturating_sub(self.weight(rolled));
        // At most `limit`, because the spare weight is at most that many periods.
        let remaining = u32::try_from(spare / u128::from(self.period.0)).unwrap_or(limit);
        let next_unit_after =
            if remaining == limit { Nanos::ZERO } else { self.until_fits(rolled, remaining + 1) };
        let faded_at = self.faded_at(rolled.counts);
        let reset_after = match faded_at {
            Nanos::ZERO => Nanos::ZERO,
            _ => faded_at.saturating_sub(rolled.elapsed).saturating_add(rolled.lag),
        };
        Decision { verdict, limit, remaining, reset_after, next_unit_after, delay: Nanos::ZERO }
    }

    /// Time from the current window's beginning until nothing is in view.
    fn faded_at(&self, counts: Counts) -> Nanos {
        match (counts.previous, counts.current) {
            (0, 0) => Nanos::ZERO,
            (_, 0) => self.period,
            _ => self.period.saturating_mul(2),
        }
    }
}

fn area(units: u32, time: Nanos) -> u128 {
    u128::from(units) * u128::from(time.0)
}

impl Algorithm for SlidingWindowCounter {
    type State = Counts;

    /// Decides one request.
    ///
    /// With `W` the period and `e` the time since the current window began:
    ///
    /// ```text
    /// admit ⇔ previous·(W − e) + (current + cost)·W ≤ L·W
    /// ```
    ///
    /// Kept as a product, so that nothing is rounded.
    fn check(&self, counts: Counts, now: Nanos, cost: u32) -> Step<Counts> {
        let mut rolled = self.roll(counts, now);
        let verdict = self.verdict(&rolled, cost);
        if verdict != Verdict::Allowed || cost == 0 {
            return Step { decision: self.decision(verdict, &rolled), next: None };
        }
        rolled.counts.current = rolled.counts.current.saturating_add(cost);
        Step { decision: self.decision(verdict, &rolled), next: Some(rolled.counts) }
    }

    fn peek(&self, counts: Counts, now: Nanos, cost: u32) -> Decision {
        let rolled = self.roll(counts, now);
        self.decision(self.verdict(&rolled, cost), &rolled)
    }

    /// Gives back to the window in which the units were taken, if it is still in view.
    fn refund(&self, counts: Counts, now: Nanos, charged_at: Nanos, cost: u32) -> Counts {
        let mut counts = self.roll(counts, now).counts;
        match counts.window.checked_sub(charged_at.0 / self.period.0) {
            Some(0) => counts.current = counts.current.saturating_sub(cost),
            Some(1) => counts.previous = counts.previous.saturating_sub(cost),
            _ => {}
        }
        counts
    }

    fn debit(&self, counts: Counts, now: Nanos, cost: u32) -> Counts {
        let mut counts = self.roll(counts, now).counts;
        let cap = self.limit.get().saturating_mul(2);
        counts.current = counts.current.saturating_add(cost).min(cap);
        counts
    }

    /// Keeps both counts, each at most the new limit plus its debt. When the period differs
    /// the windows do too, so all that is in view counts as used in the new current window.
    fn carry_over(&self, counts: Counts, now: Nanos, old: &Self) -> Counts {
        let rolled = old.roll(counts, now);
        let kept = |used: u64| {
            let units = kept_units(used, old.limit.get().into(), self.limit.get().into());
            u32::try_from(units).unwrap_or(u32::MAX)
        };
        if self.period == old.period {
            let Counts { window, previous, current } = rolled.counts;
            return Counts {
                window,
                previous: kept(previous.into()),
                current: kept(current.into()),
            };
        }
        let in_view = old.weight(&rolled).div_ceil(u128::from(old.period.0));
        let current = kept(u64::try_from(in_view).unwrap_or(u64::MAX));
        Counts { window: now.0 / self.period.0, previous: 0, current }
    }

    fn recovered_at(&self, counts: Counts) -> Nanos {
        match self.faded_at(counts) {
            Nanos::ZERO => Nanos::ZERO,
            faded_at => self.period.saturating_mul(counts.window).saturating_add(faded_at),
        }
    }
}
