//! Every unit with its time.

use super::Model;

/// Remembers every unit for ever, and counts those of the last period.
#[derive(Clone, Debug)]
pub struct Log {
    limit: u128,
    period: u128,
    /// One entry per unit that counts, oldest first: when it was charged.
    units: Vec<u128>,
}

impl Log {
    /// `limit` units per `period` nanoseconds.
    #[must_use]
    pub fn new(limit: u128, period: u128) -> Self {
        Self { limit, period, units: Vec::new() }
    }

    fn live(&self, now: u128) -> u128 {
        self.units.iter().filter(|&&at| at + self.period > now).count() as u128
    }
}

impl Model for Log {
    fn take(&mut self, now: u128, cost: u128) -> bool {
        let fits = self.live(now) + cost <= self.limit;
        if fits {
            self.units.extend((0..cost).map(|_| now));
        }
        fits
    }

    fn force(&mut self, now: u128, cost: u128) {
        let room = 2 * self.limit - self.live(now);
        self.units.extend((0..room.min(cost)).map(|_| now));
    }

    fn give_back(&mut self, _now: u128, charged_at: u128, cost: u128) {
        for _ in 0..cost {
            if let Some(unit) = self.units.iter().position(|&at| at == charged_at) {
                self.units.remove(unit);
            }
        }
    }

    fn left(&self, now: u128) -> u128 {
        self.limit.saturating_sub(self.live(now))
    }

    fn full_after(&self, now: u128) -> u128 {
        self.units.iter().map(|at| (at + self.period).saturating_sub(now)).max().unwrap_or(0)
    }
}
