//! Who has how much.

use tidegate_core::{Nanos, Verdict};

use super::scene::{Scene, at};

pub(super) fn admits_exactly_one_burst(scene: &Scene<'_>) {
    let (user, capacity) = (scene.user("ana"), scene.sort().capacity);

    for taken in 1..=capacity {
        let decision = user.check(at(0), 1);
        assert!(decision.is_allowed(), "unit {taken}: {decision:?}");
        assert_eq!((decision.limit, decision.remaining), (capacity, capacity - taken));
    }

    for _ in 0..3 {
        assert!(!user.check(at(0), 1).is_allowed(), "one more than {capacity}");
    }
}

pub(super) fn a_burst_may_come_as_one_request(scene: &Scene<'_>) {
    let (user, capacity) = (scene.user("ana"), scene.sort().capacity);

    assert!(user.check(at(0), capacity).is_allowed());
    assert!(!user.check(at(0), 1).is_allowed());
}

pub(super) fn time_zero_is_a_time_like_any_other(scene: &Scene<'_>) {
    let user = scene.user("ana");

    assert_eq!(user.admitted(Nanos::ZERO), scene.sort().capacity);
    assert_eq!(user.admitted(Nanos::from_secs(10 * scene.sort().rest)), scene.sort().capacity);
}

/// Subjects that a careless store takes for each other, or chokes on.
fn odd_subjects() -> Vec<Vec<u8>> {
    let long = |last: u8| [vec![b'x'; 4_999], vec![last]].concat();
    let short: [&[u8]; 22] = [
        b"",
        b" ",
        b"0",
        b"a",
        b"A",
        b"a ",
        b"a:b",
        b"a:",
        b"a/b",
        b"{a}",
        b"{",
        b"}",
        b"{}a",
        b"a{b}c",
        b"{b}",
        b"a\0",
        b"\0",
        b"a\r\nb",
        b"\xff\xfe",
        b"\xff",
        b"'; --",
        b"%s$1",
    ];
    let mut all: Vec<Vec<u8>> = short.iter().map(|subject| subject.to_vec()).collect();
    all.extend(["é".as_bytes().to_vec(), "e\u{301}".as_bytes().to_vec()]);
    all.extend([long(b'x'), long(b'y'), vec![b'x'; 4_999]]);
    all
}

pub(super) fn subjects_do_not_share(scene: &Scene<'_>) {
    let subjects = odd_subjects();

    for subject in &subjects {
        let admitted = scene.user(subject).admitted(at(0));
        let shown = String::from_utf8_lossy(&subject[..subject.len().min(12)]);
        assert_eq!(admitted, scene.sort().capacity, "{shown:?} of {} bytes", subject.len());
    }
    for subject in &subjects {
        assert!(!scene.user(subject).check(at(0), 1).is_allowed(), "somebody was forgotten");
    }
}

pub(super) fn rules_and_positions_do_not_share(scene: &Scene<'_>) {
    let user = scene.user("a:b");
    let mut others = vec![user.clone(); 4];
    others[0].rule.push('2');
    // Parts that run together to the same bytes.
    (others[1].rule, others[1].subject) = (format!("{}:a", scene.name), b"b".to_vec());
    others[2].position = 1;
    others[3].position = 256;

    for (index, user) in [user].iter().chain(&others).enumerate() {
        assert_eq!(user.admitted(at(0)), scene.sort().capacity, "key {index}");
    }
}

pub(super) fn a_rested_key_banks_one_burst(scene: &Scene<'_>) {
    let user = scene.user("ana");
    let capacity = scene.sort().capacity;

    for round in 0..3 {
        let now = at(round * 1_000 * scene.sort().rest);
        assert_eq!(user.admitted(now), capacity, "round {round}");
    }
    let unseen = scene.user("ben");
    let later = at(5_000 * scene.sort().rest);
    assert_eq!(user.stands(later), unseen.stands(later));
}

/// A limit of zero counts nobody: it refuses whatever costs anything, for ever.
pub(super) fn a_limit_of_zero_admits_nothing(scene: &Scene<'_>) {
    let user = scene.user("ana");
    user.refund(at(0), at(0), 3);
    user.debit(at(0), 3);

    for cost in [1, 2, u32::MAX] {
        for decision in [user.check(at(0), cost), user.peek(at(1_000_000), cost)] {
            assert_eq!((decision.verdict, decision.limit), (Verdict::Never, 0));
            assert_eq!((decision.remaining, decision.reset_after), (0, Nanos::ZERO));
        }
    }
    assert_eq!(user.check(at(0), 0).verdict, Verdict::Allowed);
}
