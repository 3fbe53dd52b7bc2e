//! Requests in flight in one process, by many threads: never more than may.
#![allow(clippy::unwrap_used, reason = "helpers of tests, where a panic is the report")]

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    thread,
};

use tidegate_memory::{MemoryPermits, Taken};

const THREADS: usize = 8;
const TURNS: usize = 20_000;

#[test]
fn threads_never_have_more_than_may() {
    for limit in [1, 3, 7] {
        let (permits, barrier) = (MemoryPermits::new(), Barrier::new(THREADS));
        let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    barrier.wait();
                    for turn in 0..TURNS {
                        let Taken::Yes { permit, in_flight } = permits.acquire(1, b"ana", limit)
                        else {
                            continue;
                        };
                        assert!(in_flight < limit);
                        most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                        if turn % 16 == 0 {
                            thread::yield_now();
                        }
                        inside.fetch_sub(1, SeqCst);
                        permits.release(permit);
                    }
                });
            }
        });

        assert!((1..=limit).contains(&most.load(SeqCst)), "{most:?} at once, of {limit}");
        assert_eq!(permits.in_flight(1, b"ana"), 0);
    }
}
