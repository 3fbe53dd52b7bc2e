//! All operations at once, by eight threads, on keys that they share.

use std::{
    array,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    thread,
};

use tidegate_core::{Adjustment, Change, Charge, Decision, Key, Limit, Nanos, Verdict};
use tidegate_memory::MemoryStore;

const THREADS: u64 = 8;
const NOW: Nanos = Nanos(5_000_000_000);

const BLANK: Decision = Decision {
    verdict: Verdict::Never,
    limit: 0,
    remaining: 0,
    reset_after: Nanos::ZERO,
    next_unit_after: Nanos::ZERO,
    delay: Nanos::ZERO,
};

/// Numbers that look random, the same in every run.
struct Numbers(u64);

impl Numbers {
    /// A number below `end`.
    fn below(&mut self, end: u32) -> u32 {
        // Source: Marsaglia, "Xorshift RNGs", 2003.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 33).expect("31 bits") % end
    }

    /// One of `all`.
    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let count = u32::try_from(all.len()).expect("a short list");
        &all[usize::try_from(self.below(count)).expect("an index")]
    }
}

/// A key, and the units of it that were admitted.
struct User {
    name: String,
    admitted: AtomicU32,
}

impl User {
    fn new(index: usize) -> Self {
        Self { name: format!("user:{index}"), admitted: AtomicU32::new(0) }
    }

    fn key(&self, limit: &Limit) -> Key<'_> {
        Key::new("test", limit.tag(0), self.name.as_bytes())
    }

    fn charge<'a>(&'a self, limit: &'a Limit, cost: u32, at: Nanos) -> Charge<'a> {
        Charge { key: self.key(limit), limit, cost, at }
    }
}

fn on_all_threads(work: impl Fn(&mut Numbers) + Sync) {
    thread::scope(|scope| {
        for index in 1..=THREADS {
            let work = &work;
            scope.spawn(move || work(&mut Numbers(index << 40 | 1)));
        }
    });
}

#[test]
fn what_was_admitted_is_what_is_missing() {
    const LIMIT: u32 = 100;
    let limit: Limit = "100/hour".parse().expect("a limit");
    let store = MemoryStore::with_capacity(4096, 0).expect("64 KiB");
    let users: [User; 20] = array::from_fn(User::new);

    on_all_threads(|numbers| {
        for _ in 0..2_000 {
            let (one, other) = (numbers.pick(&users), numbers.pick(&users));
            let charges = [one, other].map(|user| user.charge(&limit, 1 + numbers.below(3), NOW));
            let mut decisions = [BLANK; 2];
            let take = |user: &User, charge: &Charge<'_>, allowed: bool| {
                user.admitted.fetch_add(charge.cost * u32::from(allowed), Relaxed);
            };
            if numbers.below(2) == 0 || one.name == other.name {
                store.check_each(&charges, NOW, &mut decisions);
                take(one, &charges[0], decisions[0].is_allowed());
                take(other, &charges[1], decisions[1].is_allowed());
            } else {
                store.check(&charges, NOW, &mut decisions);
                let both = decisions.iter().all(Decision::is_allowed);
                take(one, &charges[0], both);
                take(other, &charges[1], both);
            }
        }
    });

    assert_eq!(store.stats(NOW).evictions, 0);
    for user in users {
        let mut decision = [BLANK];
        store.peek(&[user.charge(&limit, 0, NOW)], NOW, &mut decision);
        let admitted = user.admitted.into_inner();
        assert!((LIMIT - 2..=LIMIT).contains(&admitted), "{admitted} admitted");
        assert_eq!(decision[0].remaining, LIMIT - admitted);
    }
}

#[test]
fn what_is_given_back_is_all_there_again() {
    let limit: Limit = "1/hour".parse().expect("a limit");
    let store = MemoryStore::with_capacity(4096, 0).expect("64 KiB");
    let users: [User; 3] = array::from_fn(User::new);

    // Each takes two keys of three at once, so that the second is often gone when it has the
    // first; and gives both back when it got them.
    on_all_threads(|numbers| {
        for _ in 0..50_000 {
            let (one, other) = (numbers.pick(&users), numbers.pick(&users));
            if one.name == other.name {
                continue;
            }
            let mut decisions = [BLANK; 2];
            store.check(&[one, other].map(|user| user.charge(&limit, 1, NOW)), NOW, &mut decisions);
            if decisions.iter().all(Decision::is_allowed) {
                let change = Change::Refund { cost: 1, charged_at: NOW };
                let refund = |user: &User| {
                    let key = user.key(&limit);
                    store.adjust(&[Adjustment { key, limit: &limit, at: NOW, change }], NOW);
                };
                refund(one);
                refund(other);
            }
        }
    });

    for user in &users {
        let mut decision = [BLANK];
        store.peek(&[user.charge(&limit, 0, NOW)], NOW, &mut decision);
        assert_eq!(decision[0].remaining, 1);
    }
}

#[test]
fn no_operation_fails_in_a_table_of_eight_slots() {
    let texts = ["9/second", "fixed_window: 9/second", "sliding_window_counter: 9/second"];
    let locked = ["sliding_window_log: 9/second", "leaky_bucket: 9/second queue 1s"];
    let limits = [&texts[..], &locked].concat();
    let limits: Vec<Limit> = limits.iter().map(|text| text.parse().expect("a limit")).collect();
    let store = MemoryStore::with_capacity(8, 1 << 16).expect("a page");
    let users: [User; 12] = array::from_fn(User::new);

    on_all_threads(|numbers| {
        for turn in 0..5_000 {
            let (limit, user) = (numbers.pick(&limits), numbers.pick(&users));
            let at = Nanos(turn * 1_000_000 + u64::from(numbers.below(2_000_000)));
            let cost = 1 + numbers.below(10);
            let charges = [user.charge(limit, cost, at)];
            let mut decision = [BLANK];
            let change = match numbers.below(8) {
                0 => Change::Reset,
                1 => Change::Debit { cost },
                2 => Change::Refund { cost, charged_at: at },
                3 => {
                    store.peek(&charges, at, &mut decision);
                    continue;
                }
                _ => {
                    store.check(&charges, at, &mut decision);
                    assert!(decision[0].remaining <= 9, "{decision:?}");
                    continue;
                }
            };
            store.adjust(&[Adjustment { key: user.key(limit), limit, at, change }], at);
        }
    });

    let stats = store.stats(Nanos(1));
    assert!(stats.capacity == 8 && stats.evictions > 0, "{stats:?}");
    // After any idle time everything is there again.
    assert_eq!(store.stats(Nanos::from_secs(3600)).live, 0);
}
