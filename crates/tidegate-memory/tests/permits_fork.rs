//! Requests in flight when a process forks: a child's are its own, and a parent's end with it.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "there is no safe way to fork")]
#![allow(clippy::unwrap_used, reason = "helpers of tests, where a panic is the report")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::libc;
use tidegate_memory::{MemoryPermits, Permit, SharedOptions, SharedPermits, SharedStore, Taken};

fn open(folder: &Path) -> SharedPermits {
    let options = SharedOptions { capacity: Some(1024), replace: false };
    SharedStore::open(&folder.join("table"), options).unwrap().permits().unwrap()
}

fn permit(taken: Taken) -> Option<Permit> {
    match taken {
        Taken::Yes { permit, .. } => Some(permit),
        Taken::No { .. } => None,
    }
}

fn acquire(permits: &SharedPermits, limit: u32) -> Option<Permit> {
    permit(permits.acquire(1, b"ana", limit).unwrap())
}

/// What the child sees, as the number that it ends with: 0 when all is well.
fn in_the_child(
    (shared, of_parent): (&SharedPermits, Permit),
    (memory, in_memory): (&MemoryPermits, Permit),
) -> i32 {
    if acquire(shared, 1).is_some() {
        return 1;
    }
    shared.release(of_parent);
    if shared.in_flight(1, b"ana").unwrap() != 1 {
        return 2;
    }
    let Some(own) = acquire(shared, 2) else { return 3 };
    shared.release(of_parent);
    if shared.in_flight(1, b"ana").unwrap() != 2 {
        return 4;
    }
    shared.release(own);
    // Left behind by the child, which ends with it.
    if acquire(shared, 2).is_none() || acquire(shared, 2).is_some() {
        return 5;
    }
    let Some(own) = permit(memory.acquire(1, b"ana", 1)) else { return 6 };
    memory.release(in_memory);
    if memory.in_flight(1, b"ana") != 1 {
        return 7;
    }
    memory.release(own);
    if memory.in_flight(1, b"ana") == 0 { 0 } else { 8 }
}

fn a_child_counts_its_own(folder: &Path) {
    let (shared, memory) = (open(folder), MemoryPermits::new());
    let of_parent = acquire(&shared, 1).unwrap();
    let in_memory = permit(memory.acquire(1, b"ana", 1)).unwrap();

    // SAFETY: no other test runs in this process, so no lock of ours or of the allocator's is
    // held while it is copied.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let child = || in_the_child((&shared, of_parent), (&memory, in_memory));
        let code = catch_unwind(AssertUnwindSafe(child)).unwrap_or(9);
        // SAFETY: ends the child where it stands, before it returns into the test's harness.
        unsafe { libc::_exit(code) }
    }
    let mut status = 0;
    // SAFETY: waits for a child of this process, and `status` lives as long as the call.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);

    assert!(libc::WIFEXITED(status), "the child crashed: {status}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "see `in_the_child`");
    assert_eq!(shared.in_flight(1, b"ana").unwrap(), 1, "the parent goes on");
    shared.release(of_parent);
    memory.release(in_memory);
    assert_eq!((shared.in_flight(1, b"ana").unwrap(), memory.in_flight(1, b"ana")), (0, 0));
}

/// A process with permits, and a child that outlives it: started by the test below.
#[test]
#[ignore = "a part of the other test, which starts it with what it needs"]
fn a_parent() {
    let shared = open(&PathBuf::from(env::var("FOLDER").unwrap()));
    assert!(acquire(&shared, 2).is_some() && acquire(&shared, 2).is_some());
    // SAFETY: no other test runs in this process, and the child only reads and ends.
    let child = unsafe { libc::fork() };
    if child > 0 {
        std::io::stdout().write_all(b"ready\n").unwrap();
    }
    let _ = std::io::stdin().read(&mut [0]);
    // SAFETY: ends the process before it returns into the test's harness.
    unsafe { libc::_exit(0) }
}

fn a_child_keeps_nothing_of_a_parent_that_is_killed(folder: &Path) {
    let shared = open(folder);
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "a_parent", "--ignored", "--nocapture"]).env("FOLDER", folder);
    let mut parent = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(parent.stdout.as_mut().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("ready")));
    assert!(acquire(&shared, 2).is_none());

    parent.kill().unwrap();
    // Taken before it is waited for, which would close it: the child waits for its end.
    let childs = parent.stdin.take();
    parent.wait().unwrap();

    assert!(acquire(&shared, 2).is_some() && acquire(&shared, 2).is_some());
    drop(childs);
}

#[test]
fn children_and_parents_hold_what_they_took() {
    let folder = env::temp_dir().join(format!("tidegate-permits-fork-{}", std::process::id()));
    for (name, test) in [
        ("child", a_child_counts_its_own as fn(&Path)),
        ("parent", a_child_keeps_nothing_of_a_parent_that_is_killed),
    ] {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        test(&folder);
    }
    fs::remove_dir_all(&folder).unwrap();
}
