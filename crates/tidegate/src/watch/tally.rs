//! Counters that threads add to without getting in each other's way.
//!
//! Each thread adds in a lane of its own, as far as there are lanes; the lanes together are the
//! count, which is exact. Knows nothing of what is counted.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// Enough for the threads that are at it at the same moment; more share lanes.
const LANES: usize = 8;

/// A thread's lane, in every tally the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane(usize);

impl Lane {
    /// That of this thread.
    pub(super) fn of_thread() -> Self {
        const NONE: usize = usize::MAX;
        thread_local! {
            static MINE: Cell<usize> = const { Cell::new(NONE) };
        }
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Self(MINE.with(|mine| {
            if mine.get() == NONE {
                // Relaxed: any lane is as good as another.
                mine.set(NEXT.fetch_add(1, Ordering::Relaxed) % LANES);
            }
            mine.get()
        }))
    }
}

/// `N` counters.
#[derive(Debug)]
pub(super) struct Tally<const N: usize>(Box<[Counters<N>; LANES]>);

/// Two cache lines apart from the next: processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Counters<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Tally<N> {
    fn default() -> Self {
        let counters = || Counters([const { AtomicU64::new(0) }; N]);
        Self(Box::new(std::array::from_fn(|_| counters())))
    }
}

impl<const N: usize> Tally<N> {
    /// Adds to the counter number `which`, which is below `N`.
    pub(super) fn add(&self, lane: Lane, which: usize, count: u64) {
        // Relaxed: a counter orders nothing.
        self.0[lane.0].0[which].fetch_add(count, Ordering::Relaxed);
    }

    /// Every counter's sum over the lanes. None of them ever goes back.
    pub(super) fn sums(&self) -> [u64; N] {
        std::array::from_fn(|which| {
            self.0.iter().map(|lane| lane.0[which].load(Ordering::Relaxed)).sum()
        })
    }

    /// Sets everything to zero; what is added meanwhile may be lost.
    pub(super) fn clear(&self) {
        for counter in self.0.iter().flat_map(|lane| &lane.0) {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_threads_add_is_there() {
        let tally = Tally::<2>::default();
        std::thread::scope(|scope| {
            for _ in 0..3 * LANES {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        tally.add(Lane::of_thread(), 0, 1);
                        tally.add(Lane::of_thread(), 1, 7);
                    }
                });
            }
        });
        let threads = 3 * LANES as u64;
        assert_eq!(tally.sums(), [threads * 1000, threads * 7000]);
        tally.clear();
        assert_eq!(tally.sums(), [0, 0]);
    }

    #[test]
    fn lanes_share_no_cache_line() {
        assert_eq!(size_of::<Counters<2>>(), 128);
        assert_eq!(align_of::<Counters<2>>(), 128);
    }
}
