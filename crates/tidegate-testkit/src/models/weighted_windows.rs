//! The current window, and the part of the previous one that is still in view.

use super::Model;

/// Weighs every charge by the part of its window that is in view, as an exact fraction.
#[derive(Clone, Debug)]
pub struct WeightedWindows {
    limit: u128,
    period: u128,
    /// One entry per unit that counts, oldest first: the window it was charged in.
    units: Vec<u128>,
}

impl WeightedWindows {
    /// `limit` units per `period` nanoseconds.
    #[must_use]
    pub fn new(limit: u128, period: u128) -> Self {
        Self { limit, period, units: Vec::new() }
    }

    /// How much of `window` the view of one period that ends at `now` covers, in
    /// nanoseconds. The current window counts in full: its units are all recent.
    fn in_view(&self, window: u128, now: u128) -> u128 {
        let (begin, end) = (window * self.period, (window + 1) * self.period);
        if now < end { self.period } else { end.saturating_sub(begin.max(now - self.period)) }
    }

    /// Units in view at `now`, as the numerator of a fraction over the period.
    fn weight(&self, now: u128) -> u128 {
        self.units.iter().map(|&window| self.in_view(window, now)).sum()
    }

    fn counted(&self, window: u128) -> u128 {
        self.units.iter().filter(|&&at| at == window).count() as u128
    }

    fn push(&mut self, now: u128, cost: u128) {
        self.units.extend((0..cost).map(|_| now / self.period));
    }
}

impl Model for WeightedWindows {
    fn take(&mut self, now: u128, cost: u128) -> bool {
        let fits = self.weight(now) + cost * self.period <= self.limit * self.period;
        if fits {
            self.push(now, cost);
        }
        fits
    }

    fn force(&mut self, now: u128, cost: u128) {
        let room = 2 * self.limit - self.counted(now / self.period);
        self.push(now, room.min(cost));
    }

    fn give_back(&mut self, _now: u128, charged_at: u128, cost: u128) {
        for _ in 0..cost {
            let window = charged_at / self.period;
            if let Some(unit) = self.units.iter().position(|&at| at == window) {
                self.units.remove(unit);
            }
        }
    }

    fn left(&self, now: u128) -> u128 {
        let mut trial = self.clone();
        (0..self.limit).take_while(|_| trial.take(now, 1)).count() as u128
    }

    fn full_after(&self, now: u128) -> u128 {
        let edges = (now / self.period..).map(|window| window * self.period);
        let moments = core::iter::once(now).chain(edges.filter(|&edge| edge > now));
        let mut moments = moments.skip_while(|&at| self.weight(at) > 0);
        moments.next().expect("all fades") - now
    }
}
