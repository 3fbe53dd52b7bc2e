//! Many links at once: exact counts, no deadlock, rows that come and go meanwhile.

mod common;

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use common::{Chance, check, check_all, connect, exchange, gcra, name, programs, schema, soon};
use tidegate_core::{Change, Nanos, Program};
use tidegate_remote::{Ask, AskKind, Fix, Link as _};

const HOUR: Nanos = Nanos(3_600_000_000_000);
const THREADS: u64 = 4;

/// Runs `work` on as many links at once, with a number each.
fn on_many_links(url: &str, work: impl Fn(u64, &mut tidegate_postgres::PostgresLink) + Sync) {
    // Once before, so that links find the schema.
    drop(connect(url).expect("a link"));
    thread::scope(|scope| {
        for number in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(number, &mut connect(url).expect("a link")));
        }
    });
}

#[test]
fn four_links_on_one_key_admit_exactly_the_limit() {
    let (_server, url) = schema("one_key");
    for (index, program) in programs(300, HOUR).iter().enumerate() {
        let total = AtomicU32::new(0);
        on_many_links(&url, |number, link| {
            // Some ask one at a time, some for several, some in batches; all for more than fits.
            for _ in 0..60 {
                let count = u32::try_from(number).unwrap() + 1;
                let asks = vec![check(&format!("hot{index}"), program, count, None); 2];
                let granted: u32 = exchange(link, &asks).iter().map(|reply| reply.granted).sum();
                total.fetch_add(granted, Ordering::Relaxed);
            }
        });
        // A queue also admits the one that leaves at once; GCRA's burst is two more.
        let capacity = program.capacity();
        let total = total.into_inner();
        // An hour's interval of 300 units is 12 s: one may come back meanwhile.
        assert!((capacity..=capacity + 1).contains(&total), "{program:?}: {total}");
    }
}

#[test]
fn three_counters_at_once_admit_exactly_the_least_and_charge_no_more() {
    let (_server, url) = schema("three_counters");
    for (index, scarce) in programs(100, HOUR).iter().enumerate() {
        let plenty = programs(5_000, HOUR);
        let total = AtomicU32::new(0);
        let ask = |number: u64| Ask {
            counters: [
                common::counter(&format!("mine{index}-{number}"), &plenty[0], 1, None),
                common::counter(&format!("all{index}"), &plenty[2], 1, None),
                common::counter(&format!("scarce{index}"), scarce, 1, None),
                common::counter(&format!("zall{index}"), &plenty[4], 1, None),
            ]
            .into_iter()
            .collect(),
            count: 3,
            kind: AskKind::Check,
        };
        on_many_links(&url, |number, link| {
            for _ in 0..25 {
                total.fetch_add(exchange(link, &[ask(number)])[0].granted, Ordering::Relaxed);
            }
        });
        let total = total.into_inner();
        let capacity = scarce.capacity();
        assert!((capacity..=capacity + 1).contains(&total), "{scarce:?}: {total}");
        // What was refused for the scarce one was taken from nobody else.
        let mut link = connect(&url).unwrap();
        let peek = Ask { kind: AskKind::Peek, ..ask(0) };
        let decisions = exchange(&mut link, std::slice::from_ref(&peek))[0].decisions(&peek);
        for place in [1, 3] {
            assert_eq!(decisions[0][place].remaining, 5_000 - total, "{place} {scarce:?}");
        }
    }
}

#[test]
fn overlapping_batches_never_wait_for_each_other_in_a_circle() {
    let (server, url) = schema("overlapping");
    // Half of the keys are soon used up, and so asked for and not locked.
    let programs = [gcra(1_000_000, HOUR), gcra(20, HOUR)];
    let program = |key: u64| &programs[usize::from(key.is_multiple_of(2))];
    let begun = Instant::now();
    on_many_links(&url, |number, link| {
        let mut chance = Chance(number);
        for _ in 0..60 {
            let asks: Vec<Ask> = (0..40)
                .map(|_| {
                    let most = 1 + chance.below(3);
                    let mut keys: Vec<u64> = (0..most).map(|_| chance.below(12)).collect();
                    keys.sort_unstable_by_key(|key| key.wrapping_mul(chance.0));
                    keys.dedup();
                    let named = |key| common::counter(&format!("key{key}"), program(key), 1, None);
                    let counters = keys.into_iter().map(named).collect();
                    Ask { counters, count: 1, kind: AskKind::Check }
                })
                .collect();
            exchange(link, &asks);
            let fixes: Vec<Fix> = (0..12)
                .map(|_| chance.below(12))
                .map(|key| Fix {
                    name: name(&format!("key{key}")),
                    program: program(key).clone(),
                    at: None,
                    change: Change::Debit { cost: 1 },
                })
                .collect();
            link.adjust(&fixes, soon()).unwrap();
        }
    });
    // The server counts them, whether or not somebody tried again.
    let deadlocks = server
        .psql("SELECT pg_stat_force_next_flush(); SELECT sum(deadlocks) FROM pg_stat_database");
    assert_eq!(deadlocks.trim(), "0", "after {:?}", begun.elapsed());
}

