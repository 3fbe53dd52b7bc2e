//! Requests in flight in all processes of a host.

use std::{
    fmt, io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::{
    Digest, Digester, Permit, Taken,
    bucket::{BUCKET, Bucket, Record},
    file::{self, BUCKETS, claim_owner, is_alive},
    handle::{Handle, Turn},
    header::HEADER,
    locks::{Locked, Range},
};
use crate::shared::{SharedError, file::io_error};

/// How long to wait for a process that was frozen while it had a page. Others have one for
/// microseconds, or as long as a machine that is overloaded keeps them from running.
const PATIENCE: Duration = Duration::from_secs(2);

/// Counts requests in flight in a file that all processes of a host share, exactly.
///
/// A change takes the kernel's lock on the one page that it is about. The permits of a process
/// that dies, however it dies, are free at once. A forked child begins with none of its own.
///
/// # What it cannot do
///
/// * Count more keys than there is room for: some 32 000 with requests in flight at one time,
///   where one request more than a page has room for is let through uncounted.
///   [`uncounted`](Self::uncounted) tells how many were.
/// * Survive that something else in the same process opens the file and closes it again: the
///   kernel then takes the process for dead, as far as this file is concerned.
pub struct SharedPermits {
    path: PathBuf,
    handle: &'static Handle,
    digester: Digester,
    uncounted: AtomicU64,
}

impl SharedPermits {
    /// Opens the file `path`, which is made if there is none, for its owner alone. With
    /// `replace`, a new one takes the place of one that is damaged.
    pub(crate) fn open(path: &Path, replace: bool) -> Result<Self, SharedError> {
        let (handle, header) = file::open(path, replace)?;
        let (path, digester) = (path.to_owned(), header.digester());
        Ok(Self { path, handle, digester, uncounted: AtomicU64::new(0) })
    }

    /// Takes a permit of `subject` under the rule of `scope` if fewer than `limit` are out.
    ///
    /// # Errors
    ///
    /// [`SharedError::Io`] when the file cannot be read or written.
    pub fn acquire(&self, scope: u64, subject: &[u8], limit: u32) -> Result<Taken, SharedError> {
        self.try_acquire(self.digester.digest(scope, subject), limit)
            .map_err(io_error("count requests in", &self.path))
    }

    /// Gives a permit back. What cannot be given back now, because a process is frozen in the
    /// midst of a change, is given back with the next call of this process.
    pub fn release(&self, permit: Permit) {
        let process = self.handle.process();
        let mut turn = process.turn();
        if turn.owner.is_none_or(|owner| holder(owner) != permit.holder) {
            return;
        }
        self.pay(&mut turn);
        if !self.give_back(&mut turn, permit.key, PATIENCE).is_ok_and(|given| given) {
            turn.owed.push(permit.key);
        }
    }

    /// Requests of `subject` that are in flight under the rule of `scope`, in all processes.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    pub fn in_flight(&self, scope: u64, subject: &[u8]) -> Result<u32, SharedError> {
        let key = self.digester.digest(scope, subject);
        let count = || {
            let process = self.handle.process();
            let mut turn = process.turn();
            self.pay(&mut turn);
            let Some(mut page) = self.page(&mut turn, key, PATIENCE)? else { return Ok(0) };
            page.sweep(turn.owner, |record| record.key == key)?;
            Ok(page.bucket.in_flight(key))
        };
        count().map_err(io_error("count requests in", &self.path))
    }

    /// How many requests were let through without being counted, in this process.
    #[must_use]
    pub fn uncounted(&self) -> u64 {
        // Relaxed: the number orders nothing else.
        self.uncounted.load(Ordering::Relaxed)
    }

    fn try_acquire(&self, key: Digest, limit: u32) -> io::Result<Taken> {
        let process = self.handle.process();
        let mut turn = process.turn();
        self.pay(&mut turn);
        let owner = match turn.owner {
            Some(owner) => owner,
            None => *turn.owner.insert(claim_owner(&self.handle.file)?),
        };
        let Some(mut page) = self.page(&mut turn, key, PATIENCE)? else {
            return Ok(self.let_through(key, 0));
        };
        let mut in_flight = page.bucket.in_flight(key);
        if in_flight >= limit && page.sweep(Some(owner), |record| record.key == key)? {
            in_flight = page.bucket.in_flight(key);
        }
        if in_flight >= limit {
            return Ok(Taken::No { in_flight });
        }
        if !page.add(key, owner)? {
            return Ok(self.let_through(key, in_flight));
        }
        Ok(Taken::Yes { permit: Permit { key, holder: holder(owner) }, in_flight })
    }

    fn let_through(&self, key: Digest, in_flight: u32) -> Taken {
        self.uncounted.fetch_add(1, Ordering::Relaxed);
        Taken::Yes { permit: Permit::uncounted(key), in_flight }
    }

    /// Gives back what is owed, as far as that takes no time.
    fn pay(&self, turn: &mut Turn) {
        for index in (0..turn.owed.len()).rev() {
            let key = turn.owed[index];
            if self.give_back(turn, key, Duration::ZERO).is_ok_and(|given| given) {
                turn.owed.swap_remove(index);
            }
        }
    }

    /// Counts one request of this process less; false when the page is not to be had.
    fn give_back(&self, turn: &mut Turn, key: Digest, patience: Duration) -> io::Result<bool> {
        let Some(mut page) = self.page(turn, key, patience)? else { return Ok(false) };
        if let Some((place, record)) = turn.owner.and_then(|owner| page.bucket.find(key, owner)) {
            page.put(place, Record { count: record.count - 1, ..record })?;
        }
        Ok(true)
    }

    /// The page of `key`, to be changed by nobody else; `None` when another process has it for
    /// too long.
    fn page(
        &self,
        turn: &mut Turn,
        key: Digest,
        patience: Duration,
    ) -> io::Result<Option<Page<'_>>> {
        let index = key[0] % BUCKETS;
        let given_up = turn.given_up == Some(index);
        let patience = if given_up { Duration::ZERO } else { patience };
        // The header is the first page.
        let range = Range::page(i32::try_from(index).unwrap_or_default() + 1);
        let Some(lock) = Locked::within(&self.handle.file, range, patience)? else {
            if !patience.is_zero() {
                turn.given_up = Some(index);
            }
            return Ok(None);
        };
        if given_up {
            turn.given_up = None;
        }
        let start = HEADER as u64 + index * BUCKET as u64;
        let mut bucket = Bucket([0; BUCKET]);
        self.handle.file.read_exact_at(&mut bucket.0, start)?;
        Ok(Some(Page { handle: self.handle, start, bucket, _lock: lock }))
    }
}

