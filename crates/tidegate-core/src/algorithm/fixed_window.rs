//! Counts within windows that all keys share.
//!
//! Cheap and easy to explain, and used for every calendar period. Twice the limit can pass
//! within an instant around a window's edge; the other algorithms exist for those who mind.

use core::num::NonZeroU32;

use super::{Algorithm, kept_units};
use crate::{Decision, Nanos, Step, Verdict};

/// At most `limit` units per window; windows begin at the multiples of the period.
///
/// The state of a key is one number, `v = index·L + used`. Units beyond the limit (debt)
/// thus spill into the next window by themselves, a past window needs no clean-up, and no
/// pair of words can be torn. It is GCRA on a clock that counts windows, with an interval of
/// one unit.
///
/// The number means nothing under another limit: see [`Algorithm::carry_over`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedWindow {
    limit: NonZeroU32,
    period: Nanos,
}

impl FixedWindow {
    /// Admits `limit` units per window of `period`.
    ///
    /// A period of fewer nanoseconds than units is lengthened to one nanosecond per unit, so
    /// that the state fits its word until the end of time.
    #[must_use]
    pub fn new(limit: NonZeroU32, period: Nanos) -> Self {
        Self { limit, period: period.max(Nanos(u64::from(limit.get()))) }
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

    fn units(&self) -> u64 {
        u64::from(self.limit.get())
    }

    fn index(&self, now: Nanos) -> u64 {
        now.0 / self.period.0
    }

    /// What `v` is for a key that has used nothing in window `index`.
    fn floor(&self, index: u64) -> u64 {
        index.saturating_mul(self.units())
    }

    /// What `v` must not exceed in window `index`.
    fn ceiling(&self, index: u64) -> u64 {
        self.floor(index).saturating_add(self.units())
    }

    /// Time until window `index` begins.
    fn until(&self, index: u64, now: Nanos) -> Nanos {
        self.period.saturating_mul(index).saturating_sub(now)
    }

    /// Time until `cost` more units than `v` fit below a ceiling; `cost` is at most the limit.
    fn until_fits(&self, v: u64, cost: u32, now: Nanos) -> Nanos {
        let last_needed = v.saturating_add(u64::from(cost)).div_ceil(self.units());
        self.until(last_needed.saturating_sub(1), now)
    }

    #[inline]
    fn verdict(&self, base: u64, now: Nanos, cost: u32) -> Verdict {
        if cost > self.limit.get() {
            Verdict::Never
        } else if base.saturating_add(u64::from(cost)) <= self.ceiling(self.index(now)) {
            Verdict::Allowed
        } else {
            Verdict::Denied { retry_after: self.until_fits(base, cost, now) }
        }
    }

    #[inline]
    fn decision(&self, verdict: Verdict, base: u64, now: Nanos) -> Decision {
        let limit = self.limit.get();
        let left = self.ceiling(self.index(now)).saturating_sub(base);
        let remaining = u32::try_from(left).unwrap_or(limit);
        let next_unit_after = if remaining == limit {
            Nanos::ZERO
        } else {
            self.until_fits(base, remaining + 1, now)
        };
        let reset_after = self.until(base.div_ceil(self.units()), now);
        Decision { verdict, limit, remaining, reset_after, next_unit_after, delay: Nanos::ZERO }
    }

    #[inline]
    fn base(&self, v: u64, now: Nanos) -> u64 {
        v.max(self.floor(self.index(now)))
    }
}

impl Algorithm for FixedWindow {
    /// `index·L + used`.
    type State = u64;

    /// Decides one request.
    ///
    /// ```text
    /// index = ⌊now / P⌋
    /// base  = max(v, index·L)          a past window's use is forgotten
    /// admit ⇔ base + cost ≤ (index + 1)·L
    /// retry = (⌈(base + cost) / L⌉ − 1)·P − now
    /// ```
    ///
    /// Without debt the retry is the next window's beginning.
    #[inline]
    fn check(&self, v: u64, now: Nanos, cost: u32) -> Step<u64> {
        let base = self.base(v, now);
        let verdict = self.verdict(base, now, cost);
        if verdict != Verdict::Allowed || cost == 0 {
            return Step { decision: self.decision(verdict, base, now), next: None };
        }
        let next = base.saturating_add(u64::from(cost));
        Step { decision: self.decision(verdict, next, now), next: Some(next) }
    }

    fn peek(&self, v: u64, now: Nanos, cost: u32) -> Decision {
        let base = self.base(v, now);
        self.decision(self.verdict(base, now, cost), base, now)
    }

    /// Gives back what was taken in the current window; what an earlier one took is over.
    ///
    /// A number below the window's own reads as nothing used, so a refund can't bank units.
    fn refund(&self, v: u64, now: Nanos, charged_at: Nanos, cost: u32) -> u64 {
        if self.index(charged_at) != self.index(now) {
            return v;
        }
        v.saturating_sub(u64::from(cost))
    }

    fn debit(&self, v: u64, now: Nanos, cost: u32) -> u64 {
        let base = self.base(v, now);
        let cap = self.ceiling(self.index(now)).saturating_add(self.units());
        // A state ahead of the cap was left by a clock that is ahead: not ours to lower.
        base.saturating_add(u64::from(cost)).min(cap.max(base))
    }

    /// Keeps the units used in the old current window as units used in the new one, at most
    /// the new limit; and debt, at most one window of it.
    fn carry_over(&self, v: u64, now: Nanos, old: &Self) -> u64 {
        let used = old.base(v, now) - old.floor(old.index(now));
        let kept = kept_units(used, old.units(), self.units());
        self.floor(self.index(now)).saturating_add(kept)
    }

    fn recovered_at(&self, v: u64) -> Nanos {
        self.period.saturating_mul(v.div_ceil(self.units()))
    }
}
