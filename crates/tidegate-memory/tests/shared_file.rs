//! A shared table's file: made once, refused when it does not fit, kept when workers go.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests, where a panic is the report")]

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    thread,
};

use tidegate_core::{Charge, Decision, Key, Limit, Nanos, Verdict};
use tidegate_memory::{SharedError, SharedOptions, SharedStore};

const NOW: Nanos = Nanos(1_000_000_000_000);
const AS_IT_IS: SharedOptions = SharedOptions { capacity: None, replace: false };
const SMALL: SharedOptions = SharedOptions { capacity: Some(1024), replace: false };

const BLANK: Decision = Decision {
    verdict: Verdict::Never,
    limit: 0,
    remaining: 0,
    reset_after: Nanos::ZERO,
    next_unit_after: Nanos::ZERO,
    delay: Nanos::ZERO,
};

/// A path in a folder of its own, gone when the test ends.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tidegate-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.join("table")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open(path: &Path, options: SharedOptions) -> Result<SharedStore, SharedError> {
    SharedStore::open(path, options)
}

fn refusal(path: &Path, options: SharedOptions) -> String {
    open(path, options).map(|_| ()).unwrap_err().to_string()
}

fn admitted(store: &SharedStore, limit: &Limit, requests: usize) -> usize {
    let key = Key::new("test", limit.tag(0), b"hot");
    let charge = Charge { key, limit, cost: 1, at: NOW };
    let mut decision = [BLANK];
    (0..requests)
        .filter(|_| {
            store.check(&[charge], NOW, &mut decision).unwrap();
            decision[0].is_allowed()
        })
        .count()
}

fn five_per_hour() -> Limit {
    "5/hour".parse().unwrap()
}

#[test]
fn two_stores_on_one_file_share_their_counts_and_the_file_keeps_them() {
    let place = Place::new("share");
    let limit = five_per_hour();
    let (one, other) = (open(&place.path(), SMALL).unwrap(), open(&place.path(), SMALL).unwrap());

    assert_eq!(admitted(&one, &limit, 3), 3);
    assert_eq!(admitted(&other, &limit, 10), 2);
    drop((one, other));
    let after_restart = open(&place.path(), AS_IT_IS).unwrap();

    assert_eq!(admitted(&after_restart, &limit, 10), 0);
    assert_eq!(after_restart.stats(NOW).capacity, 1024);
    assert_eq!(after_restart.stats(NOW).live, 1);
}

#[test]
fn starters_at_one_moment_agree_on_one_file() {
    for round in 0..50 {
        let place = Place::new(&format!("race-{round}"));
        let (path, limit) = (place.path(), five_per_hour());

        let admitted: usize = thread::scope(|scope| {
            let start = || scope.spawn(|| admitted(&open(&path, SMALL).unwrap(), &limit, 10));
            let threads: Vec<_> = (0..4).map(|_| start()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });

        assert_eq!(admitted, 5);
    }
}

#[test]
fn a_file_is_for_its_owner_alone() {
    let place = Place::new("mode");
    let _store = open(&place.path(), SMALL).unwrap();

    assert_eq!(fs::metadata(place.path()).unwrap().mode() & 0o777, 0o600);
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(refusal(&place.path(), SMALL).contains("chmod 600"));
}

#[test]
fn what_is_no_table_is_refused_and_replaced_on_request() {
    let place = Place::new("corrupt");
    let replace = SharedOptions { replace: true, ..SMALL };
    let damage: [fn(&Path); 4] = [
        |path| fs::write(path, b"{\"not\": \"a table\"}").unwrap(),
        |path| fs::write(path, vec![b'x'; 100_000]).unwrap(),
        |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[20] ^= 1;
            fs::write(path, bytes).unwrap();
        },
        |path| fs::File::options().write(true).open(path).unwrap().set_len(5_000).unwrap(),
    ];
    for damage in damage {
        drop(open(&place.path(), replace).unwrap());
        damage(&place.path());

        let message = refusal(&place.path(), SMALL);
        assert!(message.contains("?replace=true") && message.contains("table"), "{message}");

        let store = open(&place.path(), replace).unwrap();
        assert_eq!(admitted(&store, &five_per_hour(), 10), 5);
    }
}

#[test]
fn another_layout_or_size_is_refused_by_name() {
    let place = Place::new("version");
    drop(open(&place.path(), SMALL).unwrap());

    let larger = SharedOptions { capacity: Some(4096), replace: false };
    assert!(refusal(&place.path(), larger).contains("room for 1024 keys, and 4096"));

    let mut bytes = fs::read(place.path()).unwrap();
    bytes[8..12].copy_from_slice(&7_u32.to_ne_bytes());
    fs::write(place.path(), bytes).unwrap();
    let message = refusal(&place.path(), SMALL);
    assert!(message.contains("layout 7") && message.contains("reads 2"), "{message}");
}

