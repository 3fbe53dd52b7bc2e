//! Units taken in any case, units given back, and both for a cost that is known only later.

mod common;

use common::{Key, Rng, Shape, lived_in, units};
use tidegate_core::algorithm::{
    Algorithm, Counts, FixedWindow, Gcra, LeakyQueue, SlidingWindowCounter, SlidingWindowLog,
};
use tidegate_core::{Nanos, Verdict};

/// Ten per hundred nanoseconds.
const LIMIT: u32 = 10;
const PERIOD: Nanos = Nanos(100);

fn gcra() -> Gcra {
    Gcra::new(units(LIMIT), PERIOD)
}

fn for_many_keys(mut assertion: impl FnMut(Key, Nanos, &mut Rng)) {
    for shape in Shape::ALL {
        let mut rng = Rng::new(11);
        for _ in 0..10_000 {
            let (key, now) = lived_in(shape, &mut rng);
            assertion(key, now, &mut rng);
        }
    }
}

fn fill_time(key: &Key) -> Nanos {
    match key {
        Key::Gcra(key) => key.algorithm.fill_time(),
        Key::Queue(key) => key.algorithm.fill_time(),
        Key::FixedWindow(key) => key.algorithm.period(),
        Key::Counter(key) => key.algorithm.period(),
        Key::Log(log, _) => log.period(),
    }
}

#[test]
fn a_refund_never_makes_a_key_fuller_than_one_that_rested() {
    for_many_keys(|mut key, now, rng| {
        let before = key.peek(now, 0);
        let charged_at = Nanos(now.0 - rng.up_to(now.0.min(100)));
        key.refund(now, charged_at, rng.any_units());

        let after = key.peek(now, 0);
        assert!(after.remaining >= before.remaining, "{key:?}");
        let mut passed = 0;
        while key.check(now, 1).is_allowed() {
            passed += 1;
        }
        assert!(passed <= after.limit, "{passed} passed at once: {key:?}");
    });
}

#[test]
fn a_charge_that_is_refunded_at_once_has_never_been() {
    for_many_keys(|key, now, rng| {
        let mut charged = key.clone();
        let cost = rng.units(12);
        let decision = charged.check(now, cost);
        if decision.is_allowed() {
            charged.refund(now, now.saturating_add(decision.delay), cost);
        }

        assert_eq!(charged.peek(now, 1), key.peek(now, 1), "{key:?} at {now:?}");
    });
}

#[test]
fn debt_is_at_most_one_more_fill() {
    for_many_keys(|mut key, now, _| {
        for _ in 0..3 {
            key.debit(now, u32::MAX);
        }

        let most = fill_time(&key).saturating_mul(2);
        let decision = key.peek(now, 1);
        let wait = decision.retry_after().expect("a key in debt denies");
        assert!(wait <= most, "{wait:?} is more than {most:?}: {key:?}");
        assert!(decision.reset_after <= most, "{key:?}");
    });
}

#[test]
fn only_debt_denies_a_request_for_nothing() {
    for_many_keys(|mut key, now, _| {
        let rested = key.unseen();
        let mut emptied = rested.clone();
        while emptied.check(now, 1).is_allowed() {}
        assert!(emptied.peek(now, 0).is_allowed(), "{emptied:?}");

        key.debit(now, u32::MAX);
        let before = key.clone();
        let Verdict::Denied { retry_after } = key.check(now, 0).verdict else {
            panic!("a key in debt passed a request for nothing: {key:?}");
        };
        assert_eq!(key.peek(now, 1), before.peek(now, 1));
        assert!(retry_after <= key.peek(now, 1).retry_after().unwrap());
        assert!(key.check(now.saturating_add(retry_after), 0).is_allowed());
    });
}

#[test]
fn gcra_takes_a_penalty_below_zero_and_names_the_wait() {
    let gcra = gcra();
    let spent = gcra.check(Nanos::ZERO, Nanos::ZERO, 10).next.unwrap();

    let indebted = gcra.debit(spent, Nanos::ZERO, 3);

    assert_eq!(gcra.peek(indebted, Nanos::ZERO, 0).retry_after(), Some(Nanos(30)));
    assert_eq!(gcra.peek(indebted, Nanos::ZERO, 1).retry_after(), Some(Nanos(40)));
    assert_eq!(gcra.peek(indebted, Nanos::ZERO, 1).next_unit_after, Nanos(40));
}

#[test]
fn gcra_reads_a_tat_that_no_step_could_have_left_as_the_deepest_debt() {
    let gcra = gcra();
    let deepest = Nanos(1_000 + 200);

    assert_eq!(gcra.peek(Nanos::MAX, Nanos(1_000), 1), gcra.peek(deepest, Nanos(1_000), 1));
    assert_eq!(gcra.debit(Nanos::MAX, Nanos(1_000), 1), deepest);
    assert_eq!(gcra.refund(Nanos::MAX, Nanos(1_000), Nanos::ZERO, 1), Nanos(1_190));
    assert_eq!(gcra.carry_over(Nanos::MAX, Nanos(1_000), &gcra), deepest);
}

