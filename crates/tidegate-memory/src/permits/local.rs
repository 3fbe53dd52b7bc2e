//! Requests in flight in one process.

use std::{
    collections::HashMap,
    fmt,
    hash::RandomState,
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;

use super::{Digest, Digester, Permit, Taken};

/// Locks that the keys are spread over.
const SHARDS: usize = 64;

/// Counts requests in flight in this process, exactly under threads.
///
/// Memory is in proportion to the keys that have a request in flight; a key without one is
/// forgotten. A forked child begins with none: the requests of its parent are not its own.
pub struct MemoryPermits {
    process: ArcSwap<Process>,
}

/// The counts of the process of this id. A child never touches those of its parent, whose
/// locks may be held by threads that the child does not have.
struct Process {
    id: u32,
    digester: Digester,
    shards: [Mutex<HashMap<Digest, u32>>; SHARDS],
}

impl MemoryPermits {
    /// No request is in flight.
    #[must_use]
    pub fn new() -> Self {
        Self { process: ArcSwap::from_pointee(Process::new(process::id())) }
    }

    /// Takes a permit of `subject` under the rule of `scope` if fewer than `limit` are out.
    #[must_use]
    pub fn acquire(&self, scope: u64, subject: &[u8], limit: u32) -> Taken {
        let process = self.process();
        let key = process.digester.digest(scope, subject);
        let mut counts = process.shard(key);
        let in_flight = counts.get(&key).copied().unwrap_or_default();
        if in_flight >= limit {
            return Taken::No { in_flight };
        }
        counts.insert(key, in_flight + 1);
        let permit = Permit { key, holder: process.id.into() };
        Taken::Yes { permit, in_flight }
    }

    /// Gives a permit back.
    pub fn release(&self, permit: Permit) {
        let process = self.process();
        if permit.holder != u64::from(process.id) {
            return;
        }
        let mut counts = process.shard(permit.key);
        match counts.get_mut(&permit.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                counts.remove(&permit.key);
            }
        }
    }

    /// Requests of `subject` that are in flight under the rule of `scope`.
    #[must_use]
    pub fn in_flight(&self, scope: u64, subject: &[u8]) -> u32 {
        let process = self.process();
        let key = process.digester.digest(scope, subject);
        process.shard(key).get(&key).copied().unwrap_or_default()
    }

    fn process(&self) -> Arc<Process> {
        let id = process::id();
        loop {
            let process = self.process.load();
            if process.id == id {
                return Arc::clone(&process);
            }
            // Of several threads that find themselves in a new process, one begins it.
            self.process.compare_and_swap(&process, Arc::new(Process::new(id)));
        }
    }
}

impl Process {
    fn new(id: u32) -> Self {
        let hasher = RandomState::new();
        let shard = |_| Mutex::new(HashMap::with_hasher(hasher.clone()));
        Self { id, digester: Digester::random(), shards: std::array::from_fn(shard) }
    }

    fn shard(&self, key: Digest) -> MutexGuard<'_, HashMap<Digest, u32>> {
        let index = usize::try_from(key[0] % SHARDS as u64).unwrap_or_default();
        // Nothing panics between two changes that belong together.
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryPermits {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryPermits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPermits").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(permits: &MemoryPermits, scope: u64, subject: &str, limit: u32) -> Option<Permit> {
        match permits.acquire(scope, subject.as_bytes(), limit) {
            Taken::Yes { permit, .. } => Some(permit),
            Taken::No { .. } => None,
        }
    }

    #[test]
    fn as_many_as_may_are_in_flight_and_each_end_lets_one_in() {
        let permits = MemoryPermits::new();
        let held: Vec<Permit> = (0..3).map(|_| taken(&permits, 1, "ana", 3).unwrap()).collect();

        assert_eq!(permits.acquire(1, b"ana", 3), Taken::No { in_flight: 3 });
        permits.release(held[0]);
        assert_eq!(permits.in_flight(1, b"ana"), 2);
        assert!(taken(&permits, 1, "ana", 3).is_some());
        assert!(taken(&permits, 1, "ana", 3).is_none());
    }

    #[test]
    fn rules_and_subjects_are_counted_apart() {
        let permits = MemoryPermits::new();

        assert!(taken(&permits, 1, "ana", 1).is_some());
        assert!(taken(&permits, 1, "ben", 1).is_some());
        assert!(taken(&permits, 2, "ana", 1).is_some());
        assert!(taken(&permits, 1, "ana", 1).is_none());
    }

    #[test]
    fn a_limit_that_changes_counts_those_that_are_in_flight() {
        let permits = MemoryPermits::new();
        let _held: Vec<_> = (0..5).map(|_| taken(&permits, 1, "ana", 5)).collect();

        assert_eq!(permits.acquire(1, b"ana", 2), Taken::No { in_flight: 5 });
        assert!(matches!(permits.acquire(1, b"ana", 6), Taken::Yes { in_flight: 5, .. }));
        assert_eq!(permits.acquire(1, b"ben", 0), Taken::No { in_flight: 0 });
    }

    #[test]
    fn a_key_without_requests_is_forgotten() {
        let permits = MemoryPermits::new();
        for user in 0..1000 {
            let permit = taken(&permits, 1, &format!("user {user}"), 1).unwrap();
            permits.release(permit);
        }

        let process = permits.process();
        let kept: usize = process.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();

        assert_eq!(kept, 0);
    }

    #[test]
    fn a_child_begins_with_none_and_gives_back_none_of_its_parents() {
        let permits = MemoryPermits::new();
        let parents = taken(&permits, 1, "ana", 1).unwrap();
        let other = Process::new(process::id() ^ 1);
        // What a fork makes: the counts of a process of another id, and one of its locks held.
        let permits = MemoryPermits { process: ArcSwap::from_pointee(other) };
        let stale = permits.process.load_full();
        let _held = stale.shard(stale.digester.digest(1, b"ana"));

        let own = taken(&permits, 1, "ana", 1).unwrap();
        permits.release(Permit { holder: (process::id() ^ 1).into(), ..own });
        permits.release(parents);

        assert_eq!(permits.in_flight(1, b"ana"), 1);
        permits.release(own);
        assert_eq!(permits.in_flight(1, b"ana"), 0);
    }
}