#[test]
fn adjustments_are_exact_beside_checks() {
    let (_server, url) = schema("adjustments");
    for (index, program) in programs(1_000, HOUR).iter().enumerate() {
        // A queue gives back the last place only, which others take.
        if matches!(program, Program::LeakyQueue(_)) {
            continue;
        }
        let subject = format!("bank{index}");
        on_many_links(&url, |_, link| {
            for _ in 0..30 {
                let ask = check(&subject, program, 3, None);
                let reply = exchange(link, &[ask]).remove(0);
                assert_eq!(reply.granted, 3);
                let charged_at = reply.now;
                let back = Change::Refund { cost: 3, charged_at };
                let more = Change::Settle { reserved: 0, charged_at, actual: 2 };
                let fixes = [back, more].map(|change| Fix {
                    name: name(&subject),
                    program: program.clone(),
                    at: None,
                    change,
                });
                link.adjust(&fixes, soon()).unwrap();
            }
        });
        let mut link = connect(&url).unwrap();
        let used = 2 * 30 * u32::try_from(THREADS).unwrap();
        let left = exchange(&mut link, &[check(&subject, program, 5_000, None)])[0].granted;
        let expected = program.capacity() - used;
        // A log's entries are no earlier than the newest, so those of a link that waited for a
        // faster one may be later than its reply says, and are not found when nothing older
        // is there: at the beginning, once for each link.
        let is_log = matches!(program, Program::SlidingWindowLog(_));
        let lost = if is_log { 3 * u32::try_from(THREADS).unwrap() } else { 0 };
        assert!(
            (expected - lost..=expected + 2).contains(&left),
            "{program:?}: {left}, not {expected}"
        );
    }
}

#[test]
fn a_counter_that_is_reset_while_it_is_used_errs_for_nobody() {
    let (_server, url) = schema("resets");
    let program = gcra(1_000_000, HOUR);
    on_many_links(&url, |number, link| {
        for _ in 0..150 {
            if number == 0 {
                let change = Change::Reset;
                let fix = Fix { name: name("a"), program: program.clone(), at: None, change };
                link.adjust(&[fix], soon()).unwrap();
            } else {
                let asks = [check("a", &program, 1, None), check_all(&["a", "b"], &program, None)];
                assert!(exchange(link, &asks).iter().all(|reply| reply.granted == 1));
            }
        }
    });
}

#[test]
fn rows_whose_time_is_over_are_deleted_by_whoever_passes() {
    let (server, url) = schema("sweeping");
    let mut link = connect(&url).unwrap();
    let program = gcra(5, Nanos(1_000));
    let fill = "INSERT INTO sweeping.counter
        SELECT '{old' || i || '}:rule:1', 1, 1, 0, 0, NULL, 1 FROM generate_series(1, 5000) i;
        INSERT INTO sweeping.counter
        SELECT '{new' || i || '}:rule:1', 1, 1, 0, 0, NULL, 9e18 FROM generate_series(1, 500) i;";
    let _ = server.psql(fill);
    let end = Instant::now() + Duration::from_secs(20);
    let mut checks = 0;
    loop {
        exchange(&mut link, &[check("passing", &program, 1, None)]);
        checks += 1;
        let left = || server.psql("SELECT count(*) FROM sweeping.counter WHERE expires_at = 1");
        if checks % 50 == 0 && left() == "0" {
            break;
        }
        assert!(Instant::now() < end, "after {checks} checks {} rows are left", left());
        thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(server.psql("SELECT count(*) FROM sweeping.counter WHERE expires_at > 8e18"), "500");
}
