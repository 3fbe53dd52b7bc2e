//! A clock that runs backwards gives nobody anything.

mod common;

use common::{Key, Rng, Shape, lived_in, units};
use tidegate_core::Nanos;
use tidegate_core::algorithm::SlidingWindowLog;

#[test]
fn a_clock_that_ran_backwards_admits_nothing_that_it_would_not_have_admitted_anyway() {
    for shape in Shape::ALL {
        let mut rng = Rng::new(16);
        for _ in 0..20_000 {
            let (key, now) = lived_in(shape, &mut rng);
            let behind = Nanos(now.0 - rng.up_to(now.0.min(300)));

            let (late, early) = (key.peek(now, 0), key.peek(behind, 0));
            assert!(early.remaining <= late.remaining, "{key:?} at {behind:?}, not {now:?}");
            for cost in 0..=late.limit {
                let admits = key.peek(behind, cost).is_allowed();
                assert!(!admits || key.peek(now, cost).is_allowed(), "{key:?}, {cost}");
            }
        }
    }
}

#[test]
fn a_request_on_a_clock_that_lags_counts_like_one_made_at_the_latest_time_seen() {
    for shape in Shape::ALL {
        let mut rng = Rng::new(17);
        for _ in 0..20_000 {
            let (mut key, now) = lived_in(shape, &mut rng);
            let behind = Nanos(now.0 - rng.up_to(now.0.min(300)));
            let first = key.check(now, 1);

            if first.is_allowed() && key.check(behind, 1).is_allowed() {
                assert_eq!(key.peek(now, 0).remaining, first.remaining - 1, "{key:?} at {now:?}");
            }
        }
    }
}

#[test]
fn a_log_stays_in_order_when_the_clock_does_not() {
    let log = SlidingWindowLog::new(units(5), Nanos(100));
    let times = [Nanos(40), Nanos(50)];

    assert_eq!(log.stamp(&times[..], Nanos(45)), Nanos(50));
    assert_eq!(log.stamp(&times[..], Nanos(55)), Nanos(55));
    let decision = log.check(&times[..], Nanos(45), 3);
    assert_eq!((decision.remaining, decision.reset_after), (0, Nanos(105)));
}

/// False for a TAT so far ahead of `now` that GCRA takes it for the deepest debt there is.
fn is_believed(key: &Key, now: Nanos) -> bool {
    match key {
        Key::Gcra(key) => {
            let furthest = key.algorithm.fill_time().saturating_mul(2);
            key.state.saturating_sub(now) <= furthest
        }
        _ => true,
    }
}

#[test]
fn a_penalty_on_a_clock_that_lags_gives_nothing_back() {
    for shape in Shape::ALL {
        let mut rng = Rng::new(19);
        for _ in 0..20_000 {
            let (mut key, now) = lived_in(shape, &mut rng);
            let behind = Nanos(now.0 - rng.up_to(now.0.min(300)));
            if rng.one_in(2) {
                key.debit(now, rng.units(20));
            }
            let before = key.clone();
            key.debit(behind, rng.units(20));

            if is_believed(&before, behind) {
                let waits = [&before, &key].map(|key| key.peek(now, 1).retry_after());
                assert!(waits[0] <= waits[1], "{before:?} became {key:?} at {behind:?}");
            }
        }
    }
}

#[test]
fn a_clock_that_lags_still_names_the_exact_wait() {
    for shape in Shape::ALL {
        let mut rng = Rng::new(18);
        for _ in 0..20_000 {
            let (key, now) = lived_in(shape, &mut rng);
            let behind = Nanos(now.0 - rng.up_to(now.0.min(300)));
            if !is_believed(&key, behind) {
                continue;
            }
            for cost in 0..=key.peek(now, 0).limit {
                if let Some(retry_after) = key.peek(behind, cost).retry_after() {
                    let due = behind.saturating_add(retry_after);
                    assert!(key.peek(due, cost).is_allowed(), "{key:?} at {behind:?}");
                    assert!(!key.peek(Nanos(due.0 - 1), cost).is_allowed(), "{key:?}");
                }
            }
        }
    }
}
