//! The generic cell rate algorithm: smooth refill, bursts up to the burst.
//!
//! One point in time is the whole state. This is what `gcra`, `token_bucket` and
//! `leaky_bucket` (as a meter) run on; the three differ in name only. Knows no clock and no
//! period: a limit comes down to an emission interval and a burst.

use core::num::NonZeroU32;

use super::Algorithm;
use crate::{Decision, Nanos, Step, Verdict};

/// A token bucket, kept as the time at which it will be full.
///
/// With `T` the [emission interval](Self::emission_interval), `B` the burst and
/// `ahead = max(TAT, now) − now`, the bucket holds `B − ahead/T` tokens, of which whole ones
/// can be spent. In any stretch of time `W`, both ends included, it admits at most
/// `B + ⌊W/T⌋` units; [`strict`](Self::strict) turns that into "never more than the limit".
///
/// Source: the virtual scheduling algorithm of ITU-T I.371, annex A, with tolerance
/// `τ = (B − 1)·T`, and taking `cost` cells at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gcra {
    emission_interval: Nanos,
    burst: NonZeroU32,
    /// Burst × emission interval, which every decision needs.
    fill_time: Nanos,
}

impl Gcra {
    /// Refills `limit` units per `period`, all of which can be spent at once.
    ///
    /// The emission interval `⌈period/limit⌉` is at least a nanosecond, and rounded up so
    /// that the refill is never faster than asked for.
    #[must_use]
    pub fn new(limit: NonZeroU32, period: Nanos) -> Self {
        let interval = period.0.div_ceil(u64::from(limit.get())).max(1);
        Self::of(Nanos(interval), limit)
    }

    const fn of(emission_interval: Nanos, burst: NonZeroU32) -> Self {
        let fill_time = emission_interval.saturating_mul(burst.get() as u64);
        Self { emission_interval, burst, fill_time }
    }

    /// The same refill with another burst.
    #[must_use]
    pub const fn with_burst(self, burst: NonZeroU32) -> Self {
        Self::of(self.emission_interval, burst)
    }

    /// Never admits more than `limit` units in any window of `period`, both ends included.
    ///
    /// A window of `P` admits at most `B + ⌊P/T⌋` units. For that to stay within `L`:
    ///
    /// ```text
    /// ⌊P/T⌋ ≤ L − B   ⇔   P/T < L − B + 1   ⇔   T > P/(L − B + 1)
    /// ```
    ///
    /// so `T = ⌊P/(L − B + 1)⌋ + 1` is the fastest refill that keeps it, for every burst up
    /// to the limit. A burst above the limit is lowered to it: then one whole burst passes
    /// per period and a bit.
    #[must_use]
    pub fn strict(limit: NonZeroU32, period: Nanos, burst: NonZeroU32) -> Self {
        let burst = burst.min(limit);
        let steps = u64::from(limit.get() - burst.get()) + 1;
        let emission_interval = Nanos((period.0 / steps).saturating_add(1));
        Self::of(emission_interval, burst)
    }

    /// Units that a rested key can spend at once.
    #[must_use]
    pub const fn burst(&self) -> NonZeroU32 {
        self.burst
    }

    /// Time in which one unit comes back; at least a nanosecond.
    #[must_use]
    pub const fn emission_interval(&self) -> Nanos {
        self.emission_interval
    }

    /// Time in which an empty key fills: burst × emission interval.
    #[must_use]
    pub const fn fill_time(&self) -> Nanos {
        self.fill_time
    }

    #[inline]
    const fn price(&self, cost: u32) -> Nanos {
        self.emission_interval.saturating_mul(cost as u64)
    }

    /// How far a TAT may lie ahead of now: an empty key, and one fill of debt.
    #[inline]
    const fn furthest(&self) -> Nanos {
        self.fill_time().saturating_mul(2)
    }

    /// Time until the key is full.
    ///
    /// Without stopping at zero, a key that rested for two fill times would have banked two
    /// bursts. Without the upper bound, a clock set back by a day would make every answer
    /// speak of a day.
    #[inline]
    fn ahead(&self, tat: Nanos, now: Nanos) -> Nanos {
        tat.saturating_sub(now).min(self.furthest())
    }

