//! What was used of a limit counts when the limit changes.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

#[path = "own_store/store.rs"]
mod store;

use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use store::MapStore;
use tidegate::{Facts, Gate, Key, Lines, ManualClock, Rule, SharedOptions, SharedStore, Store};

/// A request from an address.
struct From(&'static str);

impl Facts for From {
    fn is_request(&self) -> bool {
        true
    }

    fn peer(&self) -> Option<&str> {
        Some(self.0)
    }

    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"/")
    }

    fn header(&self, _name: &str) -> Lines<'_> {
        Lines::default()
    }

    fn key(&self, _rule: usize) -> Option<Cow<'_, [u8]>> {
        None
    }
}

const SOMEBODY: From = From("203.0.113.7");

fn rule(limit: &str) -> Rule {
    Rule::new("api", limit.parse().unwrap()).key(Key::Ip)
}

fn first(limit: &str, clock: &Arc<ManualClock>) -> Gate {
    Gate::builder().rule(rule(limit)).clock(Arc::<ManualClock>::clone(clock)).build().unwrap()
}

fn next(gate: &Gate, limit: &str) -> Gate {
    next_of(gate, rule(limit))
}

fn next_of(gate: &Gate, rule: Rule) -> Gate {
    Gate::builder().rule(rule).after(gate).build().unwrap()
}

fn admitted(gate: &Gate, requests: usize) -> usize {
    (0..requests).filter(|_| gate.admit(&SOMEBODY).unwrap().allowed).count()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Duration::from_secs(1_800_000_000)))
}

#[test]
fn used_units_stay_used() {
    let algorithms = [
        "gcra",
        "token_bucket",
        "leaky_bucket",
        "fixed_window",
        "sliding_window_log",
        "sliding_window_counter",
    ];
    let changes = [
        ("10/minute", 7, "20/minute", 13),
        ("10/minute", 7, "8/minute", 1),
        ("10/minute", 7, "5/minute", 0),
        ("10/minute", 10, "100/hour", 90),
        ("10/minute", 3, "10/hour", 7),
        ("10/minute", 3, "0/minute", 0),
    ];
    for algorithm in algorithms {
        for (before, used, after, left) in changes {
            let clock = clock();
            let old = first(&format!("{algorithm}: {before}"), &clock);
            assert_eq!(admitted(&old, used), used);

            let new = next(&old, &format!("{algorithm}: {after}"));

            assert_eq!(new.peek(&SOMEBODY).unwrap().remaining, left, "{algorithm}: {after}");
            assert_eq!(admitted(&new, 200), left as usize, "{algorithm}: {before} to {after}");
        }
    }
}

#[test]
fn a_limit_of_zero_in_between_gives_nobody_a_fresh_quota() {
    for after in ["10/minute", "12/minute"] {
        let clock = clock();
        let old = first("10/minute", &clock);
        assert_eq!(admitted(&old, 7), 7);
        let shut = next(&old, "0/minute");
        assert_eq!(admitted(&shut, 5), 0);

        let again = next(&shut, after);

        let limit: usize = after[..2].parse().unwrap();
        assert_eq!(admitted(&again, 20), limit - 7, "{after}");
    }
}

#[test]
fn an_algorithm_may_change_too() {
    let clock = clock();
    let old = first("fixed_window: 10/minute", &clock);
    assert_eq!(admitted(&old, 4), 4);

    assert_eq!(admitted(&next(&old, "sliding_window_log: 12/minute"), 20), 8);
}

#[test]
fn what_is_used_comes_back_at_the_new_rate() {
    let clock = clock();
    let old = first("10/minute", &clock);
    assert_eq!(admitted(&old, 10), 10);
    let new = next(&old, "10/hour");
    assert_eq!(admitted(&new, 1), 0);

    clock.advance(Duration::from_secs(6 * 60));

    assert_eq!(admitted(&new, 10), 1);
}

#[test]
fn nothing_is_lost_nor_paid_twice_by_changing_to_and_fro() {
    let clock = clock();
    let mut gate = first("1000/hour", &clock);
    let mut used = 0;
    for limit in ["500/day", "1000/hour", "2000/day", "500/day"].iter().cycle().take(200) {
        used += admitted(&gate, 1);
        gate = next(&gate, limit);
    }
    assert_eq!(used, 200);

    let left = gate.peek(&SOMEBODY).unwrap().remaining;

    assert_eq!(left, 500 - 200, "the last limit is 500/day, and time stood still");
}

#[test]
fn another_rule_counts_for_itself() {
    let clock = clock();
    let old = first("10/minute", &clock);
    assert_eq!(admitted(&old, 10), 10);
    let other = Rule::new("login", "5/hour".parse().unwrap()).key(Key::Ip);

    let new = Gate::builder().rule(other).after(&old).build().unwrap();

    assert_eq!(admitted(&new, 10), 5);
}

