//! The store of `docs/how-to/write-a-store.md`, and the page's own tests.

mod store;
mod subject;

use std::{sync::Arc, time::Duration};

use store::MapStore;
use subject::StoreSubject;
use tidegate::{Limiter, ManualClock, Rule};
use tidegate_testkit::conformance::{Load, run, stress};

#[test]
fn passes_the_suite() {
    let store = StoreSubject(Arc::new(MapStore::new(100_000)));

    let outcome = run(&store);

    assert_eq!(outcome.unsupported_limits(), ["sliding_window_log: 5/minute"]);
    assert_eq!((outcome.ran, outcome.unsupported.len()), (486, 101));
}

#[test]
fn is_exact_under_threads() {
    let store = StoreSubject(Arc::new(MapStore::new(100_000)));

    let unsupported = stress(&store, Load { threads: 4, requests: 1_000, turns: 1_000 });

    assert!(unsupported.iter().all(|limit| limit.starts_with("sliding_window_log:")));
    assert_eq!(unsupported.len(), 3);
}

#[test]
fn limits_with_the_rest_of_tidegate() -> Result<(), tidegate::Error> {
    let limiter = Limiter::builder()
        .rule(Rule::new("api", "2/minute".parse()?))
        .store(MapStore::new(100_000))
        .build()?;

    assert!(limiter.check("user:42")?.allowed);
    assert!(limiter.check("user:42")?.allowed);
    assert!(!limiter.check("user:42")?.allowed);
    Ok(())
}

#[test]
fn a_limit_that_the_store_refuses_is_found_when_the_limiter_is_built() {
    let rule = Rule::new("api", "sliding_window_log: 2/minute".parse().expect("a limit"));
    let store = MapStore::new(100_000);

    let refusal = Limiter::builder().rule(rule).store(store).build().err();

    let message = refusal.expect("no limiter").to_string();
    assert!(message.contains("use sliding_window_counter"), "{message}");
}

#[test]
fn a_flood_of_keys_forgets_and_refuses_nobody() -> Result<(), tidegate::Error> {
    let clock = Arc::new(ManualClock::new(Duration::ZERO));
    let limiter = Limiter::builder()
        .rule(Rule::new("api", "2/minute".parse()?))
        .store(MapStore::new(50))
        .clock(clock)
        .build()?;
    limiter.check("offender")?;
    limiter.check("offender")?;

    for index in 0..1_000 {
        assert!(limiter.check(&format!("user:{index}"))?.allowed);
    }

    assert!(!limiter.check("offender")?.allowed, "the one with most to wait is kept");
    Ok(())
}

/// What the page shows is what runs here, so that neither changes alone.
#[test]
fn the_page_shows_these_sources() {
    let page = include_str!("../../../../docs/how-to/write-a-store.md");
    let sources =
        [include_str!("store.rs"), include_str!("subject.rs"), include_str!("main.rs")].concat();
    let blocks: Vec<&str> = page.split("```").skip(1).step_by(2).collect();
    let rust: Vec<&str> = blocks.iter().filter_map(|block| block.strip_prefix("rust\n")).collect();

    assert!(rust.len() > 3, "{} blocks", rust.len());
    for block in rust {
        assert!(sources.contains(block), "the page shows what does not run:\n{block}");
    }
}
