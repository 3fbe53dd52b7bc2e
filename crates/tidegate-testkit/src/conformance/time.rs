//! When: every wait that is told is exact, and no clock that goes wrong admits more.

use tidegate_core::Nanos;

use super::scene::{START, STEP, Scene, at, retry_after};

/// One step before `after` has passed, and then.
fn around(now: Nanos, after: Nanos) -> (Nanos, Nanos) {
    let then = now.saturating_add(after);
    (then.saturating_sub(STEP), then)
}

pub(super) fn retry_after_is_exact(scene: &Scene<'_>) {
    let capacity = scene.sort().capacity;
    for cost in 1..=capacity {
        let user = scene.user(format!("user {cost}"));
        user.spend(at(7), capacity);

        let denied = user.check(at(9), cost);
        let (before, then) = around(at(9), retry_after(denied));

        assert_eq!(retry_after(user.peek(at(9), cost)), retry_after(denied));
        assert_eq!(retry_after(user.check(before, cost)), STEP, "cost {cost}");
        assert!(user.peek(then, cost).is_allowed(), "cost {cost}, not in time: {denied:?}");
        assert!(user.check(then, cost).is_allowed(), "cost {cost}, not in time: {denied:?}");
    }
}

pub(super) fn remaining_is_exact(scene: &Scene<'_>) {
    let capacity = scene.sort().capacity;
    for spent in 0..=capacity {
        for seconds in [3, 8, 15, 31] {
            let user = scene.user(format!("{spent} spent, {seconds} s"));
            user.spend(at(3), spent);

            let remaining = user.peek(at(seconds), 1).remaining;

            assert_eq!(user.admitted(at(seconds)), remaining, "{spent} spent, {seconds} s");
        }
    }
}

pub(super) fn next_unit_after_is_exact(scene: &Scene<'_>) {
    let capacity = scene.sort().capacity;
    for spent in 1..=capacity {
        let user = scene.user(format!("{spent} spent"));
        user.spend(at(1), spent);

        let now = user.peek(at(4), 1);
        let (before, then) = around(at(4), now.next_unit_after);

        assert_eq!(user.peek(before, 1).remaining, now.remaining, "{spent} spent: {now:?}");
        assert!(user.peek(then, 1).remaining > now.remaining, "{spent} spent: {now:?}");
    }
    assert_eq!(scene.user("unseen").peek(at(4), 1).next_unit_after, Nanos::ZERO);
}

pub(super) fn reset_after_is_exact(scene: &Scene<'_>) {
    let unseen = scene.user("unseen");
    for spent in 1..=scene.sort().capacity {
        let user = scene.user(format!("{spent} spent"));
        user.spend(at(1), spent);

        let (before, then) = around(at(4), user.peek(at(4), 1).reset_after);

        assert_ne!(user.stands(before), unseen.stands(before), "{spent} spent: too late");
        assert_eq!(user.stands(then), unseen.stands(then), "{spent} spent: too early");
    }
    assert_eq!(unseen.peek(at(4), 1).reset_after, Nanos::ZERO);
}

pub(super) fn time_running_backwards_gives_nothing(scene: &Scene<'_>) {
    let user = scene.user("ana");
    let late = 10 * scene.sort().rest;
    user.spend(at(late), scene.sort().capacity);
    let stands = user.stands(at(late));

    for back in [1, 13, 61, scene.sort().rest, late] {
        let now = at(late - back);
        assert!(!user.check(now, 1).is_allowed(), "{back} s back");
        assert!(!user.check(now, scene.sort().capacity).is_allowed(), "{back} s back");
    }
    assert!(!user.check(Nanos::ZERO, 1).is_allowed(), "back at the epoch");

    assert_eq!(user.stands(at(late)), stands, "a denial in the past left something behind");
}

/// An emission interval that is no whole number of microseconds: a seventh of a second.
pub(super) fn odd_intervals_are_never_fast(scene: &Scene<'_>) {
    const SEVENTH: u64 = 142_857_143;
    let (user, tolerance) = (scene.user("ana"), scene.subject.resolution().0 - 1);

    assert_eq!(user.admitted(at(0)), 7);
    let first = retry_after(user.check(at(0), 1)).0;
    assert!((SEVENTH..=SEVENTH + tolerance).contains(&first), "{first} ns");
    let last = retry_after(user.check(at(0), 7)).0;
    assert!((7 * SEVENTH..=7 * (SEVENTH + tolerance)).contains(&last), "{last} ns");

    assert!(!user.check(Nanos(START.0 + SEVENTH - 1), 1).is_allowed());
    assert!(user.check(Nanos(START.0 + SEVENTH + tolerance), 1).is_allowed());
    assert!(!user.check(Nanos(START.0 + 2 * SEVENTH - 1), 1).is_allowed());
    assert!(user.check(Nanos(START.0 + 2 * (SEVENTH + tolerance)), 1).is_allowed());
}
