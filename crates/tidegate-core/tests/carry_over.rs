//! What was used stays used when a limit changes.

mod common;

use common::{Key, Rng, Shape, lived_in, units};
use tidegate_core::Nanos;
use tidegate_core::algorithm::{
    Algorithm, Counts, FixedWindow, Gcra, LeakyQueue, SlidingWindowCounter, SlidingWindowLog,
};

fn gcra(limit: u32, period: u64) -> Gcra {
    Gcra::new(units(limit), Nanos(period))
}

#[test]
fn a_limit_that_stays_the_same_changes_no_answer() {
    for shape in Shape::ALL {
        let mut rng = Rng::new(12);
        for _ in 0..10_000 {
            let (key, now) = lived_in(shape, &mut rng);
            let mut carried = key.clone();
            match &mut carried {
                Key::Gcra(k) => k.state = k.algorithm.carry_over(k.state, now, &k.algorithm),
                Key::Queue(k) => k.state = k.algorithm.carry_over(k.state, now, &k.algorithm),
                Key::FixedWindow(k) => k.state = k.algorithm.carry_over(k.state, now, &k.algorithm),
                Key::Counter(k) => k.state = k.algorithm.carry_over(k.state, now, &k.algorithm),
                Key::Log(log, times) => drop(times.drain(..log.carry_over(times, now, log))),
            }
            assert_eq!(carried.peek(now, 1), key.peek(now, 1), "{key:?} at {now:?}");
        }
    }
}

#[test]
fn gcra_keeps_the_tokens_used_when_the_rate_and_the_burst_change() {
    let mut rng = Rng::new(13);
    for _ in 0..50_000 {
        let old = gcra(rng.units(9) + 1, rng.up_to(90) + 10);
        let new = gcra(rng.units(9) + 1, rng.up_to(90) + 10);
        let now = Nanos(rng.up_to(1_000));
        let tat = now.saturating_add(Nanos(rng.up_to(old.fill_time().0)));

        let left = old.peek(tat, now, 1).remaining;
        let carried = new.peek(new.carry_over(tat, now, &old), now, 1).remaining;

        let used = old.burst().get() - left;
        assert_eq!(carried, new.burst().get().saturating_sub(used), "{old:?} {new:?} {tat:?}");
    }
}

#[test]
fn gcra_cuts_a_debt_to_one_fill_of_the_new_limit() {
    let (hourly, quick) = (gcra(1, 3_600), gcra(10, 100));
    let indebted = hourly.debit(Nanos::ZERO, Nanos(7), 2);

    assert_eq!(quick.carry_over(indebted, Nanos(7), &hourly), Nanos(7 + 20));
    assert_eq!(hourly.carry_over(Nanos(7 + 200), Nanos(7), &quick), Nanos(7 + 7_200));
    assert_eq!(quick.carry_over(Nanos(3), Nanos(7), &hourly), Nanos(7));
}

#[test]
fn fixed_window_keeps_the_units_used_up_to_the_new_limit() {
    let old = FixedWindow::new(units(10), Nanos(100));
    let used_eight = old.check(0, Nanos(250), 8).next.unwrap();
    let in_debt = old.debit(used_eight, Nanos(250), 6);
    let left = |new: &FixedWindow, v, at| {
        new.peek(new.carry_over(v, Nanos(250), &old), Nanos(at), 1).remaining
    };
    let (lower, higher) =
        (FixedWindow::new(units(5), Nanos(100)), FixedWindow::new(units(20), Nanos(70)));

    assert_eq!(left(&lower, used_eight, 250), 0);
    assert_eq!(left(&lower, used_eight, 300), 5);
    assert_eq!(left(&higher, used_eight, 250), 12);
    assert_eq!(left(&lower, in_debt, 300), 1);
    assert_eq!(left(&higher, in_debt, 250), 6);
    assert_eq!(left(&higher, used_eight - 8, 250), 20);
    // Ten units of debt are more than one window of the new limit.
    let (tiny, deepest) =
        (FixedWindow::new(units(3), Nanos(100)), old.debit(in_debt, Nanos(250), 9));
    assert_eq!((left(&tiny, deepest, 300), left(&tiny, deepest, 400)), (0, 3));
}

#[test]
fn sliding_window_counter_keeps_both_counts_or_all_that_is_in_view() {
    let old = SlidingWindowCounter::new(units(10), Nanos(100));
    let counts = Counts { window: 2, previous: 7, current: 6 };
    let carried = |limit, period| {
        let new = SlidingWindowCounter::new(units(limit), Nanos(period));
        new.carry_over(counts, Nanos(250), &old)
    };

    assert_eq!(carried(20, 100), counts);
    assert_eq!(carried(5, 100), Counts { window: 2, previous: 5, current: 5 });
    // 3.5 of the previous window are in view.
    assert_eq!(carried(20, 60), Counts { window: 4, previous: 0, current: 10 });
    assert_eq!(carried(5, 60), Counts { window: 4, previous: 0, current: 5 });
}

#[test]
fn sliding_window_log_keeps_the_newest_that_the_new_limit_has_room_for() {
    let old = SlidingWindowLog::new(units(4), Nanos(100));
    let times = [10, 120, 130, 140].map(Nanos);
    let dropped = |limit, period, times: &[Nanos]| {
        SlidingWindowLog::new(units(limit), Nanos(period)).carry_over(times, Nanos(150), &old)
    };

    assert_eq!(dropped(4, 100, &times), 1);
    assert_eq!(dropped(4, 1_000, &times), 0);
    assert_eq!(dropped(2, 100, &times), 2);
    let in_debt = [120, 130, 140, 141, 142, 143].map(Nanos);
    assert_eq!(dropped(4, 100, &in_debt), 0);
    assert_eq!(dropped(2, 100, &in_debt), 2);
}

#[test]
fn queue_leaves_booked_departures_where_they_are() {
    let slow = LeakyQueue::new(units(10), Nanos(100), Nanos(60));
    let fast = LeakyQueue::new(units(100), Nanos(100), Nanos(5));

    assert_eq!(fast.carry_over(Nanos(1_060), Nanos(1_000), &slow), Nanos(1_060));
    let furthest = Nanos(1_000 + 2 * (60 + 70));
    assert_eq!(fast.carry_over(Nanos::MAX, Nanos(1_000), &slow), furthest);
}
