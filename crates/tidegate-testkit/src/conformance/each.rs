//! Many requests in one call: as if they had come one after the other.

use super::scene::{Scene, User, at};

pub(super) fn many_requests_of_one_key_come_one_after_the_other(scene: &Scene<'_>) {
    let (user, twin) = (scene.user("ana"), scene.user("ben"));
    let costs: Vec<u32> = (0..100).map(|turn| [1, 1, 3, 0, 1, 1_000][turn % 6]).collect();
    let charges: Vec<_> = costs.iter().map(|&cost| user.charge(at(0), cost)).collect();

    let decisions = scene.subject.check_each(&charges);

    let one_by_one: Vec<_> = costs.iter().map(|&cost| twin.check(at(0), cost)).collect();
    assert_eq!(decisions, one_by_one);
    assert_eq!(user.stands(at(3)), twin.stands(at(3)));
}

pub(super) fn many_keys_are_each_their_own(scene: &Scene<'_>) {
    let users = |who: &str| -> Vec<User<'_>> {
        (0..40).map(|index| scene.user(format!("{who} {index}"))).collect()
    };
    let (users, twins) = (users("ana"), users("ben"));
    // Every key several times, at times that go forward.
    let turns: Vec<(usize, _)> =
        (0..20).flat_map(|second| (0..30).map(move |turn| (turn * 7 % 40, at(second)))).collect();
    let charges: Vec<_> = turns.iter().map(|&(who, now)| users[who].charge(now, 1)).collect();

    let decisions = scene.subject.check_each(&charges);

    let one_by_one = turns.iter().map(|&(who, now)| twins[who].check(now, 1));
    assert_eq!(decisions, one_by_one.collect::<Vec<_>>());
    assert!(decisions.iter().any(|decision| !decision.is_allowed()), "nobody met the limit");
}

pub(super) fn limits_may_be_mixed(scene: &Scene<'_>) {
    let (users, twins) = (scene.everywhere("ana"), scene.everywhere("ben"));
    let turns: Vec<_> =
        (0..90).map(|turn| (turn % users.len(), 1 + u32::from(turn % 5 == 0))).collect();
    let charges: Vec<_> = turns.iter().map(|&(who, cost)| users[who].charge(at(2), cost)).collect();

    let decisions = scene.subject.check_each(&charges);

    let one_by_one = turns.iter().map(|&(who, cost)| twins[who].check(at(2), cost));
    assert_eq!(decisions, one_by_one.collect::<Vec<_>>());
}

pub(super) fn verdicts_alone_take_the_same(scene: &Scene<'_>) {
    let (user, twin) = (scene.user("ana"), scene.user("ben"));
    let costs: Vec<u32> = (0..60).map(|turn| [1, 0, 2, 1_000, 1][turn % 5]).collect();

    for (second, &cost) in (0..).zip(&costs) {
        let verdict = scene.subject.verdict(&user.charge(at(second), cost));
        assert_eq!(verdict, twin.check(at(second), cost).verdict, "second {second}");
    }
    let charges: Vec<_> = costs.iter().map(|&cost| user.charge(at(90), cost)).collect();
    let one_by_one = costs.iter().map(|&cost| twin.check(at(90), cost).verdict);
    assert_eq!(scene.subject.verdict_each(&charges), one_by_one.collect::<Vec<_>>());
    assert_eq!(user.stands(at(91)), twin.stands(at(91)));
}
