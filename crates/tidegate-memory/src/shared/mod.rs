//! The same table in a file that all worker processes of a host map.
//!
//! * [`header`]: what the file says of itself, and why another process might refuse it.
//! * [`file`]: opening and making it, by many processes at once.
//! * [`SharedStore`]: the store.

mod error;
pub(crate) mod file;
pub(crate) mod header;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use tidegate_core::{Adjustment, Charge, Decision, Limit, Nanos, Verdict};

pub use self::error::SharedError;
use crate::{
    cells::{Cells, Stats, Unsupported},
    hash::Secret,
    permits::SharedPermits,
    set::WAYS,
};

/// Counts in a file that all processes of a host share: exact across workers, without a
/// server, at the speed of memory.
///
/// Every process maps the same bytes and changes them by the same compare-and-swap as
/// [`MemoryStore`](crate::MemoryStore). Nobody ever holds a lock while it counts, so a worker
/// that is killed at any instruction harms nobody. The file stays when all workers are gone,
/// and so do the counts; after a reboot it starts anew.
///
/// The time that is passed in must be the same in all processes: `CLOCK_MONOTONIC`.
///
/// # What it cannot do
///
/// * The sliding window log, and sliding window counters of more than 2 097 151 units: their
///   state does not fit into a slot. [`supports`](Self::supports) tells.
/// * Survive that somebody shortens the file while it is mapped: the kernel then sends
///   SIGBUS. To get rid of a table, remove the file; who has it mapped keeps it.
pub struct SharedStore {
    cells: Cells,
    /// Where requests in flight are counted, should anybody want that.
    permits: PathBuf,
    replace: bool,
}

/// How to open a [`SharedStore`].
#[derive(Clone, Copy, Debug)]
pub struct SharedOptions {
    /// Keys to make room for, rounded up to a power of two of at least 8. `None` takes the
    /// file as it is, and makes a new one with [`SharedStore::DEFAULT_CAPACITY`].
    pub capacity: Option<usize>,
    /// Put a new file in the place of one that does not fit, instead of refusing it. Whoever
    /// has the old one mapped goes on with that.
    pub replace: bool,
}

impl SharedStore {
    /// Keys that a new file has room for unless told otherwise.
    pub const DEFAULT_CAPACITY: usize = 1 << 18;

    /// Opens the table in the file `path`, which is made if there is none.
    ///
    /// Processes that start together agree on one file. It is readable and writable by its
    /// owner alone.
    ///
    /// # Errors
    ///
    /// [`SharedError`], which names the path and says what would be right.
    pub fn open(path: &Path, options: SharedOptions) -> Result<Self, SharedError> {
        let slots = options
            .capacity
            .map(|keys| keys.max(WAYS).checked_next_power_of_two().unwrap_or(usize::MAX));
        let (region, header) = file::open(path, slots, options.replace)?;
        let cells = Cells::new(region, Secret::from_words(header.secret), None);
        let mut permits = path.as_os_str().to_owned();
        permits.push(".permits");
        Ok(Self { cells, permits: permits.into(), replace: options.replace })
    }

    /// The requests in flight of all processes, counted in a second file beside the table: its
    /// name ends in `.permits`. It is made when this is first called.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), about that file.
    pub fn permits(&self) -> Result<SharedPermits, SharedError> {
        SharedPermits::open(&self.permits, self.replace)
    }

    /// Whether `limit` can be counted here.
    #[must_use]
    pub fn supports(&self, limit: &Limit) -> bool {
        limit.capacity() == 0 || self.cells.supports(limit)
    }

    /// Decides all `charges` of one request, as
    /// [`MemoryStore::check`](crate::MemoryStore::check) does.
    ///
    /// # Errors
    ///
    /// [`SharedError::Unsupported`] for a limit that [`supports`](Self::supports) denies.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    #[inline]
    pub fn check(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), SharedError> {
        Ok(self.cells.check(charges, now, decisions)?)
    }

    /// Decides one charge as [`check`](Self::check) does, and tells no more than the verdict:
    /// the numbers of a decision are not even worked out.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    #[inline]
    pub fn verdict(&self, charge: &Charge<'_>, now: Nanos) -> Result<Verdict, SharedError> {
        Ok(self.cells.verdict(charge, now)?)
    }

    /// Decides many requests of one charge each, as
    /// [`MemoryStore::check_each`](crate::MemoryStore::check_each) does.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn check_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), SharedError> {
        Ok(self.cells.each(charges, now, decisions)?)
    }

    /// Decides many requests as [`check_each`](Self::check_each) does, and tells no more than
    /// the verdicts.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn verdict_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        verdicts: &mut [Verdict],
    ) -> Result<(), SharedError> {
        Ok(self.cells.each(charges, now, verdicts)?)
    }

    /// Answers as [`check`](Self::check) would, and takes nothing.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn peek(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), SharedError> {
        Ok(self.cells.peek(charges, now, decisions)?)
    }

    /// Forgets the key of a charge, and tells how many units were used: in one step, so that
    /// nobody's are lost.
    ///
    /// # Errors
    ///
    /// [`SharedError::Unsupported`] for a limit that cannot be counted here.
    pub fn drain(&self, charge: &Charge<'_>, now: Nanos) -> Result<u32, SharedError> {
        Ok(self.cells.drain(charge, now)?)
    }

    /// Applies changes that are not requests.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn adjust(&self, adjustments: &[Adjustment<'_>], now: Nanos) -> Result<(), SharedError> {
        Ok(self.cells.adjust(adjustments, now)?)
    }

    /// What the table holds at `now`; evictions and retries are those of this process.
    #[must_use]
    pub fn stats(&self, now: Nanos) -> Stats {
        self.cells.stats(now)
    }
}

impl From<Unsupported> for SharedError {
    fn from(_: Unsupported) -> Self {
        Self::Unsupported
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore").finish_non_exhaustive()
    }
}
