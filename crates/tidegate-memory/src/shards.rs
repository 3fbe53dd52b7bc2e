//! The keys that do not fit into the table, under locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_core::{Charge, Decision, Nanos};

use crate::{logs::Logs, shard::Shard, table::Table};

/// Locks that the keys are spread over. A power of two.
const SHARDS: usize = 64;

/// All locked keys. Memory is touched as keys come.
pub(crate) struct Shards(Box<[Mutex<Shard>]>);

impl Shards {
    /// Room for `keys` keys of fixed size, and `log_bytes` bytes of logs.
    pub(crate) fn new(keys: usize, log_bytes: usize) -> Self {
        let shard = || Shard {
            table: Table::new(keys.div_ceil(SHARDS)),
            logs: Logs::new(log_bytes / SHARDS),
        };
        Self((0..SHARDS).map(|_| Mutex::new(shard())).collect())
    }

    /// Decides one charge, and takes it if it is allowed.
    pub(crate) fn check(&self, hash: u64, charge: &Charge<'_>, now: Nanos) -> Decision {
        self.shard(index(hash)).charge(fingerprint(hash), charge, now)
    }

    /// Locks the shards of `hashes`, in ascending order, so that two requests never wait for
    /// each other in a circle.
    pub(crate) fn lock(&self, hashes: impl Iterator<Item = u64>) -> Locked<'_> {
        let mut indices: Vec<usize> = hashes.map(index).collect();
        indices.sort_unstable();
        indices.dedup();
        Locked(indices.into_iter().map(|index| (index, self.shard(index))).collect())
    }

    /// How many keys are alive at `now`, and how many were given up although they were.
    pub(crate) fn stats(&self, now: Nanos) -> (usize, u64) {
        let mut totals = (0, 0);
        for index in 0..SHARDS {
            let shard = self.shard(index);
            totals.0 += shard.table.live(now) + shard.logs.live(now);
            totals.1 += shard.table.evictions() + shard.logs.evictions();
        }
        totals
    }

    fn shard(&self, index: usize) -> MutexGuard<'_, Shard> {
        // A panic cannot leave a shard half changed: nothing that may panic runs between
        // the decision and the write.
        self.0[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shards of one request, locked until it is decided.
#[derive(Default)]
pub(crate) struct Locked<'a>(Vec<(usize, MutexGuard<'a, Shard>)>);

impl Locked<'_> {
    /// The shard of `hash`, which is one of those that were locked.
    pub(crate) fn shard(&mut self, hash: u64) -> ShardOf<'_> {
        let place = self.0.partition_point(|(locked, _)| *locked < index(hash));
        ShardOf(&mut self.0[place].1)
    }
}

/// The shard of a certain key.
pub(crate) struct ShardOf<'a>(&'a mut Shard);

impl ShardOf<'_> {
    pub(crate) fn check(&self, hash: u64, charge: &Charge<'_>) -> Decision {
        self.0.check(fingerprint(hash), charge).0
    }

    pub(crate) fn charge(&mut self, hash: u64, charge: &Charge<'_>, now: Nanos) -> Decision {
        self.0.charge(fingerprint(hash), charge, now)
    }

    pub(crate) fn peek(&self, hash: u64, charge: &Charge<'_>) -> Decision {
        self.0.peek(fingerprint(hash), charge)
    }

    pub(crate) fn adjust(
        &mut self,
        hash: u64,
        adjustment: &tidegate_core::Adjustment<'_>,
        now: Nanos,
    ) {
        self.0.adjust(fingerprint(hash), adjustment, now);
    }
}

/// The high bits choose the shard; the table's sets are chosen by the low ones.
#[expect(clippy::cast_possible_truncation, reason = "a shift leaves fewer bits than a usize has")]
const fn index(hash: u64) -> usize {
    (hash >> (u64::BITS - SHARDS.ilog2())) as usize
}

/// Zero marks an empty slot.
fn fingerprint(hash: u64) -> u64 {
    hash.max(1)
}
