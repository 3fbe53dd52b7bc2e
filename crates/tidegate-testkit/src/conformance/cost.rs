//! What a request pays: its cost when it is admitted, and otherwise nothing.

use tidegate_core::Verdict;

use super::scene::{Scene, User, at};

pub(super) fn a_cost_above_capacity_never_passes(scene: &Scene<'_>) {
    let (user, capacity) = (scene.user("ana"), scene.sort().capacity);

    for seconds in [0, 5, 1_000_000] {
        for cost in [capacity + 1, 2 * capacity, 1 << 31, u32::MAX] {
            assert_eq!(user.check(at(seconds), cost).verdict, Verdict::Never, "cost {cost}");
            assert_eq!(user.peek(at(seconds), cost).verdict, Verdict::Never, "cost {cost}");
        }
        assert_eq!(user.peek(at(seconds), 1).remaining, capacity, "it was charged");
    }
    user.spend(at(1_000_000), capacity);
    assert_eq!(user.check(at(1_000_000), capacity + 1).verdict, Verdict::Never);
}

pub(super) fn a_cost_of_zero_takes_nothing(scene: &Scene<'_>) {
    let (user, unseen) = (scene.user("ana"), scene.user("ben"));

    assert!(user.check(at(0), 0).is_allowed());
    assert_eq!(user.stands(at(0)), unseen.stands(at(0)));
    user.spend(at(1), scene.sort().capacity);
    let stands = user.stands(at(2));
    for _ in 0..10 {
        assert!(user.check(at(2), 0).is_allowed(), "only debt refuses a request for nothing");
    }
    assert_eq!(user.stands(at(2)), stands);
}

pub(super) fn a_denial_is_free(scene: &Scene<'_>) {
    let (user, twin) = (scene.user("ana"), scene.user("ben"));
    let capacity = scene.sort().capacity;
    user.spend(at(0), capacity);
    twin.spend(at(0), capacity);

    for round in 0..20 {
        for cost in [1, capacity, capacity + 1] {
            assert!(!user.check(at(1 + round / 7), cost).is_allowed());
        }
        assert_eq!(user.stands(at(4)), twin.stands(at(4)), "round {round}");
    }
    stay_alike(scene, &user, &twin);
}

pub(super) fn a_peek_takes_nothing(scene: &Scene<'_>) {
    let (user, twin) = (scene.user("ana"), scene.user("ben"));
    user.spend(at(0), 1);
    twin.spend(at(0), 1);

    for cost in (0..=scene.sort().capacity + 1).chain([1; 20]) {
        user.peek(at(2), cost);
        user.peek(at(scene.sort().rest * 3), cost);
    }
    stay_alike(scene, &user, &twin);
}

pub(super) fn a_peek_decides_as_the_check_does(scene: &Scene<'_>) {
    let user = scene.user("ana");
    let capacity = scene.sort().capacity;
    for turn in 0..60_u32 {
        let (now, cost) = (at(u64::from(turn) * 7), turn % (capacity + 2));

        let (peeked, checked) = (user.peek(now, cost), user.check(now, cost));

        assert_eq!(peeked.verdict, checked.verdict, "turn {turn}, cost {cost}");
        assert_eq!(peeked.delay, checked.delay, "turn {turn}, cost {cost}");
        if !checked.is_allowed() {
            assert_eq!(peeked, checked, "turn {turn}: a refusal changed something");
        }
    }
}

/// The same requests to both, for some time, must have the same answers.
pub(super) fn stay_alike(scene: &Scene<'_>, user: &User<'_>, twin: &User<'_>) {
    let (rest, capacity) = (scene.sort().rest, scene.sort().capacity);
    for turn in 0..24_u32 {
        let now = at(5 + u64::from(turn) * rest / 7);
        let cost = 1 + turn % capacity;
        assert_eq!(user.check(now, cost), twin.check(now, cost), "turn {turn}, cost {cost}");
    }
}
