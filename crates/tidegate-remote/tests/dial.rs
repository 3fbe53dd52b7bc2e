//! Connecting takes nobody longer than his deadline, and what comes too late is of use to others.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::{sync::mpsc, time::Duration};

use common::{Fake, charge, check, limit, settings, wait_until};
use tidegate_remote::{Health, RemoteError, Settings};

const TIMEOUT: Duration = Duration::from_millis(30);

fn impatient() -> Settings {
    Settings { timeout: TIMEOUT, failures: 1000, ..settings() }
}

#[test]
fn who_waits_for_a_connection_that_hangs_is_told_in_time() {
    let fake = Fake::new("fake");
    fake.set(|server| server.hangs = true);
    let (remote, limit) = (fake.remote(impatient()), limit("5/hour"));

    let waits = check(&remote, &limit, "ana");
    let (sender, receiver) = mpsc::channel();
    let done = move |outcome| sender.send(outcome).unwrap();
    remote.start(&[charge(&limit, "bob")], 1, Box::new(done));
    let awaits = receiver.recv().unwrap();

    assert!(matches!(waits, Err(RemoteError::Timeout { .. })), "{waits:?}");
    assert!(matches!(awaits, Err(RemoteError::Timeout { .. })), "{awaits:?}");
    fake.set(|server| server.hangs = false);
}

#[test]
fn a_connection_that_comes_late_is_the_next_callers() {
    let fake = Fake::new("fake");
    fake.set(|server| server.hangs = true);
    let (remote, limit) = (fake.remote(impatient()), limit("5/hour"));
    assert!(check(&remote, &limit, "ana").is_err());

    fake.set(|server| server.hangs = false);
    wait_until("the connection is there", || fake.see().open == 1);

    wait_until("it answers", || check(&remote, &limit, "ana") == Ok(true));
    assert_eq!(fake.see().most_open, 1);
}

#[test]
fn attempts_that_hang_are_bounded_in_number() {
    let fake = Fake::new("fake");
    fake.set(|server| server.hangs = true);
    let (remote, limit) = (fake.remote(impatient()), limit("5/hour"));

    for _ in 0..12 {
        assert!(check(&remote, &limit, "ana").is_err());
    }

    assert!((2..=8).contains(&fake.see().hanging), "{}", fake.see().hanging);
    fake.set(|server| server.hangs = false);
    wait_until("all have come to an end", || fake.see().hanging == 0);
    wait_until("those nobody needs are closed", || fake.see().open <= remote.settings().pool);
}

#[test]
fn a_connection_that_comes_late_ends_a_long_pause() {
    let fake = Fake::new("fake");
    fake.set(|server| server.hangs = true);
    let pause = Duration::from_secs(3600);
    let (remote, limit) =
        (fake.remote(Settings { failures: 1, pause, ..impatient() }), limit("5/hour"));
    assert!(check(&remote, &limit, "ana").is_err());
    assert_eq!(remote.health(), Health::Down);
    let refused = check(&remote, &limit, "ana");
    assert!(matches!(refused, Err(RemoteError::Broken { .. })), "{refused:?}");

    fake.set(|server| server.hangs = false);

    wait_until("it is asked again", || check(&remote, &limit, "ana") == Ok(true));
    assert_eq!(remote.health(), Health::Up);
}
