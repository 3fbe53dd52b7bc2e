//! Memory for a table: mapped, zeroed by the kernel as it is touched, and seen as atomics.
//!
//! The one module with unsafe code. It knows what a slot is made of, and nothing of what is
//! in it.

#![allow(unsafe_code, reason = "plain bytes are viewed as atomics here, and nowhere else")]

use std::{fs::File, io};

use memmap2::{Advice, MmapMut, MmapOptions};

use crate::{class::PAGE, sync::AtomicU128};

/// Bytes of one word.
pub(crate) const WORD: usize = size_of::<AtomicU128>();

/// Tables of this size or more, which nobody gets without asking, are given huge pages, and
/// all of them at once. Smaller ones gain little, and an idle process would pay for two
/// megabytes where it touched one slot. At once, because the kernel zeroes two megabytes at the
/// first touch of each: a flood of new keys would make the requests wait for that.
const HUGE_FROM: usize = 32 << 20;

/// A stretch of memory: perhaps a header, then the page of classes, then the slots.
pub(crate) struct Region {
    map: MmapMut,
    /// Where the words begin, in bytes; a multiple of the size of a memory page.
    offset: usize,
    words: usize,
}

impl Region {
    /// Bytes that the words of so many slots take.
    pub(crate) fn bytes(slots: usize) -> Option<usize> {
        slots.checked_add(PAGE)?.checked_mul(WORD)
    }

    /// Memory of this process alone for so many slots, all zeros.
    pub(crate) fn anonymous(slots: usize) -> io::Result<Self> {
        let bytes = Self::bytes(slots).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self::of(MmapMut::map_anon(bytes)?, 0, bytes))
    }

    /// The words behind the first `offset` bytes of `file`, up to its end at `length` bytes,
    /// shared with every process that maps it.
    pub(crate) fn file(file: &File, offset: usize, length: usize) -> io::Result<Self> {
        // SAFETY: A mapped file may be changed by other processes at any time. All access to
        // the words is atomic, and any bytes are valid words, so no change can break what
        // Rust relies on. The header is only read before, through the file. What cannot be
        // excluded is that somebody shortens the file, which raises SIGBUS at the next touch;
        // only the owner can, since others may not write to it, and the docs say so.
        let map = unsafe { MmapOptions::new().len(length).map_mut(file)? };
        Ok(Self::of(map, offset, length))
    }

    fn of(map: MmapMut, offset: usize, length: usize) -> Self {
        let words = (length - offset) / WORD;
        #[cfg(target_os = "linux")]
        if length >= HUGE_FROM {
            // Wishes: without them the table is slower, not wrong.
            let _ = map.advise(Advice::HugePage);
            let _ = map.advise(Advice::PopulateWrite);
        }
        Self { map, offset, words }
    }

    /// The page of classes.
    pub(crate) fn page(&self) -> &[AtomicU128] {
        &self.words()[..PAGE]
    }

    /// The slots.
    pub(crate) fn slots(&self) -> &[AtomicU128] {
        &self.words()[PAGE..]
    }

    #[expect(clippy::cast_ptr_alignment, reason = "a mapping begins on a page")]
    fn words(&self) -> &[AtomicU128] {
        // SAFETY: The mapping is at least `offset` plus `words` times 16 bytes long, as
        // computed in `of`; it begins on a memory page and `offset` is a multiple of one, so
        // it is aligned for 128 bits; it lives as long as `self`, and is never unmapped or
        // moved before. Any bytes are a valid `AtomicU128`, which has the layout of a `u128`.
        // The words are never seen in any other way than through these shared references, so
        // all access is atomic.
        unsafe {
            let start = self.map.as_ptr().add(self.offset).cast::<AtomicU128>();
            debug_assert!(start.is_aligned());
            std::slice::from_raw_parts(start, self.words)
        }
    }
}

/// Asks the processor to fetch the cache lines of a set.
#[inline]
pub(crate) fn prefetch(set: &[AtomicU128]) {
    #[cfg(target_arch = "x86_64")]
    for line in set.chunks(4) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: A prefetch reads nothing, and the address is that of a live reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = set;
}