#[test]
fn fixed_window_lets_debt_spill_into_the_next_window() {
    let window = FixedWindow::new(units(LIMIT), PERIOD);
    let v = window.debit(0, Nanos(50), 13);

    assert_eq!(window.peek(v, Nanos(50), 1).retry_after(), Some(Nanos(50)));
    assert_eq!(window.peek(v, Nanos(100), 1).remaining, 7);
    assert_eq!(window.peek(v, Nanos(100), 8).retry_after(), Some(Nanos(100)));
    assert_eq!(window.peek(v, Nanos(200), 1).remaining, 10);
}

#[test]
fn fixed_window_loses_a_refund_of_an_earlier_window() {
    let window = FixedWindow::new(units(LIMIT), PERIOD);
    let v = window.check(0, Nanos(99), 4).next.unwrap();
    let v = window.check(v, Nanos(100), 2).next.unwrap();

    let v = window.refund(v, Nanos(101), Nanos(99), 4);
    assert_eq!(window.peek(v, Nanos(101), 1).remaining, 8);
    let v = window.refund(v, Nanos(101), Nanos(100), 2);
    assert_eq!(window.peek(v, Nanos(101), 1).remaining, 10);
}

#[test]
fn sliding_window_counter_refunds_to_the_window_of_the_charge() {
    let counter = SlidingWindowCounter::new(units(LIMIT), PERIOD);
    let counts = Counts { window: 3, previous: 5, current: 4 };

    let current = counter.refund(counts, Nanos(350), Nanos(301), 2);
    let previous = counter.refund(counts, Nanos(350), Nanos(299), 2);
    let neither = counter.refund(counts, Nanos(350), Nanos(199), 2);

    assert_eq!(current, Counts { current: 2, ..counts });
    assert_eq!(previous, Counts { previous: 3, ..counts });
    assert_eq!(neither, counts);
}

#[test]
fn sliding_window_log_gives_back_the_newest_entries_no_later_than_the_charge() {
    let log = SlidingWindowLog::new(units(LIMIT), PERIOD);
    let times = [3, 5, 5, 5, 9].map(Nanos);

    assert_eq!(log.refund(&times[..], Nanos(5), 2), 2..4);
    assert_eq!(log.refund(&times[..], Nanos(8), 2), 2..4);
    assert_eq!(log.refund(&times[..], Nanos(4), 2), 0..1);
    assert_eq!(log.refund(&times[..], Nanos(9), 99), 0..5);
    assert!(log.refund(&times[..], Nanos(2), 2).is_empty());
    assert!(log.refund(&times[..], Nanos(5), 0).is_empty());
}

#[test]
fn queue_gives_back_the_place_of_the_last_only() {
    let queue = LeakyQueue::new(units(LIMIT), PERIOD, Nanos(50));
    let first = queue.check(Nanos::ZERO, Nanos::ZERO, 2).next.unwrap();
    let second = queue.check(first, Nanos::ZERO, 1);
    let both = second.next.unwrap();

    assert_eq!(second.decision.delay, Nanos(20));
    assert_eq!(queue.refund(both, Nanos(1), Nanos::ZERO, 2), both);
    assert_eq!(queue.refund(both, Nanos(1), Nanos(20), 1), first);
}

#[test]
fn a_reservation_is_settled_to_what_it_really_cost() {
    let gcra = gcra();
    let reserved = gcra.check(Nanos::ZERO, Nanos::ZERO, 6).next.unwrap();

    let cheaper = gcra.settle(reserved, Nanos(5), Nanos::ZERO, 6, 2);
    let dearer = gcra.settle(reserved, Nanos(5), Nanos::ZERO, 6, 9);
    let equal = gcra.settle(reserved, Nanos(5), Nanos::ZERO, 6, 6);

    assert_eq!((cheaper, dearer, equal), (Nanos(20), Nanos(90), Nanos(60)));
}

#[test]
fn queue_settles_a_reservation_down_only_if_it_is_the_last() {
    let queue = LeakyQueue::new(units(LIMIT), PERIOD, Nanos(100));
    let waiting = Nanos(30);
    let reserved = queue.check(waiting, Nanos::ZERO, 6);
    let alone = reserved.next.unwrap();
    let departure = reserved.decision.delay;
    let followed = queue.check(alone, Nanos::ZERO, 1).next.unwrap();

    assert_eq!(queue.settle(alone, Nanos(40), departure, 6, 2), Nanos(50));
    assert_eq!(queue.settle(alone, Nanos(40), departure, 6, 9), Nanos(120));
    assert_eq!(queue.settle(followed, Nanos(40), departure, 6, 2), followed);
    assert_eq!(queue.settle(followed, Nanos(40), departure, 6, 9), Nanos(130));
}