#[test]
fn many_threads_carry_once() {
    for _ in 0..50 {
        let clock = clock();
        let old = first("1000/hour", &clock);
        assert_eq!(admitted(&old, 400), 400);
        let (new, admitted_now) = (next(&old, "1000/day"), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| admitted_now.fetch_add(admitted(&new, 200), Ordering::Relaxed));
            }
        });
        assert_eq!(admitted_now.into_inner(), 600);
    }
}

#[test]
fn a_thousand_changes_under_traffic_lose_no_unit() {
    // More than a slow machine can use up meanwhile: a smaller limit keeps no more than it has.
    let gate = Mutex::new(Arc::new(first("1000000000/hour", &clock())));
    let (changes, admitted_by_all) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while changes.load(Ordering::Relaxed) < 1000 {
                    // Cloned, so that a gate is in use while its place is taken.
                    let gate = Arc::clone(&gate.lock().unwrap());
                    admitted_by_all.fetch_add(admitted(&gate, 3), Ordering::Relaxed);
                }
            });
        }
        for limit in ["900000000/day", "1000000000/hour"].iter().cycle().take(1000) {
            let mut gate = gate.lock().unwrap();
            *gate = Arc::new(next(&gate, limit));
            drop(gate);
            changes.fetch_add(1, Ordering::Relaxed);
            thread::yield_now();
        }
    });

    let left = gate.into_inner().unwrap().peek(&SOMEBODY).unwrap().remaining;

    assert_eq!(1_000_000_000 - left as usize, admitted_by_all.into_inner());
}

/// A counter that is found by its key alone, whatever the numbers of the limit: as long as its
/// period stays the same, a limit that refills keeps the share that was used, a sliding window
/// the units; all else begins anew. No state is ever read by numbers that it was not written by.
fn goes_on_or_begins_anew(store: &Arc<dyn Store>) {
    let changes = [
        ("gcra", "10/day", "20/day", 6),
        ("gcra", "10/day", "10/second", 10),
        ("gcra", "10/hour", "10/day", 10),
        ("leaky_bucket", "20/day", "10/day", 6),
        ("fixed_window", "10/day", "20/day", 20),
        ("fixed_window", "20/day", "10/day", 10),
        ("fixed_window", "10/hour", "10/day", 10),
        ("fixed_window", "10/day", "10/hour", 10),
        ("fixed_window", "10/day", "10/calendar-day@Asia/Tokyo", 10),
        ("sliding_window_counter", "10/day", "20/day", 13),
        ("sliding_window_counter", "20/day", "10/day", 3),
        ("sliding_window_counter", "10/hour", "10/day", 10),
        ("sliding_window_counter", "10/day", "10/hour", 10),
        ("sliding_window_log", "10/day", "20/day", 13),
        ("sliding_window_log", "10/day", "10/hour", 3),
    ];
    for (number, (algorithm, before, after, left)) in changes.into_iter().enumerate() {
        let rule = |limit: &str| {
            let limits = format!("{algorithm}: {limit}").parse().unwrap();
            Rule::new(format!("rule {number}"), limits).key(Key::Ip)
        };
        let old = Gate::builder().rule(rule(before)).shared_store(Arc::clone(store)).build();
        // Not every store counts by every algorithm.
        let Ok(old) = old else { continue };
        assert_eq!(admitted(&old, 7), 7);

        let new = next_of(&old, rule(after));

        let told = format!("{algorithm}: {before} to {after} in {}", store.name());
        assert_eq!(admitted(&new, 30), left, "{told}");
        assert_eq!(admitted(&next_of(&new, rule(after)), 30), 0, "{told}");
    }
}

#[test]
fn a_store_that_knows_keys_alone() {
    goes_on_or_begins_anew(&(Arc::new(MapStore::new(1_000)) as Arc<dyn Store>));
}

#[cfg(all(feature = "redis", feature = "postgres"))]
#[test]
fn stores_on_servers() {
    let redis = tidegate_testkit::servers::RedisServer::start();
    let postgres = tidegate_testkit::servers::postgres::PostgresServer::start();
    for url in [format!("{}?timeout=5s", redis.url()), format!("{}&timeout=10s", postgres.url())] {
        goes_on_or_begins_anew(&tidegate::open_store(&url).unwrap());
    }
}

#[test]
fn a_worker_that_changes_later_loses_nothing() {
    let folder = std::env::temp_dir().join(format!("tidegate-changed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("counts");
    let options = SharedOptions { capacity: None, replace: false };
    let open = || SharedStore::open(&path, options).unwrap();
    let worker = || Gate::builder().rule(rule("1000/hour")).store(open()).build().unwrap();
    let (one, other) = (worker(), worker());
    assert_eq!(admitted(&one, 100) + admitted(&other, 100), 200);

    let changed = next(&one, "1000/day");
    assert_eq!(admitted(&changed, 10) + admitted(&other, 10), 20);
    let other = next(&other, "1000/day");
    assert_eq!(admitted(&other, 5), 5);

    let left = changed.peek(&SOMEBODY).unwrap().remaining;
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(left, 1000 - 225);
}
