//! Counts per fixed window.

use super::Model;

/// Counts what was charged in each window; debt is worked off by the windows that follow.
#[derive(Clone, Debug)]
pub struct WindowCount {
    limit: u128,
    period: u128,
    /// What was charged (or given back, when negative), oldest first: window, and units.
    history: Vec<(u128, i128)>,
}

impl WindowCount {
    /// `limit` units per window of `period` nanoseconds.
    #[must_use]
    pub fn new(limit: u128, period: u128) -> Self {
        Self { limit, period, history: Vec::new() }
    }

    /// Units used in `window`, with what the windows before could not cover.
    fn used(&self, window: u128) -> i128 {
        let first = self.history.first().map_or(window, |&(first, _)| first);
        let mut used = 0;
        for at in first..=window {
            used = (used - self.limit()).max(0);
            used += self.history.iter().filter(|entry| entry.0 == at).map(|e| e.1).sum::<i128>();
        }
        used
    }

    fn limit(&self) -> i128 {
        i128::try_from(self.limit).expect("limits are small")
    }
}

impl Model for WindowCount {
    fn take(&mut self, now: u128, cost: u128) -> bool {
        let cost = cost.cast_signed();
        let fits = self.used(now / self.period) + cost <= self.limit();
        if fits {
            self.history.push((now / self.period, cost));
        }
        fits
    }

    fn force(&mut self, now: u128, cost: u128) {
        let room = 2 * self.limit() - self.used(now / self.period);
        self.history.push((now / self.period, room.min(cost.cast_signed())));
    }

    fn give_back(&mut self, now: u128, charged_at: u128, cost: u128) {
        let window = now / self.period;
        if charged_at / self.period == window {
            let units = self.used(window).min(cost.cast_signed());
            self.history.push((window, -units));
        }
    }

    fn left(&self, now: u128) -> u128 {
        (self.limit() - self.used(now / self.period)).max(0).unsigned_abs()
    }

    fn full_after(&self, now: u128) -> u128 {
        let window = now / self.period;
        let mut windows = window..=window + 2;
        let rested = windows.find(|&at| self.used(at) == 0).expect("debt is one window at most");
        (rested * self.period).saturating_sub(now)
    }
}
