//! The thread that asks for those who do not wait.

mod common;

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use common::{Fake, LATE, charge, limit, settings, wait_until};
use tidegate_core::Limit;
use tidegate_remote::{Outcome, Remote, RemoteError, Settings};

/// Leaves a question, whose outcome comes out of the other end.
fn start(remote: &Remote<Fake>, limit: &Limit, subject: &str) -> mpsc::Receiver<Outcome> {
    let (sender, receiver) = mpsc::channel();
    let done = Box::new(move |outcome| sender.send(outcome).expect("the test waits for it"));
    remote.start(&[charge(limit, subject)], 1, done);
    receiver
}

fn admitted(receiver: &mpsc::Receiver<Outcome>) -> bool {
    let outcome = receiver.recv_timeout(Duration::from_secs(20)).expect("an outcome");
    outcome.expect("a decision").requests[0][0].is_allowed()
}

#[test]
fn every_outcome_is_delivered_and_what_comes_meanwhile_goes_together() {
    let fake = Fake::new("deliver");
    let (remote, limit) = (fake.remote(settings()), limit("10/hour"));
    fake.set(|server| server.stands_still = true);
    let first = start(&remote, &limit, "first");
    wait_until("the first is on its way", || fake.see().busy == 1);
    let others: Vec<_> =
        (0..30).map(|index| start(&remote, &limit, &format!("user {}", index % 2))).collect();
    fake.set(|server| server.stands_still = false);

    assert!(admitted(&first));
    assert_eq!(others.iter().filter(|other| admitted(other)).count(), 20);
    let server = fake.see();
    assert_eq!(server.exchanges, [1, 2], "two keys, one trip");
    assert_eq!(server.opened_by.len(), 1);
}

#[test]
fn a_question_too_many_is_refused_here_and_now() {
    let fake = Fake::new("refuse");
    let (remote, limit) = (fake.remote(Settings { queue: 2, ..settings() }), limit("10/hour"));
    fake.set(|server| server.stands_still = true);
    let first = start(&remote, &limit, "first");
    wait_until("the first is on its way", || fake.see().busy == 1);
    let waiting = [start(&remote, &limit, "a"), start(&remote, &limit, "b")];

    let third = start(&remote, &limit, "c").try_recv().expect("nothing to wait for");
    fake.set(|server| server.stands_still = false);

    assert_eq!(third, Err(RemoteError::Busy { store: "refuse", waiting: 2 }));
    assert!(admitted(&first) && waiting.iter().all(admitted));
}

#[test]
fn what_waited_too_long_is_not_asked_any_more() {
    let fake = Fake::new("late");
    let timeout = Duration::from_millis(40);
    let (remote, limit) = (fake.remote(Settings { timeout, ..settings() }), limit("10/hour"));
    fake.set(|server| server.stands_still = true);
    let first = start(&remote, &limit, "first");
    wait_until("the first is on its way", || fake.see().busy == 1);
    let late = start(&remote, &limit, "late");
    let over = Instant::now() + timeout;
    wait_until("its time is over", || Instant::now() > over);
    fake.set(|server| server.stands_still = false);

    assert!(admitted(&first), "what was decided is told");
    let outcome = late.recv_timeout(LATE).expect("an outcome");
    assert_eq!(outcome, Err(RemoteError::Timeout { store: "late", after: timeout }));
    assert_eq!(fake.see().exchanges, [1]);
}

#[test]
fn closing_ends_the_thread_and_the_next_question_begins_another() {
    let fake = Fake::new("close");
    let (remote, limit) = (fake.remote(settings()), limit("10/hour"));
    assert_eq!(fake.threads(), 0, "before the first question");

    assert!(admitted(&start(&remote, &limit, "ana")));
    assert_eq!(fake.threads(), 1);
    remote.close();
    // The system may list a thread for a moment after it was joined.
    wait_until("no thread is left", || fake.threads() == 0);
    assert_eq!(fake.see().open, 0);

    assert!(admitted(&start(&remote, &limit, "ana")));
    assert_eq!((fake.threads(), fake.see().open), (1, 1));
    drop(remote);
    // The system may list a thread for a moment after it was joined.
    wait_until("no thread is left", || fake.threads() == 0);
    assert_eq!(fake.see().open, 0);
}

#[test]
fn what_was_left_is_decided_before_the_thread_ends() {
    let fake = Fake::new("left");
    let (remote, limit) = (fake.remote(settings()), limit("10/hour"));
    fake.set(|server| server.stands_still = true);
    let first = start(&remote, &limit, "first");
    wait_until("the first is on its way", || fake.see().busy == 1);
    let second = start(&remote, &limit, "second");
    thread::scope(|scope| {
        let closing = scope.spawn(|| remote.close());
        fake.set(|server| server.stands_still = false);
        closing.join().expect("closes");
    });

    assert!(admitted(&first) && admitted(&second));
    assert_eq!(fake.threads(), 0);
}

#[test]
fn a_thousand_lives_leave_nothing_behind() {
    let (fake, limit) = (Fake::new("cycle"), limit("1000000/hour"));
    for turn in 0..1000 {
        let remote = fake.remote(settings());
        assert!(admitted(&start(&remote, &limit, "ana")));
        remote.check(&[charge(&limit, "ana")], 1).expect("a decision");
        if turn % 2 == 0 {
            remote.close();
        }
    }
    // The system may list a thread for a moment after it was joined.
    wait_until("no thread is left", || fake.threads() == 0);
    assert_eq!(fake.see().open, 0);
}
