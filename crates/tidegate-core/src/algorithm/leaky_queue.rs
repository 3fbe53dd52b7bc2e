//! A leaky bucket that shapes: callers leave one emission interval apart, and wait their turn.
//!
//! The decision says how long to wait; sleeping is the caller's business. The leaky bucket
//! that only measures is [`Gcra`](super::Gcra).

use core::num::NonZeroU32;

use super::Algorithm;
use crate::{Decision, Nanos, Step, Verdict};

/// A queue with one exit, through which one unit passes per emission interval.
///
/// A request of cost `c` that is admitted leaves after [`Decision::delay`], and keeps the
/// exit busy for `c` intervals. It is admitted if its own wait is at most `max_wait`; that
/// its cost makes the *next* one wait longer than that is the next one's concern. So, unlike
/// under the other algorithms, a cost above `remaining` may pass.
///
/// A cost of 0 needs no exit and leaves at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeakyQueue {
    emission_interval: Nanos,
    max_wait: Nanos,
    capacity: u32,
}

impl LeakyQueue {
    /// Lets `limit` units leave per `period`, evenly spaced; nobody waits for longer than
    /// `max_wait`.
    ///
    /// The emission interval `⌈period/limit⌉` is at least a nanosecond, and rounded up so
    /// that nothing leaves faster than asked for.
    #[must_use]
    pub fn new(limit: NonZeroU32, period: Nanos, max_wait: Nanos) -> Self {
        let emission_interval = Nanos(period.0.div_ceil(u64::from(limit.get())).max(1));
        let capacity = places(max_wait, emission_interval);
        Self { emission_interval, max_wait, capacity }
    }

    /// Time between two units that leave; at least a nanosecond.
    #[must_use]
    pub const fn emission_interval(&self) -> Nanos {
        self.emission_interval
    }

    /// The longest wait that a caller is given.
    #[must_use]
    pub const fn max_wait(&self) -> Nanos {
        self.max_wait
    }

    /// How many requests of cost 1 an idle queue takes at one moment: the one that leaves at
    /// once, and those that wait. A higher cost never passes.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Time after which a queue that admitted all it could is idle, at most: the longest wait,
    /// then the highest cost.
    #[must_use]
    pub const fn fill_time(&self) -> Nanos {
        self.max_wait.saturating_add(self.price(self.capacity))
    }

    const fn price(&self, cost: u32) -> Nanos {
        self.emission_interval.saturating_mul(cost as u64)
    }

    fn verdict(&self, wait: Nanos, cost: u32) -> Verdict {
        if cost > self.capacity {
            return Verdict::Never;
        }
        let patience = if cost == 0 { self.fill_time() } else { self.max_wait };
        match wait.saturating_sub(patience) {
            Nanos::ZERO => Verdict::Allowed,
            retry_after => Verdict::Denied { retry_after },
        }
    }

    /// The answer when the exit is busy for `wait` more.
    fn decision(&self, verdict: Verdict, wait: Nanos, delay: Nanos) -> Decision {
        let limit = self.capacity;
        let remaining = match self.max_wait.0.checked_sub(wait.0) {
            Some(patience) => places(Nanos(patience), self.emission_interval),
            None => 0,
        };
        let next_unit_after = if remaining == limit {
            Nanos::ZERO
        } else {
            wait.saturating_add(self.price(remaining)).saturating_sub(self.max_wait)
        };
        Decision { verdict, limit, remaining, reset_after: wait, next_unit_after, delay }
    }

    /// True when nobody has queued since a charge of `cost` that left at `departure`.
    fn is_last(&self, free_at: Nanos, departure: Nanos, cost: u32) -> bool {
        free_at == departure.saturating_add(self.price(cost))
    }
}

/// Requests of cost 1 that can be admitted at one moment, if the first may have to wait for
/// another `patience`: that one, and one for each interval in it.
fn places(patience: Nanos, emission_interval: Nanos) -> u32 {
    u32::try_from(patience.0 / emission_interval.0).map_or(u32::MAX, |more| more.saturating_add(1))
}

impl Algorithm for LeakyQueue {
    /// When the exit is free again, which is when the next caller leaves.
    type State = Nanos;

    /// Decides one request.
    ///
    /// ```text
    /// start   = max(free, now)
    /// delay   = start − now
    /// admit   ⇔ delay ≤ max_wait
    /// free'   = start + cost·T
    /// retry   = delay − max_wait
    /// ```
    fn check(&self, free_at: Nanos, now: Nanos, cost: u32) -> Step<Nanos> {
        let wait = free_at.saturating_sub(now);
        let verdict = self.verdict(wait, cost);
        if verdict != Verdict::Allowed || cost == 0 {
            return Step { decision: self.decision(verdict, wait, Nanos::ZERO), next: None };
        }
        let busy = wait.saturating_add(self.price(cost));
        let decision = self.decision(verdict, busy, wait);
        Step { decision, next: Some(now.saturating_add(busy)) }
    }

    fn peek(&self, free_at: Nanos, now: Nanos, cost: u32) -> Decision {
        let wait = free_at.saturating_sub(now);
        let verdict = self.verdict(wait, cost);
        let delay = if verdict == Verdict::Allowed && cost > 0 { wait } else { Nanos::ZERO };
        self.decision(verdict, wait, delay)
    }

    /// Frees the exit if the charge was the last in the queue; otherwise its place is lost.
    ///
    /// Those behind it have been told when to leave. To let newcomers in earlier than after
    /// the last of them would make two leave within one interval. For the same reason a part
    /// of a charge comes back through [`settle`](Algorithm::settle) only, which knows the
    /// whole.
    fn refund(&self, free_at: Nanos, now: Nanos, charged_at: Nanos, cost: u32) -> Nanos {
        self.settle(free_at, now, charged_at, cost, 0)
    }

    fn debit(&self, free_at: Nanos, now: Nanos, cost: u32) -> Nanos {
        let wait = free_at.saturating_sub(now);
        // Whoever waits for longer than the cap was let in by a clock that is ahead.
        let furthest = self.fill_time().saturating_mul(2).max(wait);
        now.saturating_add(wait.saturating_add(self.price(cost)).min(furthest))
    }

    fn settle(
        &self,
        free_at: Nanos,
        now: Nanos,
        charged_at: Nanos,
        reserved: u32,
        actual: u32,
    ) -> Nanos {
        if actual >= reserved {
            self.debit(free_at, now, actual - reserved)
        } else if self.is_last(free_at, charged_at, reserved) {
            charged_at.saturating_add(self.price(actual))
        } else {
            free_at
        }
    }

    /// Leaves every departure where it is: those who wait have been told.
    ///
    /// A time that no queue under either limit could have come to is pulled back.
    fn carry_over(&self, free_at: Nanos, now: Nanos, old: &Self) -> Nanos {
        let furthest = self.fill_time().max(old.fill_time()).saturating_mul(2);
        free_at.min(now.saturating_add(furthest))
    }

    fn recovered_at(&self, free_at: Nanos) -> Nanos {
        free_at
    }
}