    #[inline]
    fn verdict(&self, ahead: Nanos, cost: u32) -> Verdict {
        if cost > self.burst.get() {
            return Verdict::Never;
        }
        match ahead.saturating_add(self.price(cost)).saturating_sub(self.fill_time()) {
            Nanos::ZERO => Verdict::Allowed,
            retry_after => Verdict::Denied { retry_after },
        }
    }

    #[inline]
    fn decision(&self, verdict: Verdict, ahead: Nanos) -> Decision {
        let limit = self.burst.get();
        let whole = self.fill_time().saturating_sub(ahead).0 / self.emission_interval.0;
        // At most `limit`, because the fill time is that many intervals.
        let remaining = u32::try_from(whole).unwrap_or(limit).min(limit);
        let next_unit_after = if remaining == limit {
            Nanos::ZERO
        } else {
            ahead.saturating_add(self.price(remaining + 1)).saturating_sub(self.fill_time())
        };
        Decision {
            verdict,
            limit,
            remaining,
            reset_after: ahead,
            next_unit_after,
            delay: Nanos::ZERO,
        }
    }
}

impl Algorithm for Gcra {
    /// The theoretical arrival time (TAT): when the key will be full.
    type State = Nanos;

    /// Decides one request.
    ///
    /// ```text
    /// start   = max(TAT, now)
    /// new TAT = start + cost·T
    /// admit   ⇔ new TAT − now ≤ B·T
    /// retry   = new TAT − now − B·T
    /// ```
    ///
    /// # Examples
    ///
    /// ```
    /// use core::num::NonZeroU32;
    /// use tidegate_core::algorithm::{Algorithm, Gcra};
    /// use tidegate_core::{Nanos, Verdict};
    ///
    /// let two_per_second = Gcra::new(NonZeroU32::new(2).unwrap(), Nanos::SECOND);
    /// let noon = Nanos(0);
    ///
    /// let both = two_per_second.check(Nanos::default(), noon, 2);
    /// let third = two_per_second.check(both.next.unwrap(), noon, 1);
    ///
    /// assert_eq!(both.decision.remaining, 0);
    /// assert_eq!(third.decision.verdict, Verdict::Denied { retry_after: Nanos(500_000_000) });
    /// ```
    #[inline]
    fn check(&self, tat: Nanos, now: Nanos, cost: u32) -> Step<Nanos> {
        let ahead = self.ahead(tat, now);
        let verdict = self.verdict(ahead, cost);
        if verdict != Verdict::Allowed || cost == 0 {
            return Step { decision: self.decision(verdict, ahead), next: None };
        }
        let ahead = ahead.saturating_add(self.price(cost));
        Step { decision: self.decision(verdict, ahead), next: Some(now.saturating_add(ahead)) }
    }

    fn peek(&self, tat: Nanos, now: Nanos, cost: u32) -> Decision {
        let ahead = self.ahead(tat, now);
        self.decision(self.verdict(ahead, cost), ahead)
    }

    /// Moves the TAT back by `cost·T`; what ends before `now` is a full key and no more.
    ///
    /// Only a key that is full *now* loses a late refund. One that was full at some time
    /// since the charge and is in use again gets its units back, because a single point in
    /// time can't tell the two apart.
    fn refund(&self, tat: Nanos, now: Nanos, _charged_at: Nanos, cost: u32) -> Nanos {
        now.saturating_add(self.ahead(tat, now)).saturating_sub(self.price(cost))
    }

    fn debit(&self, tat: Nanos, now: Nanos, cost: u32) -> Nanos {
        let ahead = self.ahead(tat, now).saturating_add(self.price(cost));
        now.saturating_add(ahead.min(self.furthest()))
    }

    /// Keeps the number of tokens used, debt included: `ahead' = ⌈ahead·T'/T⌉`, at most one
    /// fill of debt. Rounded up, so that a change of limits never yields a token.
    fn carry_over(&self, tat: Nanos, now: Nanos, old: &Self) -> Nanos {
        let ahead = u128::from(old.ahead(tat, now).0);
        let scaled = (ahead * u128::from(self.emission_interval.0))
            .div_ceil(u128::from(old.emission_interval.0));
        let ahead = Nanos(u64::try_from(scaled).unwrap_or(u64::MAX));
        now.saturating_add(ahead.min(self.furthest()))
    }

    fn recovered_at(&self, tat: Nanos) -> Nanos {
        tat
    }
}
