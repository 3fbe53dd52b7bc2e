//! Exactness under threads: whatever the interleaving, the bound holds to the unit.

use std::{sync::Barrier, thread};

use tidegate_core::{Charge, Decision, Key, Limit, Nanos, Verdict};
use tidegate_memory::MemoryStore;

const THREADS: usize = 8;
const NOW: Nanos = Nanos(5_000_000_000);

/// One limit of 1000 for each algorithm.
const LIMITS: [&str; 7] = [
    "gcra: 1000/hour",
    "token_bucket: 1000/hour",
    "leaky_bucket: 1000/hour",
    "leaky_bucket: 1000/1000s queue 999s",
    "fixed_window: 1000/hour",
    "sliding_window_counter: 1000/hour",
    "sliding_window_log: 1000/hour",
];

fn limit(text: &str) -> Limit {
    text.parse().expect("a limit of the table above")
}

fn charge<'a>(limit: &'a Limit, position: u32, subject: &'a str) -> Charge<'a> {
    let key = Key::new("test", limit.tag(position), subject.as_bytes());
    Charge { key, limit, cost: 1, at: NOW }
}

fn blank() -> Decision {
    Decision {
        verdict: Verdict::Never,
        limit: 0,
        remaining: 0,
        reset_after: Nanos::ZERO,
        next_unit_after: Nanos::ZERO,
        delay: Nanos::ZERO,
    }
}

/// Runs `work` on all threads at once and adds up what it returns.
fn together(work: impl Fn(usize) -> u64 + Sync) -> u64 {
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let run = |index| {
            let (work, barrier) = (&work, &barrier);
            scope.spawn(move || {
                barrier.wait();
                work(index)
            })
        };
        let threads: Vec<_> = (0..THREADS).map(run).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    })
}

#[test]
fn eight_threads_on_one_key_are_admitted_exactly_the_limit() {
    for text in LIMITS {
        let (store, limit) = (MemoryStore::new(), limit(text));

        let admitted = together(|_| {
            let mut decision = [blank()];
            (0..50_000)
                .map(|_| {
                    store.check(&[charge(&limit, 0, "hot")], NOW, &mut decision);
                    u64::from(decision[0].is_allowed())
                })
                .sum()
        });

        assert_eq!(admitted, 1000, "{text}");
    }
}

#[test]
fn several_limits_at_once_admit_exactly_the_smallest_and_charge_no_refusal() {
    let limits = ["gcra: 700/hour", "fixed_window: 900/hour", "sliding_window_log: 800/hour"];
    let limits: Vec<Limit> = limits.into_iter().map(limit).collect();
    let store = MemoryStore::new();

    let admitted = together(|index| {
        let mut decisions = [blank(); 3];
        // Half of the threads name their keys in the opposite order.
        let order = if index % 2 == 0 { [0, 1, 2] } else { [2, 1, 0] };
        let charges = order.map(|i: u32| charge(&limits[i as usize], i, "hot"));
        (0..2_000)
            .map(|_| {
                store.check(&charges, NOW, &mut decisions);
                u64::from(decisions.iter().all(Decision::is_allowed))
            })
            .sum()
    });

    assert_eq!(admitted, 700);
    let mut left = [blank(); 3];
    store.peek(&[0, 1, 2].map(|i| charge(&limits[i as usize], i, "hot")), NOW, &mut left);
    assert_eq!(left.map(|decision| decision.remaining), [0, 200, 100]);
}

#[test]
fn keys_do_not_share_quota() {
    let (store, limit) = (MemoryStore::new(), limit("1000/hour"));

    let admitted = together(|index| {
        let (subject, mut decision) = (format!("user:{index}"), [blank()]);
        (0..2_000)
            .map(|_| {
                store.check(&[charge(&limit, 0, &subject)], NOW, &mut decision);
                u64::from(decision[0].is_allowed())
            })
            .sum()
    });

    assert_eq!(admitted, 8_000);
}

#[test]
fn a_flood_of_keys_never_outgrows_the_table() {
    let (store, limit) = (MemoryStore::with_capacity(4096, 1 << 20).unwrap(), limit("10/hour"));
    let mut decision = [blank()];
    for _ in 0..10 {
        store.check(&[charge(&limit, 0, "offender")], NOW, &mut decision);
    }

    for index in 0..50_000 {
        let subject = format!("random:{index}");
        store.check(&[charge(&limit, 0, &subject)], NOW, &mut decision);
        assert!(decision[0].is_allowed(), "a new key must never be refused");
    }

    let stats = store.stats(NOW);
    assert_eq!(stats.capacity, 4096);
    assert!(stats.live <= 4096 && stats.evictions > 40_000, "{stats:?}");
    store.check(&[charge(&limit, 0, "offender")], NOW, &mut decision);
    assert!(!decision[0].is_allowed(), "the offender was forgotten");
}