#[test]
fn replacing_leaves_those_who_have_the_old_table_alone() {
    let place = Place::new("replace");
    let old = open(&place.path(), SMALL).unwrap();
    let larger = SharedOptions { capacity: Some(4096), replace: true };

    let new = open(&place.path(), larger).unwrap();

    assert_eq!(new.stats(NOW).capacity, 4096);
    assert_eq!(admitted(&old, &five_per_hour(), 10), 5);
    assert_eq!(admitted(&new, &five_per_hour(), 10), 5);
}

#[test]
fn a_limit_of_zero_refuses_everybody_and_fails_nobody() {
    let place = Place::new("zero");
    let store = open(&place.path(), SMALL).unwrap();
    let (none, five): (Limit, Limit) = ("0/hour".parse().unwrap(), five_per_hour());
    let charge = |limit, cost| {
        let key = Key::new("test", Limit::tag(limit, 0), b"hot");
        Charge { key, limit, cost, at: NOW }
    };
    let mut alone = [BLANK];
    let mut both = [BLANK; 2];

    assert!(store.supports(&none));
    store.check(&[charge(&none, 1)], NOW, &mut alone).unwrap();
    assert_eq!(alone[0].verdict, Verdict::Never);
    assert_eq!(store.verdict(&charge(&none, 0), NOW).unwrap(), Verdict::Allowed);
    store.check(&[charge(&five, 1), charge(&none, 1)], NOW, &mut both).unwrap();
    assert_eq!(both.map(|decision| decision.remaining), [5, 0]);
    store.check(&[charge(&five, 1), charge(&none, 0)], NOW, &mut both).unwrap();
    assert_eq!(both.map(|decision| decision.remaining), [4, 0]);
}

#[test]
fn links_and_folders_are_not_followed() {
    let place = Place::new("link");
    let target = place.0.join("elsewhere");
    symlink(&target, place.path()).unwrap();

    assert!(refusal(&place.path(), SMALL).contains("symbolic link"));
    assert!(!target.exists());
    assert!(refusal(&place.0, SMALL).contains("no regular file"));
    assert!(refusal(&place.0.join("missing/table"), SMALL).contains("cannot open"));
}

#[test]
fn a_file_that_nobody_finished_is_finished() {
    let place = Place::new("unfinished");
    for leftover in [&b""[..], &[0; 8192][..]] {
        fs::write(place.path(), leftover).unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o600)).unwrap();

        let store = open(&place.path(), SMALL).unwrap();

        assert_eq!(admitted(&store, &five_per_hour(), 10), 5);
        fs::remove_file(place.path()).unwrap();
    }
}

#[test]
fn a_table_of_another_boot_starts_anew() {
    let place = Place::new("boot");
    let store = open(&place.path(), SMALL).unwrap();
    assert_eq!(admitted(&store, &five_per_hour(), 10), 5);
    drop(store);
    // The boot id and the check sum that covers it.
    let mut bytes = fs::read(place.path()).unwrap();
    bytes[24] ^= 0xff;
    let sum = bytes[..64].iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    bytes[64..72].copy_from_slice(&sum.to_ne_bytes());
    fs::write(place.path(), bytes).unwrap();

    let store = open(&place.path(), AS_IT_IS).unwrap();

    assert_eq!(admitted(&store, &five_per_hour(), 10), 5);
    assert_eq!(store.stats(NOW).capacity, 1024);
}

#[test]
fn a_foreign_owner_is_refused() {
    // Only root can give a file away; elsewhere the check is not reachable by a test.
    let place = Place::new("owner");
    drop(open(&place.path(), SMALL).unwrap());
    if std::os::unix::fs::chown(place.path(), Some(12_345), None).is_ok() {
        let message = refusal(&place.path(), SMALL);
        assert!(message.contains("belongs to user 12345"), "{message}");
    }
}

#[test]
fn what_does_not_fit_into_a_slot_is_told_beforehand() {
    let place = Place::new("support");
    let store = open(&place.path(), SMALL).unwrap();
    let supports = |text: &str| store.supports(&text.parse().unwrap());

    assert!(supports("5/minute") && supports("sliding_window_counter: 5/minute"));
    assert!(!supports("sliding_window_log: 5/minute"));
    assert!(!supports("sliding_window_counter: 3m/day"));
}
