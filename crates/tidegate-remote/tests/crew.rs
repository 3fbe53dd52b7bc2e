//! Threads that wait, and ask for each other.

mod common;

use std::{
    thread,
    time::{Duration, Instant},
};

use common::{Fake, LATE, check, limit, settings, unavailable, wait_for_questions, wait_until};
use tidegate_remote::{Backend, Remote, RemoteError, Settings};

/// One link, so that whoever comes while it is in use has to wait.
fn one_link() -> Settings {
    Settings { pool: 1, ..settings() }
}

/// Lets `count` threads ask about the key that `subject` gives each, while the first of all is
/// on its way; `then` happens when they all have asked.
fn behind_another<B: Backend>(
    fake: &Fake,
    remote: &Remote<B>,
    count: usize,
    subject: impl Fn(usize) -> String + Sync,
    then: impl FnOnce(),
) -> Vec<Result<bool, RemoteError>> {
    let limit = limit("10/hour");
    fake.set(|server| server.stands_still = true);
    let (limit, subject) = (&limit, &subject);
    thread::scope(|scope| {
        let first = scope.spawn(move || check(remote, limit, "first"));
        wait_until("the first is on its way", || fake.see().busy == 1);
        let others: Vec<_> = (0..count)
            .map(|index| scope.spawn(move || check(remote, limit, &subject(index))))
            .collect();
        wait_for_questions(fake, 1 + count);
        then();
        fake.set(|server| server.stands_still = false);
        [first]
            .into_iter()
            .chain(others)
            .map(|thread| thread.join().expect("no thread panics"))
            .collect()
    })
}

#[test]
fn requests_of_one_key_share_a_question_and_get_exactly_what_there_is() {
    let fake = Fake::new("coalesce");
    let remote = fake.remote(one_link());

    let answers = behind_another(&fake, &remote, 40, |_| "ana".to_owned(), || ());

    let admitted = answers[1..].iter().filter(|answer| **answer == Ok(true)).count();
    assert_eq!(admitted, 10);
    assert!(answers.iter().all(Result::is_ok));
    let (stats, exchanges) = (remote.stats(), fake.see().exchanges.clone());
    assert!(exchanges.len() <= 4, "{exchanges:?}");
    assert!(exchanges.iter().all(|&asks| asks == 1), "one key, one ask: {exchanges:?}");
    assert_eq!(stats.coalesced + stats.exchanges, 41, "{stats:?}");
}

#[test]
fn a_batch_forms_while_links_are_in_use() {
    let fake = Fake::new("batch");
    let remote = fake.remote(one_link());

    let answers = behind_another(&fake, &remote, 40, |index| format!("user {index}"), || ());

    assert!(answers.iter().all(|answer| *answer == Ok(true)), "{answers:?}");
    let exchanges = fake.see().exchanges.clone();
    assert_eq!(exchanges.iter().sum::<usize>(), 41, "different keys, different asks");
    assert!(exchanges.len() <= 4 && exchanges[0] == 1, "{exchanges:?}");
}

#[test]
fn no_more_links_are_in_use_than_the_pool_has() {
    let fake = Fake::new("pool");
    let remote = fake.remote(Settings { pool: 3, ..settings() });
    let limit = limit("1000000/hour");
    fake.set(|server| server.stands_still = true);
    thread::scope(|scope| {
        for index in 0..12 {
            let (remote, limit) = (&remote, &limit);
            scope.spawn(move || {
                for turn in 0..50 {
                    assert_eq!(check(remote, limit, &format!("{index} {turn}")), Ok(true));
                }
            });
        }
        wait_until("all links are in use", || fake.see().busy == 3);
        wait_for_questions(&fake, 12);
        fake.set(|server| server.stands_still = false);
    });
    let server = fake.see();
    assert_eq!((server.most_busy, server.most_open), (3, 3));
    assert_eq!(server.opened_by.len(), 3, "links are kept");
}

#[test]
fn one_more_than_may_wait_is_told_so_at_once() {
    let fake = Fake::new("queue");
    let remote = fake.remote(Settings { queue: 5, ..one_link() });

    let answers = behind_another(&fake, &remote, 9, |index| format!("user {index}"), || ());

    let busy = RemoteError::Busy { store: "queue", waiting: 5 };
    assert_eq!(answers.iter().filter(|answer| **answer == Err(busy.clone())).count(), 4);
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(true)).count(), 6);
}

#[test]
fn who_waits_behind_one_that_hangs_leaves_in_time() {
    let fake = Fake::new("hang");
    let timeout = Duration::from_millis(60);
    let remote = fake.remote(Settings { timeout, ..one_link() });
    let limit = limit("10/hour");
    fake.set(|server| server.stands_still = true);
    thread::scope(|scope| {
        scope.spawn(|| check(&remote, &limit, "first"));
        wait_until("the first is on its way", || fake.see().busy == 1);

        let begun = Instant::now();
        let answer = check(&remote, &limit, "second");
        let took = begun.elapsed();
        fake.set(|server| server.stands_still = false);

        assert_eq!(answer, Err(RemoteError::Timeout { store: "hang", after: timeout }));
        assert!(took >= timeout && took < timeout + LATE, "{took:?}");
    });
    // What was left behind is not asked any more, and the link is free again.
    assert_eq!(check(&remote, &limit, "third"), Ok(true));
    assert_eq!(fake.see().exchanges, [1, 1]);
}

#[test]
fn one_who_fails_lets_the_next_go() {
    let fake = Fake::new("pass-on");
    let remote = fake.remote(one_link());

    let fails = || fake.set(|server| server.breaks.push(unavailable()));
    let answers = behind_another(&fake, &remote, 8, |index| format!("user {index}"), fails);

    assert_eq!(answers[0], Err(unavailable()));
    assert!(answers[1..].iter().all(|answer| *answer == Ok(true)), "{answers:?}");
    assert_eq!(fake.see().opened_by.len(), 2, "the link that failed is not used again");
}
