//! Requests in flight, as the stores count them through the trait that a gate knows them by.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::sync::Arc;

use tidegate::{Limiter, Permit, Permits, Rule, Store, Taken, open_store};

fn permits(store: &Arc<dyn Store>) -> Arc<dyn Permits> {
    store.permits().unwrap().unwrap()
}

fn acquire(permits: &dyn Permits, limit: u32) -> Option<Permit> {
    match permits.acquire(1, b"ana", limit).unwrap() {
        Taken::Yes { permit, .. } => Some(permit),
        Taken::No { .. } => None,
    }
}

/// What two gates on one store count is one count; another store has its own.
fn are_shared(store: &Arc<dyn Store>, same: &Arc<dyn Store>) {
    let (one, other) = (permits(store), permits(same));
    let permit = acquire(&*one, 1).unwrap();

    assert!(acquire(&*other, 1).is_none());
    assert_eq!(other.in_flight(1, b"ana").unwrap(), 1);
    other.release(permit);
    assert_eq!(one.in_flight(1, b"ana").unwrap(), 0);
}

#[test]
fn a_store_in_this_process_counts_for_all_of_its_gates() {
    let (store, other) = (open_store("memory://").unwrap(), open_store("memory://").unwrap());

    are_shared(&store, &store);
    assert!(acquire(&*permits(&store), 1).is_some() && acquire(&*permits(&other), 1).is_some());
}

#[cfg(unix)]
#[test]
fn a_shared_store_counts_for_the_host_and_makes_its_file_when_asked() {
    let folder = std::env::temp_dir().join(format!("tidegate-in-flight-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let url = format!("shared://{}", folder.join("table").display());
    let (store, same) = (open_store(&url).unwrap(), open_store(&url).unwrap());
    let file = folder.join("table.permits");
    assert!(!file.exists());

    are_shared(&store, &same);

    std::fs::write(&file, b"something else").unwrap();
    let error = same.permits().err().unwrap().to_string();
    assert!(error.contains("table.permits") && error.contains("?replace=true"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[cfg(feature = "redis")]
#[test]
fn a_server_has_no_permits() {
    assert!(open_store("redis://127.0.0.1:1").unwrap().permits().unwrap().is_none());
}

#[test]
fn a_limiter_counts_no_requests_in_flight() {
    let rule = Rule::new("api", "5/minute; 20 concurrent".parse().unwrap());

    let error = Limiter::builder().rule(rule).build().unwrap_err().to_string();

    assert_eq!(
        error,
        "rule `api` has the limit 20 concurrent, which needs a gate: only a request has an end"
    );
}
