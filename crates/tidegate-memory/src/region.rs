//! Memory for the table: mapped, zeroed by the kernel as it is touched, and seen as atomics.
//!
//! The one module with unsafe code. It knows what a slot is made of, and nothing of what is
//! in it.

#![allow(unsafe_code, reason = "plain bytes are viewed as atomics here, and nowhere else")]

use std::io;

use memmap2::{Advice, MmapMut};

use crate::sync::AtomicU128;

/// Tables of this size or more ask for huge pages: smaller ones gain nothing, and an idle
/// process would pay for two megabytes where it touched one slot.
const HUGE_FROM: usize = 64 << 20;

/// A stretch of memory of this process alone.
pub(crate) struct Region {
    map: MmapMut,
    slots: usize,
}

impl Region {
    /// Memory for so many slots, all zeros.
    pub(crate) fn anonymous(slots: usize) -> io::Result<Self> {
        let bytes = slots.checked_mul(size_of::<AtomicU128>()).ok_or(io::ErrorKind::OutOfMemory)?;
        let map = MmapMut::map_anon(bytes)?;
        #[cfg(target_os = "linux")]
        if bytes >= HUGE_FROM {
            // A wish: without huge pages the table is slower, not wrong.
            let _ = map.advise(Advice::HugePage);
        }
        Ok(Self { map, slots })
    }

    /// The slots.
    #[expect(clippy::cast_ptr_alignment, reason = "a mapping begins on a page")]
    pub(crate) fn slots(&self) -> &[AtomicU128] {
        let start = self.map.as_ptr().cast::<AtomicU128>();
        debug_assert!(start.is_aligned());
        // SAFETY: The mapping is at least `slots` times 16 bytes long, as allocated above; it
        // begins on a page, so it is aligned for 128 bits; it lives as long as `self`, and is
        // never unmapped or moved before. All-zero bytes, and any other bytes, are a valid
        // `AtomicU128`, which has the layout of a `u128`. The mapping is never seen in any
        // other way than through these shared references, so all access is atomic.
        unsafe { std::slice::from_raw_parts(start, self.slots) }
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
