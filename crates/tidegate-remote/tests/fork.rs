//! A process that was forked asks over links of its own, and leaves its parent's alone.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "there is no safe way to fork")]

mod common;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    time::Duration,
};

use common::{Fake, charge, check, limit, settings};
use tidegate_remote::Remote;

/// What the child sees, as the number that it ends with: 0 when all is well.
fn in_the_child(fake: &Fake, remote: Remote<Fake>, parents: usize) -> i32 {
    let limit = limit("10/hour");
    if check(&remote, &limit, "ana") != Ok(true) {
        return 1;
    }
    let (sender, receiver) = mpsc::channel();
    let done = Box::new(move |outcome| drop(sender.send(outcome)));
    remote.start(&[charge(&limit, "ana")], 1, done);
    if !receiver.recv_timeout(Duration::from_secs(10)).is_ok_and(|outcome| outcome.is_ok()) {
        return 2;
    }
    let own = std::process::id();
    let opened_here = fake.see().opened_by.iter().filter(|&&by| by == own).count();
    if opened_here != 2 || fake.threads() != 1 {
        return 3;
    }
    drop(remote);
    // Only its own were closed: the parent's are still in use over there.
    if fake.see().open == parents && fake.threads() == 0 { 0 } else { 4 }
}

#[test]
fn a_child_has_links_and_threads_of_its_own() {
    let fake = Fake::new("fork");
    let (remote, limit) = (fake.remote(settings()), limit("10/hour"));
    assert_eq!(check(&remote, &limit, "ana"), Ok(true));
    let (sender, receiver) = mpsc::channel();
    let done = Box::new(move |outcome| drop(sender.send(outcome)));
    remote.start(&[charge(&limit, "ana")], 1, done);
    assert!(receiver.recv().expect("an outcome").is_ok());
    let parents = fake.see().open;
    assert_eq!(parents, 2);

    // SAFETY: no other test runs in this process, so no lock of ours or of the allocator's is
    // held while it is copied; the runner's thread waits for questions.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // A panic would end this thread, which is the child's only one, and so the child, with 0.
        let child = || in_the_child(&fake, remote, parents);
        let code = catch_unwind(AssertUnwindSafe(child)).unwrap_or(9);
        // SAFETY: ends the child where it stands, before it returns into the test's harness.
        unsafe { libc::_exit(code) }
    }
    let mut status = 0;
    // SAFETY: waits for a child of this process, and `status` lives as long as the call.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);

    assert!(libc::WIFEXITED(status), "the child crashed: {status}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "see `in_the_child`");
    assert_eq!(check(&remote, &limit, "ana"), Ok(true), "the parent goes on");
    assert_eq!((fake.see().opened_by.len(), fake.threads()), (2, 1));
}