/// A bucket of the file, locked.
struct Page<'a> {
    handle: &'static Handle,
    start: u64,
    bucket: Bucket,
    _lock: Locked<'a>,
}

impl Page<'_> {
    /// One request more of `key`; false when there is no room.
    fn add(&mut self, key: Digest, owner: i32) -> io::Result<bool> {
        if let Some((place, record)) = self.bucket.find(key, owner) {
            self.put(place, Record { count: record.count.saturating_add(1), ..record })?;
            return Ok(true);
        }
        if self.bucket.vacant().is_none() {
            self.sweep(Some(owner), |_| true)?;
        }
        match self.bucket.vacant() {
            Some(place) => self.put(place, Record { key, owner, count: 1 }).map(|()| true),
            None => Ok(false),
        }
    }

    /// Removes those of the records that are `meant` whose process is dead. True when there
    /// were any.
    fn sweep(&mut self, us: Option<i32>, meant: impl Fn(&Record) -> bool) -> io::Result<bool> {
        let others =
            self.bucket.records().filter(|(_, record)| Some(record.owner) != us && meant(record));
        let others: Vec<(usize, Record)> = others.collect();
        let mut any = false;
        for (place, record) in others {
            if !is_alive(&self.handle.file, record.owner)? {
                self.put(place, Record { count: 0, ..record })?;
                any = true;
            }
        }
        Ok(any)
    }

    fn put(&mut self, place: usize, record: Record) -> io::Result<()> {
        let (at, bytes) = self.bucket.put(place, record);
        self.handle.file.write_all_at(&bytes, self.start + at as u64)
    }
}

fn holder(owner: i32) -> u64 {
    owner.unsigned_abs().into()
}

impl fmt::Debug for SharedPermits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPermits").field("path", &self.path).finish_non_exhaustive()
    }
}
