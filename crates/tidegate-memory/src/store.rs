//! The store of one process.

use std::{alloc::Layout, fmt, io, sync::Arc};

use tidegate_core::{Adjustment, Charge, Decision, Nanos, Verdict};

use crate::{
    cells::{Cells, Stats, Unsupported},
    hash::Secret,
    permits::MemoryPermits,
    region::Region,
    set::WAYS,
    shards::Shards,
};

/// Counts in this process: exact under threads, and bounded in memory.
///
/// A check touches one set of a flat table and changes it by one compare-and-swap of 128
/// bits: no lock, no allocation, no background work. A key costs 16 bytes. When more keys are
/// alive than fit, those with the least debt, measured by their own limit, are forgotten,
/// which admits more and never less.
///
/// What does not fit into 16 bytes is kept beside the table under locks, bounded as well: the
/// sliding window log at 8 bytes for every unit, and sliding window counters of more than
/// 2 097 151 units.
pub struct MemoryStore {
    cells: Cells,
    permits: Arc<MemoryPermits>,
}

impl MemoryStore {
    /// Keys that a store made by [`new`](Self::new) has room for.
    pub const DEFAULT_CAPACITY: usize = 1 << 18;
    /// Bytes that a store made by [`new`](Self::new) gives to sliding window logs.
    pub const DEFAULT_LOG_BYTES: usize = 64 << 20;

    /// A store of the default capacity: 4 MiB of address space, of which memory is taken as
    /// keys come. Aborts, as any allocation does, when there is none left.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY, Self::DEFAULT_LOG_BYTES).unwrap_or_else(|_| {
            std::alloc::handle_alloc_error(Layout::new::<[u128; Self::DEFAULT_CAPACITY]>())
        })
    }

    /// A store with room for `keys` keys, rounded up to a power of two of at least 8, and
    /// `log_bytes` bytes of sliding window logs.
    ///
    /// # Errors
    ///
    /// When the system refuses so much address space.
    pub fn with_capacity(keys: usize, log_bytes: usize) -> io::Result<Self> {
        let slots = keys.max(WAYS).checked_next_power_of_two().ok_or(io::ErrorKind::OutOfMemory)?;
        let shards = Shards::new(slots.min(1 << 16), log_bytes);
        let cells = Cells::new(Region::anonymous(slots)?, Secret::random(), Some(shards));
        Ok(Self { cells, permits: Arc::default() })
    }

    /// The requests in flight of this store's users.
    #[must_use]
    pub const fn permits(&self) -> &Arc<MemoryPermits> {
        &self.permits
    }

    /// Decides all `charges` of one request at `now`: all are taken or none.
    ///
    /// `decisions[i]` answers `charges[i]`. When any charge is refused nothing is taken, and
    /// the others' answers are those of a peek. Charges must be of different keys.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    #[inline]
    pub fn check(&self, charges: &[Charge<'_>], now: Nanos, decisions: &mut [Decision]) {
        always(self.cells.check(charges, now, decisions));
    }

    /// Decides one charge as [`check`](Self::check) does, and tells no more than the verdict:
    /// the numbers of a decision are not even worked out.
    #[inline]
    #[must_use]
    pub fn verdict(&self, charge: &Charge<'_>, now: Nanos) -> Verdict {
        // Never refused for want of a place: see `always`.
        self.cells.verdict(charge, now).unwrap_or(Verdict::Never)
    }

    /// Decides many requests of one charge each, one after the other.
    ///
    /// `decisions[i]` answers `charges[i]`, whose keys may repeat. Faster than as many calls of
    /// [`check`](Self::check) when the keys are not in the processor's cache: the memory of
    /// several is asked for at once.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn check_each(&self, charges: &[Charge<'_>], now: Nanos, decisions: &mut [Decision]) {
        always(self.cells.each(charges, now, decisions));
    }

    /// Decides many requests as [`check_each`](Self::check_each) does, and tells no more than
    /// the verdicts.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn verdict_each(&self, charges: &[Charge<'_>], now: Nanos, verdicts: &mut [Verdict]) {
        always(self.cells.each(charges, now, verdicts));
    }

    /// Answers as [`check`](Self::check) would, and takes nothing.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn peek(&self, charges: &[Charge<'_>], now: Nanos, decisions: &mut [Decision]) {
        always(self.cells.peek(charges, now, decisions));
    }

    /// Forgets the key of a charge, and tells how many units were used: in one step, so that
    /// nobody's are lost.
    #[must_use]
    pub fn drain(&self, charge: &Charge<'_>, now: Nanos) -> u32 {
        always(self.cells.drain(charge, now))
    }

    /// Applies changes that are not requests.
    pub fn adjust(&self, adjustments: &[Adjustment<'_>], now: Nanos) {
        always(self.cells.adjust(adjustments, now));
    }

    /// What the store holds at `now`: for dashboards, not for requests.
    #[must_use]
    pub fn stats(&self, now: Nanos) -> Stats {
        self.cells.stats(now)
    }
}

/// There are shards beside the table, which hold what it cannot.
fn always<T: Default>(result: Result<T, Unsupported>) -> T {
    debug_assert!(result.is_ok());
    result.unwrap_or_default()
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
