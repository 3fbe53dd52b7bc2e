//! The times that a decision names are exact to the nanosecond, under every algorithm, in
//! and out of debt.

mod common;

use common::{Key, Rng, Shape, lived_in};
use tidegate_core::{Nanos, Verdict};

/// Denials to look at for each shape of limit.
const CASES: u32 = 300_000;

fn denied_until_exactly(key: &Key, now: Nanos, cost: u32) -> bool {
    let Verdict::Denied { retry_after } = key.peek(now, cost).verdict else {
        return false;
    };
    let due = now.saturating_add(retry_after);

    assert!(key.peek(due, cost).is_allowed(), "denied when due: {key:?} at {now:?}, {cost}");
    let early = key.peek(Nanos(due.0 - 1), cost).verdict;
    assert_eq!(early, Verdict::Denied { retry_after: Nanos(1) }, "{key:?} at {now:?}, {cost}");
    true
}

fn retry_after_is_exact(shape: Shape) {
    let mut rng = Rng::new(1);
    let mut denials = 0;
    while denials < CASES {
        let (key, now) = lived_in(shape, &mut rng);
        let capacity = key.peek(now, 0).limit;
        for cost in 0..=capacity.min(30) {
            denials += u32::from(denied_until_exactly(&key, now, cost));
        }
    }
}

#[test]
fn gcra_admits_at_retry_after_and_not_a_nanosecond_earlier() {
    retry_after_is_exact(Shape::Gcra);
}

#[test]
fn strict_gcra_admits_at_retry_after_and_not_a_nanosecond_earlier() {
    retry_after_is_exact(Shape::Strict);
}

#[test]
fn leaky_queue_admits_at_retry_after_and_not_a_nanosecond_earlier() {
    retry_after_is_exact(Shape::Queue);
}

#[test]
fn fixed_window_admits_at_retry_after_and_not_a_nanosecond_earlier() {
    retry_after_is_exact(Shape::FixedWindow);
}

#[test]
fn sliding_window_counter_admits_at_retry_after_and_not_a_nanosecond_earlier() {
    retry_after_is_exact(Shape::Counter);
}

#[test]
fn sliding_window_log_admits_at_retry_after_and_not_a_nanosecond_earlier() {
    retry_after_is_exact(Shape::Log);
}

/// Runs `assertion` on many keys of every shape.
fn for_many_keys(assertion: impl Fn(Shape, Key, Nanos)) {
    for shape in Shape::ALL {
        let mut rng = Rng::new(2);
        for _ in 0..20_000 {
            let (key, now) = lived_in(shape, &mut rng);
            assertion(shape, key, now);
        }
    }
}

#[test]
fn what_is_allowed_need_not_be_waited_for_and_what_exceeds_the_capacity_never_comes() {
    for_many_keys(|_, key, now| {
        let capacity = key.peek(now, 0).limit;
        let rested = key.unseen();

        assert!(rested.peek(now, capacity).is_allowed());
        assert_eq!(key.peek(now, capacity + 1).verdict, Verdict::Never);
        assert_eq!(key.peek(now, u32::MAX).verdict, Verdict::Never);
        assert_ne!(key.peek(now, capacity).verdict, Verdict::Never);
    });
}

#[test]
fn so_many_units_pass_one_by_one_as_remain_and_no_more() {
    for_many_keys(|_, mut key, now| {
        let remaining = key.peek(now, 1).remaining;

        for left in (0..remaining).rev() {
            let decision = key.check(now, 1);
            assert!(decision.is_allowed(), "{left} more were to pass: {key:?}");
            assert_eq!(decision.remaining, left);
        }
        assert!(!key.check(now, 1).is_allowed(), "one more than {remaining} passed: {key:?}");
    });
}

#[test]
fn a_cost_passes_exactly_when_so_much_remains_but_in_a_queue() {
    for_many_keys(|shape, key, now| {
        let decision = key.peek(now, 0);
        for cost in 1..=decision.limit.min(30) {
            let enough = match shape {
                Shape::Queue => decision.remaining > 0,
                _ => cost <= decision.remaining,
            };
            assert_eq!(key.peek(now, cost).is_allowed(), enough, "{key:?} at {now:?}, {cost}");
        }
    });
}

#[test]
fn one_more_unit_comes_at_next_unit_after_and_not_a_nanosecond_earlier() {
    for_many_keys(|_, key, now| {
        let decision = key.peek(now, 0);
        if decision.remaining == decision.limit {
            assert_eq!(decision.next_unit_after, Nanos::ZERO);
            return;
        }

        let due = now.saturating_add(decision.next_unit_after);
        assert!(due > now, "{key:?} at {now:?}");
        assert!(key.peek(due, 0).remaining > decision.remaining, "{key:?} at {now:?}");
        assert_eq!(key.peek(Nanos(due.0 - 1), 0).remaining, decision.remaining, "{key:?}");
    });
}

#[test]
fn a_key_is_as_if_never_seen_at_reset_after_and_not_a_nanosecond_earlier() {
    for_many_keys(|_, key, now| {
        let reset_after = key.peek(now, 0).reset_after;
        let (due, unseen) = (now.saturating_add(reset_after), key.unseen());

        for cost in 0..=unseen.peek(due, 0).limit.min(30) {
            let (mut seen, mut fresh) = (key.clone(), unseen.clone());
            assert_eq!(seen.check(due, cost), fresh.check(due, cost), "{key:?} at {now:?}");
            assert_eq!(seen.check(due, 1), fresh.check(due, 1), "{key:?} at {now:?}");
        }
        if reset_after > Nanos::ZERO {
            let early = Nanos(due.0 - 1);
            let (seen, fresh) = (key.peek(early, 1), unseen.peek(early, 1));
            let told_apart = seen.remaining < fresh.remaining || seen.delay > fresh.delay;
            assert!(told_apart, "{key:?} at {now:?}");
        }
    });
}

#[test]
fn a_store_may_forget_a_key_at_its_reset_and_not_before() {
    for_many_keys(|_, key, now| {
        let left = key.recovered_at().saturating_sub(now);
        assert_eq!(left, key.peek(now, 0).reset_after, "{key:?} at {now:?}");
    });
}
