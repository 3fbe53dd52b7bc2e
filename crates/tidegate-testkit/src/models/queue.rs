//! People at a door.

use super::Model;

/// A queue before a door that one unit passes per interval.
///
/// Whoever comes leaves when all before are through, or turns away if that is too long to
/// wait.
#[derive(Clone, Debug)]
pub struct Queue {
    interval: u128,
    max_wait: u128,
    /// Everybody who joined, in order: when the door opens for them, and for how long.
    booked: Vec<(u128, u128)>,
}

impl Queue {
    /// A door that one unit passes per `interval` nanoseconds; nobody waits for longer than
    /// `max_wait`.
    #[must_use]
    pub fn new(interval: u128, max_wait: u128) -> Self {
        Self { interval, max_wait, booked: Vec::new() }
    }

    /// When somebody who joins at `now` leaves.
    #[must_use]
    pub fn leaves_at(&self, now: u128) -> u128 {
        self.booked.iter().map(|&(at, busy)| at + busy).fold(now, u128::max)
    }

    /// How many single units an idle door takes at one moment.
    fn capacity(&self) -> u128 {
        Self::new(self.interval, self.max_wait).left(0)
    }
}

impl Model for Queue {
    fn take(&mut self, now: u128, cost: u128) -> bool {
        let leaves_at = self.leaves_at(now);
        // A request for nothing passes by the side, unless there is debt: more booked than
        // the longest wait and the highest cost together.
        if cost == 0 {
            return leaves_at - now <= self.max_wait + self.capacity() * self.interval;
        }
        let fits = leaves_at - now <= self.max_wait && (cost == 1 || cost <= self.capacity());
        if fits {
            self.booked.push((leaves_at, cost * self.interval));
        }
        fits
    }

    fn force(&mut self, now: u128, cost: u128) {
        let most = 2 * (self.max_wait + self.capacity() * self.interval);
        let leaves_at = self.leaves_at(now);
        let busy = (cost * self.interval).min(now + most - leaves_at);
        if busy > 0 {
            self.booked.push((leaves_at, busy));
        }
    }

    fn give_back(&mut self, _now: u128, charged_at: u128, cost: u128) {
        if self.booked.last() == Some(&(charged_at, cost * self.interval)) {
            self.booked.pop();
        }
    }

    fn left(&self, now: u128) -> u128 {
        let mut trial = self.clone();
        (0..u32::MAX).take_while(|_| trial.take(now, 1)).count() as u128
    }

    fn full_after(&self, now: u128) -> u128 {
        self.leaves_at(now) - now
    }
}
