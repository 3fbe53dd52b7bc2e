//! Changes that are not requests, as properties of every limit; `adjusted` has the numbers.

use tidegate_core::{Change, Nanos};

use super::{
    cost::stay_alike,
    scene::{Scene, at},
};

pub(super) fn a_refund_gives_back_what_was_taken(scene: &Scene<'_>) {
    let capacity = scene.sort().capacity;
    for refunded in 1..=capacity {
        let user = scene.user(format!("{refunded} given back"));
        let twin = scene.user(format!("{refunded} never taken"));
        // A queue takes its last charge back only, and only as a whole.
        user.spend(at(0), capacity - refunded);
        twin.spend(at(0), capacity - refunded);
        let charged_at = at(0).saturating_add(user.check(at(0), refunded).delay);

        user.refund(at(2), charged_at, refunded);

        assert_eq!(user.stands(at(2)), twin.stands(at(2)), "{refunded} given back");
        stay_alike(scene, &user, &twin);
    }
}

pub(super) fn a_part_of_a_charge_can_be_given_back(scene: &Scene<'_>) {
    let (user, capacity) = (scene.user("ana"), scene.sort().capacity);
    user.spend(at(0), capacity);

    user.refund(at(0), at(0), 1);

    let expected = u32::from(scene.sort().gives_back);
    assert_eq!(user.peek(at(0), 1).remaining, expected);
    assert_eq!(user.admitted(at(0)), expected);
}

pub(super) fn a_refund_never_makes_a_key_fuller_than_a_rested_one(scene: &Scene<'_>) {
    let (user, unseen) = (scene.user("ana"), scene.user("ben"));
    user.spend(at(0), 1);

    for cost in [1, 1, 3, 1_000, u32::MAX] {
        user.refund(at(1), at(0), cost);
    }

    assert_eq!(user.stands(at(1)), unseen.stands(at(1)));
    assert_eq!(user.admitted(at(1)), scene.sort().capacity);
}

pub(super) fn a_refund_to_a_rested_key_is_lost(scene: &Scene<'_>) {
    let (user, late) = (scene.user("ana"), 10 * scene.sort().rest);
    user.spend(at(0), scene.sort().capacity);

    user.refund(at(late), at(0), scene.sort().capacity);

    assert_eq!(user.admitted(at(late)), scene.sort().capacity);
    let never_seen = scene.user("ben");
    never_seen.refund(at(late), at(0), 3);
    assert_eq!(never_seen.admitted(at(late)), scene.sort().capacity);
}

pub(super) fn a_debit_takes_what_is_not_there(scene: &Scene<'_>) {
    let (user, twin) = (scene.user("ana"), scene.user("ben"));
    let capacity = scene.sort().capacity;

    user.debit(at(0), 2);
    twin.spend(at(0), 2);
    assert_eq!(user.stands(at(0)), twin.stands(at(0)), "a debit weighs what a request does");

    user.debit(at(0), 2 * capacity);
    let decision = user.peek(at(0), 1);
    assert!(!decision.is_allowed() && decision.remaining == 0, "{decision:?}");
}

pub(super) fn debt_is_bounded(scene: &Scene<'_>) {
    let (user, unseen) = (scene.user("ana"), scene.user("ben"));
    // One fill, or window, beyond an empty key.
    let bound = Nanos::from_secs(2 * scene.sort().rest);

    for cost in [1_000, u32::MAX, u32::MAX, 1] {
        user.debit(at(0), cost);
        for decision in user.stands(at(0)).into_iter().take(scene.sort().capacity as usize + 1) {
            assert!(!decision.is_allowed(), "a key in debt pays for nothing: {decision:?}");
            assert!(decision.retry_after() <= Some(bound), "{decision:?}");
            assert!(decision.reset_after <= bound, "{decision:?}");
        }
    }

    let over = at(0).saturating_add(bound);
    assert_eq!(user.stands(over), unseen.stands(over));
}

pub(super) fn settling_leaves_the_actual_cost(scene: &Scene<'_>) {
    let capacity = scene.sort().capacity;
    for reserved in 0..=capacity {
        for actual in 0..=capacity + 2 {
            let user = scene.user(format!("{reserved} for {actual}"));
            let twin = scene.user(format!("{actual} at once"));
            let charged_at = at(0).saturating_add(user.check(at(0), reserved).delay);
            twin.adjust(at(0), Change::Reset);
            twin.debit(at(0), actual);

            user.adjust(at(0), Change::Settle { reserved, charged_at, actual });

            let (user, twin) = (user.stands(at(0)), twin.stands(at(0)));
            assert_eq!(user, twin, "{reserved} reserved for {actual}");
        }
    }
}

pub(super) fn a_reset_forgets(scene: &Scene<'_>) {
    let (user, unseen) = (scene.user("ana"), scene.user("ben"));
    let other = scene.user("cem");
    other.spend(at(0), 1);
    let stands = other.stands(at(0));

    user.adjust(at(0), Change::Reset);
    for debt in [0, 1_000] {
        user.spend(at(0), scene.sort().capacity);
        user.debit(at(0), debt);
        user.adjust(at(0), Change::Reset);
        assert_eq!(user.stands(at(0)), unseen.stands(at(0)));
    }

    assert_eq!(user.admitted(at(0)), scene.sort().capacity);
    assert_eq!(other.stands(at(0)), stands, "somebody else was forgotten");
}

pub(super) fn several_adjustments_come_one_after_the_other(scene: &Scene<'_>) {
    let (user, other) = (scene.user("ana"), scene.user("ben"));
    let adjustments = [
        (&user, Change::Debit { cost: 1_000 }),
        (&other, Change::Debit { cost: 1 }),
        (&user, Change::Reset),
        (&user, Change::Debit { cost: 1 }),
        (&other, Change::Reset),
    ];

    scene.subject.adjust(&adjustments.map(|(user, change)| user.adjustment(at(0), change)));

    assert_eq!(user.peek(at(0), 1).remaining, scene.sort().capacity - 1);
    assert_eq!(other.peek(at(0), 1).remaining, scene.sort().capacity);
}
