//! Every store that a limiter can be given passes the suite, through the trait that the
//! limiter knows it by; and every pair of store and algorithm is run, or listed with a reason.

#[path = "../own_store/store.rs"]
mod own;
#[cfg(all(feature = "redis", feature = "postgres"))]
mod remote;
#[path = "../own_store/subject.rs"]
mod subject;
mod timed;

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc};

use tidegate::{Limit, MemoryStore, Store};
use tidegate_core::algorithm::Kind;
use tidegate_testkit::conformance::{CASES, Case, run_but};
use timed::Timed;

/// The stores of the matrix; `redis` is both a single server and a cluster. What a store here
/// has no line about in [`UNSUPPORTED`] it counts, as its test shows.
const STORES: [&str; 5] = ["memory", "shared", "map", "redis", "postgres"];

/// What a store cannot count: its name, the limit, and what it says about it.
const UNSUPPORTED: &[(&str, &str, &str)] = &[
    (
        "shared",
        "sliding_window_log: 5/minute",
        "a shared table cannot count the sliding window log",
    ),
    ("map", "sliding_window_log: 5/minute", "a map keeps states of fixed size"),
];

/// Limits that stand for an algorithm, in all of its forms.
fn limits_of(kind: Kind) -> BTreeSet<&'static str> {
    let all = CASES.iter().flat_map(Case::limits);
    all.filter(|text| parse(text).spec().algorithm == kind).collect()
}

fn parse(text: &str) -> Limit {
    text.parse().expect("a limit of the suite")
}

/// Runs the suite on a store, and looks up what it could not do.
fn passes(store: impl Store) {
    passes_but(store, &[]);
}

fn passes_but(store: impl Store, left_out: &[&str]) {
    let store: Arc<dyn Store> = Arc::new(store);
    let name = store.name();
    assert!(STORES.contains(&name), "{name} is not in the matrix");
    let subject = Timed::new(Arc::clone(&store));

    let outcome = run_but(&subject, left_out);

    let listed: Vec<_> = UNSUPPORTED.iter().filter(|entry| entry.0 == name).collect();
    let limits: Vec<&str> = listed.iter().map(|entry| entry.1).collect();
    assert_eq!(outcome.unsupported_limits(), limits, "{name}");
    assert_eq!(outcome.ran + outcome.unsupported.len() + left_out.len(), CASES.len(), "{name}");
    for (_, limit, reason) in listed {
        let told = store.refuses(&parse(limit)).unwrap_or_default();
        assert!(told.starts_with(reason), "{name} says of {limit}: {told}");
    }
    let missing: BTreeSet<&str> = outcome.unsupported_limits().into_iter().collect();
    for kind in Kind::ALL {
        let ran = limits_of(kind).difference(&missing).count();
        let left_out = limits_of(kind).intersection(&missing).count();
        assert!(ran > 0 || left_out > 0, "nothing is known of {kind} on {name}");
    }
}

#[test]
fn the_suite_is_about_every_algorithm_and_form() {
    for kind in Kind::ALL {
        assert!(!limits_of(kind).is_empty(), "{kind}");
    }
    let forms: Vec<Limit> = CASES.iter().flat_map(Case::limits).map(parse).collect();
    assert!(forms.iter().any(|limit| limit.spec().strict));
    assert!(forms.iter().any(|limit| limit.spec().max_wait.is_some()));
    assert!(forms.iter().any(|limit| limit.spec().burst.is_some()));
    assert!(forms.iter().any(|limit| limit.calendar_period().is_some()));
    assert!(forms.iter().any(|limit| limit.capacity() == 0));
}

#[test]
fn what_is_unsupported_is_about_stores_and_limits_that_there_are() {
    for (store, limit, _) in UNSUPPORTED {
        assert!(STORES.contains(store), "{store}");
        assert!(Kind::ALL.into_iter().any(|kind| limits_of(kind).contains(limit)), "{limit}");
    }
}

#[test]
fn no_two_cases_have_one_name() {
    let names: BTreeSet<&str> = CASES.iter().map(Case::name).collect();

    assert_eq!(names.len(), CASES.len());
    assert!(names.iter().all(|name| name.len() <= 128), "a rule's name has at most 128 bytes");
}

#[test]
fn memory() {
    passes(MemoryStore::new());
}

/// A store that keeps to what the trait does for it has no words of its own for many requests.
#[test]
fn a_store_of_ones_own() {
    passes(own::MapStore::new(100_000));
}

#[cfg(unix)]
#[test]
fn shared() {
    use tidegate::{SharedOptions, SharedStore};

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    let name = format!("tidegate-facade-conformance-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    fs::create_dir_all(&folder.0).expect("a folder for a test");
    let options = SharedOptions { capacity: None, replace: false };
    let store = SharedStore::open(&folder.0.join("table"), options).expect("a new file");

    passes(store);
}
