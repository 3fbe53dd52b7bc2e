//! The sliding window log's times, in a map bounded by bytes.

use std::collections::{HashMap, VecDeque};

use tidegate_core::{Adjustment, Change, Charge, Decision, Nanos, algorithm::SlidingWindowLog};

/// What one key costs besides its times: its entry in the map and the ring's header.
const ENTRY_BYTES: usize = 64;

/// Admission times by fingerprint. Never holds more than its budget, except that a single
/// key is always kept.
pub(crate) struct Logs {
    keys: HashMap<u64, Log>,
    budget: usize,
    bytes: usize,
    evictions: u64,
}

/// One key's admitted units, oldest first, and for how long the newest counts.
struct Log {
    times: VecDeque<Nanos>,
    period: Nanos,
}

impl Log {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + self.times.capacity() * size_of::<Nanos>()
    }

    /// True when no entry counts at `now` any more.
    fn is_over(&self, now: Nanos) -> bool {
        self.times.back().is_none_or(|newest| newest.saturating_add(self.period) <= now)
    }
}

impl Logs {
    /// Keeps at most `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self { keys: HashMap::new(), budget, bytes: 0, evictions: 0 }
    }

    /// How many keys that still counted were given up for others.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions
    }

    /// How many keys still count at `now`. Reads the whole map.
    pub(crate) fn live(&self, now: Nanos) -> usize {
        self.keys.values().filter(|log| !log.is_over(now)).count()
    }

    /// Decides one charge, and takes nothing yet.
    pub(crate) fn check(
        &self,
        algorithm: &SlidingWindowLog,
        fingerprint: u64,
        at: Nanos,
        cost: u32,
    ) -> Decision {
        self.with_times(fingerprint, |times| algorithm.check(times, at, cost))
    }

    /// Answers as a check would.
    pub(crate) fn peek(
        &self,
        algorithm: &SlidingWindowLog,
        fingerprint: u64,
        at: Nanos,
        cost: u32,
    ) -> Decision {
        self.with_times(fingerprint, |times| algorithm.peek(times, at, cost))
    }

    /// Takes what [`check`](Self::check) has allowed.
    pub(crate) fn commit(
        &mut self,
        algorithm: &SlidingWindowLog,
        fingerprint: u64,
        charge: &Charge<'_>,
    ) {
        if charge.cost > 0 {
            self.append(algorithm, fingerprint, charge.at, charge.cost);
        }
    }

    /// Applies a change that is not a request.
    pub(crate) fn adjust(
        &mut self,
        algorithm: &SlidingWindowLog,
        fingerprint: u64,
        adjustment: &Adjustment<'_>,
    ) {
        let at = adjustment.at;
        match adjustment.change {
            Change::Refund { cost, charged_at } => {
                self.take_back(algorithm, fingerprint, charged_at, cost);
            }
            Change::Debit { cost } => self.debit(algorithm, fingerprint, at, cost),
            Change::Settle { reserved, charged_at, actual } if actual < reserved => {
                self.take_back(algorithm, fingerprint, charged_at, reserved - actual);
            }
            Change::Settle { reserved, actual, .. } => {
                self.debit(algorithm, fingerprint, at, actual - reserved);
            }
            Change::Reset => self.remove(fingerprint),
        }
    }

    fn with_times<R>(&self, fingerprint: u64, ask: impl FnOnce(&VecDeque<Nanos>) -> R) -> R {
        match self.keys.get(&fingerprint) {
            Some(log) => ask(&log.times),
            None => ask(&VecDeque::new()),
        }
    }

    fn remove(&mut self, fingerprint: u64) {
        if let Some(log) = self.keys.remove(&fingerprint) {
            self.bytes -= log.bytes();
        }
    }

    /// Gives back `cost` units that were taken at `charged_at`.
    fn take_back(
        &mut self,
        algorithm: &SlidingWindowLog,
        fingerprint: u64,
        charged_at: Nanos,
        cost: u32,
    ) {
        let Some(log) = self.keys.get_mut(&fingerprint) else { return };
        let range = algorithm.refund(&log.times, charged_at, cost);
        log.times.drain(range);
        if log.times.is_empty() {
            self.remove(fingerprint);
        }
    }

    /// Takes `cost` units whether or not they are there.
    fn debit(&mut self, algorithm: &SlidingWindowLog, fingerprint: u64, at: Nanos, cost: u32) {
        let cost = self.with_times(fingerprint, |times| algorithm.debit(times, at, cost));
        if cost > 0 {
            self.append(algorithm, fingerprint, at, cost);
        }
    }

    /// Adds `cost` entries of `at`, and drops those that no longer count.
    fn append(&mut self, algorithm: &SlidingWindowLog, fingerprint: u64, at: Nanos, cost: u32) {
        let log = self.keys.entry(fingerprint).or_insert_with(|| {
            self.bytes += ENTRY_BYTES;
            Log { times: VecDeque::new(), period: algorithm.period() }
        });
        let before = log.bytes();
        let expired = algorithm.expired(&log.times, at);
        log.times.drain(..expired);
        let stamp = algorithm.stamp(&log.times, at);
        log.times.extend(std::iter::repeat_n(stamp, cost as usize));
        self.bytes = self.bytes - before + log.bytes();
        if self.bytes > self.budget {
            self.make_room(fingerprint, at);
        }
    }

    /// Gets back below the budget: first what is over, then the keys with the fewest units
    /// spent, down to seven eighths, so that the next few keys pay nothing.
    fn make_room(&mut self, keep: u64, now: Nanos) {
        self.keys.retain(|&fingerprint, log| fingerprint == keep || !log.is_over(now));
        self.bytes = self.keys.values().map(Log::bytes).sum();
        if self.bytes <= self.budget {
            return;
        }
        let mut by_debt: Vec<_> = self
            .keys
            .iter()
            .filter(|&(&fingerprint, _)| fingerprint != keep)
            .map(|(&fingerprint, log)| (log.times.len(), log.times.back().copied(), fingerprint))
            .collect();
        by_debt.sort_unstable();
        for (_, _, fingerprint) in by_debt {
            if self.bytes <= self.budget / 8 * 7 {
                break;
            }
            self.remove(fingerprint);
            self.evictions += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const SECOND: Nanos = Nanos::SECOND;

    fn ten_per_second() -> SlidingWindowLog {
        SlidingWindowLog::new(NonZeroU32::new(10).unwrap(), SECOND)
    }

    #[test]
    fn a_flood_of_keys_stays_within_the_budget_and_forgets_those_with_least_debt() {
        let (log, mut logs) = (ten_per_second(), Logs::new(100_000));
        logs.append(&log, 0, Nanos(1), 10);

        for fingerprint in 1..=10_000 {
            logs.append(&log, fingerprint, Nanos(1 + fingerprint), 1);
            assert!(logs.bytes <= 100_000);
        }

        assert!(logs.evictions() > 8_000);
        assert!(!logs.check(&log, 0, Nanos(10_001), 1).is_allowed());
    }

    #[test]
    fn what_is_over_makes_room_before_anybody_is_forgotten() {
        let (log, mut logs) = (ten_per_second(), Logs::new(20_000));
        for fingerprint in 0..1_000_u64 {
            logs.append(&log, fingerprint, Nanos(fingerprint * SECOND.0), 1);
        }

        assert_eq!(logs.evictions(), 0);
        assert_eq!(logs.bytes, logs.keys.values().map(Log::bytes).sum::<usize>());
    }

    #[test]
    fn a_refund_gives_back_the_units_of_its_own_charge() {
        let (log, mut logs) = (ten_per_second(), Logs::new(10_000));
        logs.append(&log, 7, Nanos(100), 4);
        logs.append(&log, 7, Nanos(200), 6);

        logs.take_back(&log, 7, Nanos(100), 4);

        assert_eq!(logs.peek(&log, 7, Nanos(200), 1).remaining, 4);
        assert_eq!(logs.peek(&log, 7, Nanos(200 + SECOND.0), 1).remaining, 10);
    }
}
