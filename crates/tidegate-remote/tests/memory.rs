//! What is known without asking, and when asking is given up.

mod common;

use std::time::{Duration, Instant};

use common::{Fake, charge, check, limit, listener, settings, unavailable, wait_until};
use tidegate_core::{Adjustment, Change, Nanos};
use tidegate_remote::{Event, Health, Remote, RemoteError, Settings};

fn remembering(fake: &Fake) -> Remote<Fake> {
    fake.remote(Settings { recheck: Duration::from_secs(60), ..settings() })
}

#[test]
fn a_denial_is_known_and_nothing_else() {
    let fake = Fake::new("known");
    let (remote, limit) = (remembering(&fake), limit("2/hour"));
    let known = || remote.known(&[charge(&limit, "ana")]).map(|decisions| decisions[0]);

    assert!(known().is_none(), "nothing was asked");
    assert_eq!(check(&remote, &limit, "ana"), Ok(true));
    assert_eq!(check(&remote, &limit, "ana"), Ok(true));
    assert!(known().is_none(), "it was admitted so far");
    assert_eq!(check(&remote, &limit, "ana"), Ok(false));

    let denial = known().expect("the server has said so");
    assert!(!denial.is_allowed() && denial.retry_after() > Some(Nanos::from_secs(1700)));
    assert!(remote.known(&[charge(&limit, "ben")]).is_none(), "of another");
    assert!(remote.known_denial(&charge(&limit, "ana")).is_some());
    assert_eq!((remote.stats().known, remote.stats().exchanges), (2, 3));
}

#[test]
fn a_denial_is_known_until_it_may_be_over() {
    let fake = Fake::new("over");
    let (remote, limit) = (remembering(&fake), limit("1/40ms"));
    assert_eq!(check(&remote, &limit, "ana"), Ok(true));
    let asked = Instant::now();
    if check(&remote, &limit, "ana") == Ok(true) {
        // Who was put aside for so long has nothing to remember.
        return;
    }
    // The wait told is at most this.
    let over = Duration::from_millis(40);
    loop {
        let known = remote.known(&[charge(&limit, "ana")]);
        let elapsed = asked.elapsed();
        if let Some(decisions) = &known {
            assert!(decisions[0].retry_after().is_some_and(|wait| Duration::from(wait) <= over));
        }
        if elapsed > over + Duration::from_millis(5) {
            let known = remote.known(&[charge(&limit, "ana")]);
            assert!(known.is_none(), "after {elapsed:?}");
            break;
        }
    }
    assert_eq!(check(&remote, &limit, "ana"), Ok(true));
}

#[test]
fn a_change_makes_a_denial_unknown() {
    let fake = Fake::new("change");
    let (remote, limit) = (remembering(&fake), limit("1/hour"));
    check(&remote, &limit, "ana").expect("a decision");
    assert_eq!(check(&remote, &limit, "ana"), Ok(false));
    assert!(remote.known(&[charge(&limit, "ana")]).is_some());

    let key = charge(&limit, "ana").key;
    let reset = Adjustment { key, limit: &limit, at: Nanos(0), change: Change::Reset };
    remote.adjust(&[reset]).expect("it is made");

    assert!(remote.known(&[charge(&limit, "ana")]).is_none());
    assert_eq!(check(&remote, &limit, "ana"), Ok(true));
}

#[test]
fn a_server_that_fails_is_left_alone_and_tried_again() {
    let fake = Fake::new("breaker");
    let (listener, heard) = listener();
    let settings = Settings { pause: Duration::from_millis(30), ..settings() };
    let (remote, limit) = (fake.remote_with(settings, listener), limit("10/hour"));
    fake.set(|server| server.breaks = vec![unavailable(); 3]);

    for _ in 0..3 {
        assert_eq!(check(&remote, &limit, "ana"), Err(unavailable()));
    }
    assert_eq!(*heard.lock().unwrap(), [Event::Down(unavailable())]);
    assert_eq!(remote.health(), Health::Down);
    wait_until("it is tried again", || match check(&remote, &limit, "ana") {
        Ok(admitted) => admitted,
        Err(error) => {
            assert_eq!(error, RemoteError::Broken { store: "breaker" });
            assert_eq!(fake.see().exchanges.len(), 3, "it was not left alone");
            false
        }
    });
    assert_eq!(*heard.lock().unwrap(), [Event::Down(unavailable()), Event::Up]);
    assert_eq!(remote.health(), Health::Up);
}

/// A link that holds, to a server that does not decide: out of memory, or a cluster without
/// those nodes that matter.
#[test]
fn errors_instead_of_all_answers_are_failures_too() {
    let fake = Fake::new("full");
    let (listener, heard) = listener();
    let (remote, limit) = (fake.remote_with(settings(), listener), limit("10/hour"));
    let full = RemoteError::ReadOnly { store: "full", reason: "OOM".to_owned() };
    fake.set(|server| server.refuses = Some(full.clone()));

    for _ in 0..3 {
        assert_eq!(check(&remote, &limit, "ana"), Err(full.clone()));
    }

    assert_eq!(*heard.lock().unwrap(), [Event::Down(full)]);
    assert_eq!(check(&remote, &limit, "ana"), Err(RemoteError::Broken { store: "full" }));
    let stats = remote.stats();
    assert_eq!((stats.failures, stats.outages, stats.decided), (3, 1, 0), "{stats:?}");
    assert_eq!(fake.see().opened_by.len(), 1, "the link was good");
}

#[test]
fn a_mistake_about_one_counter_is_no_outage() {
    let fake = Fake::new("foreign");
    let (listener, heard) = listener();
    let (remote, limit) = (fake.remote_with(settings(), listener), limit("10/hour"));
    let (name, reason) = ("x".to_owned(), "a list".to_owned());
    let foreign = RemoteError::Foreign { store: "foreign", name, reason };
    fake.set(|server| server.refuses = Some(foreign.clone()));

    for _ in 0..10 {
        assert_eq!(check(&remote, &limit, "ana"), Err(foreign.clone()));
    }

    assert!(heard.lock().unwrap().is_empty());
}
