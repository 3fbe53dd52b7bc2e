//! Several charges on one request: all of them are taken, or none.

use tidegate_core::{Charge, Decision, Verdict};

use super::scene::{Scene, User, at};

fn charges<'a>(users: &'a [User<'_>], costs: &[u32]) -> Vec<Charge<'a>> {
    users.iter().zip(costs).map(|(user, &cost)| user.charge(at(1), cost)).collect()
}

fn stand(users: &[User<'_>]) -> Vec<Vec<Decision>> {
    users.iter().map(|user| user.stands(at(1))).collect()
}

pub(super) fn all_pay_when_all_pass(scene: &Scene<'_>) {
    let (together, alone) = (scene.everywhere("ana"), scene.everywhere("ben"));
    let costs: Vec<u32> = (0..together.len()).map(|index| [1, 2, 0][index % 3]).collect();

    let decisions = scene.subject.check(&charges(&together, &costs));

    let apart = alone.iter().zip(&costs).map(|(user, &cost)| user.check(at(1), cost));
    assert_eq!(decisions, apart.collect::<Vec<_>>());
    assert_eq!(stand(&together), stand(&alone));
}

pub(super) fn nobody_pays_when_one_refuses(scene: &Scene<'_>) {
    for refusing in 0..scene.limits.len() {
        let users = scene.everywhere(&format!("ana {refusing}"));
        for user in &users {
            user.spend(at(0), 1);
        }
        users[refusing].spend(at(0), scene.sorts[refusing].capacity - 1);
        let (before, costs) = (stand(&users), vec![1; users.len()]);

        for _ in 0..3 {
            let decisions = scene.subject.check(&charges(&users, &costs));

            assert_eq!(decisions, scene.subject.peek(&charges(&users, &costs)));
            let refused = |decision: &Decision| !decision.is_allowed();
            assert_eq!(decisions.iter().position(refused), Some(refusing));
            assert_eq!(decisions.iter().filter(|decision| refused(decision)).count(), 1);
            assert_eq!(stand(&users), before, "limit {refusing} refused, and somebody paid");
        }
    }
}

pub(super) fn every_refusal_is_reported(scene: &Scene<'_>) {
    let users = scene.everywhere("ana");
    for (user, sort) in users.iter().zip(scene.sorts) {
        user.spend(at(0), sort.capacity);
    }
    let costs: Vec<u32> = scene.sorts.iter().map(|sort| 1 + sort.capacity % 2).collect();

    let decisions = scene.subject.check(&charges(&users, &costs));

    let alone = users.iter().zip(&costs).map(|(user, &cost)| user.peek(at(1), cost));
    assert_eq!(decisions, alone.collect::<Vec<_>>());
    assert!(decisions.iter().all(|decision| decision.retry_after().is_some()), "{decisions:?}");
}

pub(super) fn a_cost_that_never_passes_stops_the_others(scene: &Scene<'_>) {
    let users = scene.everywhere("ana");
    let before = stand(&users);
    for (index, sort) in scene.sorts.iter().enumerate() {
        let mut costs = vec![1; users.len()];
        costs[index] = sort.capacity + 1;

        let decisions = scene.subject.check(&charges(&users, &costs));

        assert_eq!(decisions[index].verdict, Verdict::Never);
        assert_eq!(stand(&users), before);
    }
}

pub(super) fn together_admit_what_the_smallest_admits(scene: &Scene<'_>) {
    let users = scene.everywhere("ana");
    let costs = vec![1; users.len()];
    let smallest = scene.sorts.iter().map(|sort| sort.capacity).min().expect("some limits");

    let passes = |_: &u32| {
        let decisions = scene.subject.check(&charges(&users, &costs));
        decisions.iter().all(Decision::is_allowed)
    };
    let admitted = (0..20).take_while(passes).count();

    assert_eq!(admitted, smallest as usize);
    for (user, sort) in users.iter().zip(scene.sorts) {
        assert_eq!(user.admitted(at(1)), sort.capacity - smallest, "{}", sort.text);
    }
}

pub(super) fn the_same_subject_under_two_limits_has_two_counts(scene: &Scene<'_>) {
    let users = scene.everywhere("ana");
    for (user, sort) in users.iter().zip(scene.sorts) {
        assert_eq!(user.admitted(at(1)), sort.capacity, "{}", sort.text);
    }
}

/// The same position too, so that only the layout of the state tells the keys apart.
pub(super) fn one_algorithm_never_reads_anothers_state(scene: &Scene<'_>) {
    let mut users = scene.everywhere("ana");
    for user in &mut users {
        user.position = 7;
    }
    for (user, sort) in users.iter().zip(scene.sorts) {
        assert_eq!(user.admitted(at(1)), sort.capacity, "{}", sort.text);
    }
}

pub(super) fn a_request_without_charges_has_no_decisions(scene: &Scene<'_>) {
    assert_eq!(scene.subject.check(&[]), []);
    assert_eq!(scene.subject.peek(&[]), []);
    assert_eq!(scene.subject.check_each(&[]), []);
    scene.subject.adjust(&[]);
}
