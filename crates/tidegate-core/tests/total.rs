//! No input panics, and every answer makes sense.

mod common;

use common::{Rng, units};
use tidegate_core::algorithm::{
    Algorithm, Counts, FixedWindow, Gcra, LeakyQueue, SlidingWindowCounter, SlidingWindowLog,
};
use tidegate_core::{Decision, Nanos, Verdict};

const CASES: u32 = 100_000;

/// Any time at all, the first and the last ones more often than others.
fn nanos(rng: &mut Rng) -> Nanos {
    let any = rng.junk();
    Nanos(rng.pick(&[any, any, any, 0, 1, u64::MAX - 1, u64::MAX]))
}

fn makes_sense(decision: Decision, now: Nanos) {
    assert!(decision.remaining <= decision.limit, "{decision:?}");
    if let Verdict::Denied { retry_after } = decision.verdict {
        // A wait that would end after the end of time is cut short there.
        assert!(retry_after > Nanos::ZERO || now.0 > u64::MAX / 2, "{decision:?} at {now:?}");
    }
}

/// Calls everything there is with numbers of all sizes.
fn takes_anything<A: Algorithm>(
    make: impl Fn(&mut Rng) -> A,
    state: impl Fn(&mut Rng) -> A::State,
) {
    let mut rng = Rng::new(14);
    for _ in 0..CASES {
        let (algorithm, old) = (make(&mut rng), make(&mut rng));
        let (state, now, charged_at) = (state(&mut rng), nanos(&mut rng), nanos(&mut rng));
        let (cost, other) = (rng.any_units(), rng.any_units());

        let step = algorithm.check(state, now, cost);
        makes_sense(step.decision, now);
        makes_sense(algorithm.peek(state, now, cost), now);
        assert!(step.next.is_none() || step.decision.is_allowed());
        assert!(cost > 0 || step.next.is_none(), "a request for nothing wrote {step:?}");
        let state = algorithm.refund(state, now, charged_at, cost);
        let state = algorithm.debit(state, now, cost);
        let state = algorithm.settle(state, now, charged_at, cost, other);
        let state = algorithm.carry_over(state, now, &old);
        makes_sense(algorithm.peek(state, now, other), now);
        let _ = algorithm.recovered_at(state);
    }
}

fn limit(rng: &mut Rng) -> std::num::NonZeroU32 {
    units(rng.any_units().max(1))
}

#[test]
fn gcra_takes_anything() {
    takes_anything(|rng| Gcra::new(limit(rng), nanos(rng)).with_burst(limit(rng)), nanos);
    takes_anything(|rng| Gcra::strict(limit(rng), nanos(rng), limit(rng)), nanos);
}

#[test]
fn leaky_queue_takes_anything() {
    takes_anything(|rng| LeakyQueue::new(limit(rng), nanos(rng), nanos(rng)), nanos);
}

#[test]
fn fixed_window_takes_anything() {
    takes_anything(|rng| FixedWindow::new(limit(rng), nanos(rng)), |rng| nanos(rng).0);
}

#[test]
fn sliding_window_counter_takes_anything() {
    takes_anything(
        |rng| SlidingWindowCounter::new(limit(rng), nanos(rng)),
        |rng| Counts { window: nanos(rng).0, previous: rng.any_units(), current: rng.any_units() },
    );
}

#[test]
fn sliding_window_log_takes_anything_even_out_of_order() {
    let mut rng = Rng::new(15);
    for _ in 0..CASES {
        let log = SlidingWindowLog::new(limit(&mut rng), nanos(&mut rng));
        let old = SlidingWindowLog::new(limit(&mut rng), nanos(&mut rng));
        let times: Vec<_> = (0..rng.up_to(12)).map(|_| nanos(&mut rng)).collect();
        let (times, now, cost) = (&times[..], nanos(&mut rng), rng.any_units());

        let decisions = [log.check(times, now, cost), log.peek(times, now, cost)];
        if times.is_sorted() {
            for decision in decisions {
                makes_sense(decision, now);
            }
        }
        assert!(log.expired(times, now) <= times.len());
        assert!(log.stamp(times, now) >= now);
        assert!(log.debit(times, now, cost) <= cost);
        assert!(log.refund(times, now, cost).end <= times.len());
        assert!(log.carry_over(times, now, &old) <= times.len());
        let _ = log.recovered_at(times);
    }
}

#[test]
fn the_largest_limits_that_make_sense_count_exactly() {
    let most = units(u32::MAX);
    let hundred_years = Nanos::from_secs(100 * 365 * 86_400);
    let now = Nanos(hundred_years.0 / 2);

    let counter = SlidingWindowCounter::new(most, hundred_years);
    let spent = counter.check(Counts::default(), now, u32::MAX - 1).next.unwrap();
    assert_eq!(counter.peek(spent, now, 1).remaining, 1);
    let gcra = Gcra::new(most, hundred_years);
    let spent = gcra.check(Nanos::ZERO, now, u32::MAX - 1).next.unwrap();
    assert_eq!(gcra.peek(spent, now, 1).remaining, 1);
    let window = FixedWindow::new(most, Nanos(u64::from(u32::MAX)));
    let last_full = Nanos(u64::MAX - 1);
    let spent = window.check(0, last_full, u32::MAX - 1).next.unwrap();
    assert_eq!(window.peek(spent, last_full, 1).remaining, 1);
}
