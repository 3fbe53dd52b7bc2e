//! A sliding window log as the list of what is in flight: an entry is made at the beginning, and
//! given back at the end.

use tidegate_core::Nanos;

use super::{
    random::Random,
    scene::{Scene, User, at},
};

pub(super) fn a_charge_in_the_midst_can_be_given_back(scene: &Scene<'_>) {
    for given_back in 0..4 {
        let user = scene.user(format!("{given_back} given back"));
        let twin = scene.user(format!("{given_back} never taken"));
        for second in 0..4 {
            user.spend(at(10 * second), 1);
            if second != given_back {
                twin.spend(at(10 * second), 1);
            }
        }

        user.refund(at(40), at(10 * given_back), 1);

        for second in [40, 59, 60, 69, 70, 80, 90, 100] {
            let (user, twin) = (user.stands(at(second)), twin.stands(at(second)));
            assert_eq!(user, twin, "{given_back} given back, after {second} s");
        }
    }
}

/// The time to name when what `user` was just admitted at `now` is given back: that of the
/// newest entry, which is over last.
fn begin(user: &User<'_>, now: Nanos) -> Option<Nanos> {
    let decision = user.check(now, 1);
    let over = now.saturating_add(decision.reset_after);
    decision.is_allowed().then(|| over.saturating_sub(user.limit.spec().window()))
}

/// Entries end in any order, and the clock goes back now and then.
pub(super) fn what_begins_and_ends_is_counted_exactly(scene: &Scene<'_>) {
    let capacity = scene.sort().capacity as usize;
    for seed in 0..20 {
        let user = scene.user(format!("{seed}"));
        let (mut random, mut flying) = (Random::new(seed), Vec::new());
        for turn in 0..200_u32 {
            // All within one window, so that nothing is over by itself.
            let now = at(u64::from(turn / 5))
                .saturating_add(Nanos(1_000 * u64::from(random.up_to(3_000_000))));
            if flying.is_empty() || random.one_in(2) {
                let began = begin(&user, now);
                assert_eq!(began.is_some(), flying.len() < capacity, "seed {seed}, turn {turn}");
                flying.extend(began);
            } else {
                let charged_at = flying.swap_remove(random.index(flying.len()));
                user.refund(now, charged_at, 1);
            }
        }
        for charged_at in flying.drain(..) {
            user.refund(at(50), charged_at, 1);
        }
        assert_eq!(user.admitted(at(50)), scene.sort().capacity, "seed {seed}");
    }
}

pub(super) fn what_never_ends_is_over_after_one_window(scene: &Scene<'_>) {
    let (user, capacity) = (scene.user("ana"), scene.sort().capacity);
    let lost = begin(&user, at(0)).expect("nothing is in flight");
    user.spend(at(30), capacity - 1);
    assert_eq!(user.admitted(at(59)), 0);

    assert_eq!(user.admitted(at(60)), 1);
    user.refund(at(61), lost, 1);

    assert_eq!(user.admitted(at(62)), 0, "its late end gives back no other's entry");
}
