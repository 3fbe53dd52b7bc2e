//! A bucket into which tokens trickle without steps.

use super::Model;

/// A continuous token bucket that starts full.
///
/// The level is kept in nanoseconds' worth of tokens, so that fractions are exact.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    refill_ns: u128,
    capacity: u128,
    /// What was added or taken, oldest first: time, and tokens.
    history: Vec<(u128, i128)>,
}

impl TokenBucket {
    /// A bucket of `capacity` tokens, of which one comes back every `refill_ns`.
    #[must_use]
    pub fn new(capacity: u128, refill_ns: u128) -> Self {
        Self { refill_ns, capacity, history: Vec::new() }
    }

    /// The level at `now`: between one full bucket and one full bucket of debt.
    fn level_ns(&self, now: u128) -> i128 {
        let full = signed(self.capacity * self.refill_ns);
        let mut level = full;
        let mut last = 0;
        for &(at, tokens) in &self.history {
            level = full.min(level + signed(at - last));
            level = (level + tokens * signed(self.refill_ns)).clamp(-full, full);
            last = at;
        }
        full.min(level + signed(now - last))
    }
}

impl Model for TokenBucket {
    fn take(&mut self, now: u128, cost: u128) -> bool {
        let enough = self.level_ns(now) >= signed(cost * self.refill_ns);
        if enough {
            self.force(now, cost);
        }
        enough
    }

    fn force(&mut self, now: u128, cost: u128) {
        self.history.push((now, -signed(cost)));
    }

    fn give_back(&mut self, now: u128, _charged_at: u128, cost: u128) {
        self.history.push((now, signed(cost)));
    }

    fn left(&self, now: u128) -> u128 {
        (1..=self.capacity)
            .take_while(|tokens| self.level_ns(now) >= signed(tokens * self.refill_ns))
            .count() as u128
    }

    fn full_after(&self, now: u128) -> u128 {
        (signed(self.capacity * self.refill_ns) - self.level_ns(now)).unsigned_abs()
    }
}

fn signed(number: u128) -> i128 {
    i128::try_from(number).expect("tests stay far below 2^127")
}
