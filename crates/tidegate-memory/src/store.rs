//! The store: keyed hashing, sharding, and all-or-nothing over several keys.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tidegate_core::{Adjustment, Charge, Decision, Key, Nanos};

use crate::{logs::Logs, shard::Shard, table::Table};

/// Locks that the keys are spread over. A power of two.
const SHARDS: usize = 64;

/// Counts in this process: exact under threads, and bounded in memory.
///
/// A key costs 32 bytes (a sliding window log: 8 bytes per unit). When more keys are alive
/// than fit, those with the least debt are forgotten, which admits more and never less.
pub struct MemoryStore {
    shards: Box<[Mutex<Shard>]>,
    /// Keyed with secrets drawn from the operating system: clients choose keys, and must not
    /// be able to aim at another client's slot.
    hasher: RandomState,
}

/// What a [`MemoryStore`] holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys that fit in the table; logs are bounded by bytes instead.
    pub capacity: usize,
    /// Keys that are not back to full quota yet.
    pub live: usize,
    /// Keys that were forgotten although they were alive, for want of room.
    pub evictions: u64,
}

impl MemoryStore {
    /// Keys that a store made by [`new`](Self::new) has room for.
    pub const DEFAULT_CAPACITY: usize = 1 << 18;
    /// Bytes that a store made by [`new`](Self::new) gives to sliding window logs.
    pub const DEFAULT_LOG_BYTES: usize = 64 << 20;

    /// A store of the default capacity. Memory is touched as keys come.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY, Self::DEFAULT_LOG_BYTES)
    }

    /// A store with room for `keys` keys, rounded up to a power of two of at least 512, and
    /// `log_bytes` bytes of sliding window logs.
    #[must_use]
    pub fn with_capacity(keys: usize, log_bytes: usize) -> Self {
        let shard = || Shard {
            table: Table::new(keys.div_ceil(SHARDS)),
            logs: Logs::new(log_bytes / SHARDS),
        };
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Decides all `charges` of one request at `now`: all are taken or none.
    ///
    /// `decisions[i]` answers `charges[i]`. When any charge is refused nothing is taken, and
    /// the others' answers are those of a peek. Charges must be of different keys.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn check(&self, charges: &[Charge<'_>], now: Nanos, decisions: &mut [Decision]) {
        assert_eq!(charges.len(), decisions.len(), "one decision for each charge");
        if let ([charge], [decision]) = (charges, &mut *decisions) {
            *decision = self.check_one(charge, now);
            return;
        }
        let mut locked = Locked::new(self, charges.iter().map(|charge| charge.key));
        let mut pending = Vec::with_capacity(charges.len());
        for (index, charge) in charges.iter().enumerate() {
            let (fingerprint, shard) = locked.shard(index);
            let (decision, next) = shard.check(fingerprint, charge);
            decisions[index] = decision;
            pending.push(next);
        }
        if decisions.iter().all(Decision::is_allowed) {
            for (index, (charge, next)) in charges.iter().zip(pending).enumerate() {
                let (fingerprint, shard) = locked.shard(index);
                shard.commit(fingerprint, charge, next, now);
            }
            return;
        }
        for (index, charge) in charges.iter().enumerate() {
            if decisions[index].is_allowed() {
                let (fingerprint, shard) = locked.shard(index);
                decisions[index] = shard.peek(fingerprint, charge);
            }
        }
    }

    /// Answers as [`check`](Self::check) would, and takes nothing.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn peek(&self, charges: &[Charge<'_>], decisions: &mut [Decision]) {
        assert_eq!(charges.len(), decisions.len(), "one decision for each charge");
        let mut locked = Locked::new(self, charges.iter().map(|charge| charge.key));
        for (index, charge) in charges.iter().enumerate() {
            let (fingerprint, shard) = locked.shard(index);
            decisions[index] = shard.peek(fingerprint, charge);
        }
    }

    /// Applies changes that are not requests, all at once.
    pub fn adjust(&self, adjustments: &[Adjustment<'_>], now: Nanos) {
        let mut locked = Locked::new(self, adjustments.iter().map(|adjustment| adjustment.key));
        for (index, adjustment) in adjustments.iter().enumerate() {
            let (fingerprint, shard) = locked.shard(index);
            shard.adjust(fingerprint, adjustment, now);
        }
    }

    /// What the store holds at `now`. Reads all of it: for dashboards, not for requests.
    #[must_use]
    pub fn stats(&self, now: Nanos) -> Stats {
        let mut stats = Stats::default();
        for index in 0..SHARDS {
            let shard = self.lock(index);
            stats.capacity += shard.table.capacity();
            stats.live += shard.table.live(now) + shard.logs.live(now);
            stats.evictions += shard.table.evictions() + shard.logs.evictions();
        }
        stats
    }

    fn check_one(&self, charge: &Charge<'_>, now: Nanos) -> Decision {
        let fingerprint = self.fingerprint(&charge.key);
        let mut shard = self.lock(shard_index(fingerprint));
        let (decision, pending) = shard.check(fingerprint, charge);
        if decision.is_allowed() {
            shard.commit(fingerprint, charge, pending, now);
        }
        decision
    }

    fn fingerprint(&self, key: &Key<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        key.feed(|part| hasher.write(part));
        // Zero marks an empty slot.
        hasher.finish().max(1)
    }

    fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        // A panic cannot leave a shard half changed: nothing that may panic runs between
        // the decision and the write.
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// The shards that a request's keys live in, all locked.
struct Locked<'a> {
    /// Fingerprint of each key, and where its shard is in `guards`.
    keys: Vec<(u64, usize)>,
    guards: Vec<MutexGuard<'a, Shard>>,
}

impl<'a> Locked<'a> {
    /// Locks in ascending order, so that two requests never wait for each other in a circle.
    fn new<'k>(store: &'a MemoryStore, keys: impl Iterator<Item = Key<'k>>) -> Self {
        let fingerprints: Vec<u64> = keys.map(|key| store.fingerprint(&key)).collect();
        let mut indices: Vec<usize> = fingerprints.iter().copied().map(shard_index).collect();
        indices.sort_unstable();
        indices.dedup();
        let place = |fingerprint| indices.partition_point(|&i| i < shard_index(fingerprint));
        let keys = fingerprints.iter().map(|&fingerprint| (fingerprint, place(fingerprint)));
        Self { keys: keys.collect(), guards: indices.iter().map(|&i| store.lock(i)).collect() }
    }

    fn shard(&mut self, index: usize) -> (u64, &mut Shard) {
        let (fingerprint, place) = self.keys[index];
        (fingerprint, &mut self.guards[place])
    }
}

/// The high bits choose the shard; the table's sets are chosen by the low ones.
#[expect(clippy::cast_possible_truncation, reason = "a shift leaves fewer bits than a usize has")]
const fn shard_index(fingerprint: u64) -> usize {
    (fingerprint >> (u64::BITS - SHARDS.ilog2())) as usize
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
