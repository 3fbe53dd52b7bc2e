//! The file of permits: made once, refused when it does not fit, and what stands in it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests, where a panic is the report")]

use std::{
    env,
    fs::{self, File},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::Barrier,
    thread,
};

use tidegate_memory::{Permit, SharedOptions, SharedPermits, SharedStore, Taken};

const SMALL: SharedOptions = SharedOptions { capacity: Some(1024), replace: false };
const REPLACE: SharedOptions = SharedOptions { replace: true, ..SMALL };
const RULE: u64 = 7;

/// A folder of its own, gone when the test ends.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let name = format!("tidegate-permits-{test}-{}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("table.permits")
    }

    fn open(&self) -> SharedPermits {
        open(&self.0, SMALL)
    }

    fn refusal(&self) -> String {
        SharedStore::open(&self.0.join("table"), SMALL).unwrap().permits().unwrap_err().to_string()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open(folder: &Path, options: SharedOptions) -> SharedPermits {
    SharedStore::open(&folder.join("table"), options).unwrap().permits().unwrap()
}

fn acquire(permits: &SharedPermits, subject: &str, limit: u32) -> Option<Permit> {
    match permits.acquire(RULE, subject.as_bytes(), limit).unwrap() {
        Taken::Yes { permit, .. } => Some(permit),
        Taken::No { .. } => None,
    }
}

#[test]
fn a_file_is_for_its_owner_alone() {
    let place = Place::new("mode");
    drop(place.open());

    assert_eq!(fs::metadata(place.file()).unwrap().mode() & 0o777, 0o600);
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(place.refusal().contains("chmod 600"));
}

#[test]
fn links_are_not_followed() {
    let place = Place::new("link");
    let target = place.0.join("elsewhere");
    symlink(&target, place.file()).unwrap();

    assert!(place.refusal().contains("symbolic link"));
    assert!(!target.exists());
}

#[test]
fn what_is_no_file_of_permits_is_refused_and_replaced_on_request() {
    let place = Place::new("corrupt");
    let damage: [fn(&Path); 5] = [
        |path| fs::write(path, b"{\"not\": \"permits\"}").unwrap(),
        |path| fs::write(path, vec![b'x'; 2_000_000]).unwrap(),
        |path| File::options().write(true).open(path).unwrap().set_len(5_000).unwrap(),
        |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[20] ^= 1;
            fs::write(path, bytes).unwrap();
        },
        |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[8] = 9;
            fs::write(path, bytes).unwrap();
        },
    ];
    for damage in damage {
        drop(open(&place.0, REPLACE));
        damage(&place.file());

        let message = place.refusal();
        assert!(message.contains("?replace=true") && message.contains(".permits"), "{message}");

        let permits = open(&place.0, REPLACE);
        assert!(acquire(&permits, "ana", 1).is_some());
        assert!(acquire(&permits, "ana", 1).is_none());
    }
}

#[test]
fn a_file_that_is_cut_off_while_in_use_is_an_error() {
    let place = Place::new("cut");
    let permits = place.open();
    File::options().write(true).open(place.file()).unwrap().set_len(4096).unwrap();

    let error = permits.acquire(RULE, b"ana", 1).unwrap_err().to_string();

    assert!(error.contains("table.permits"), "{error}");
}

#[test]
fn records_of_nobody_stop_nobody() {
    let place = Place::new("garbage");
    let permits = place.open();
    let held = acquire(&permits, "ana", 1).unwrap();
    let bytes = fs::read(place.file()).unwrap();
    // The owner's number is made one that nobody has.
    let at = (4096..bytes.len()).step_by(32).find(|&at| bytes[at + 20] == 1).unwrap();
    for owner in [i32::MIN, -1, 0, 77, i32::MAX] {
        let mut bytes = bytes.clone();
        bytes[at + 16..at + 20].copy_from_slice(&owner.to_ne_bytes());
        fs::write(place.file(), bytes).unwrap();

        let taken = acquire(&permits, "ana", 1);

        assert!(taken.is_some(), "{owner}");
        permits.release(taken.unwrap());
    }
    permits.release(held);
}

#[test]
fn starters_at_one_moment_agree_on_one_file() {
    for round in 0..20 {
        let place = Place::new(&format!("race-{round}"));
        let barrier = Barrier::new(4);
        let held: usize = thread::scope(|scope| {
            let starters: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        let permits = place.open();
                        (0..3).filter_map(|_| acquire(&permits, "ana", 3)).count()
                    })
                })
                .collect();
            starters.into_iter().map(|starter| starter.join().unwrap()).sum()
        });
        assert_eq!(held, 3);
    }
}
