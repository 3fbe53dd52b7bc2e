//! Servers that hang, stop, come back, or cannot write; and callers with a runtime of their own.

mod common;

use std::{
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use common::{NOON, check, connect, exchange, gcra, granted, schema, soon};
use tidegate_core::{Nanos, Program};
use tidegate_remote::{AskKind, Link as _, Page, RemoteError};
use tidegate_testkit::servers::{pgbouncer::PgBouncer, postgres::PostgresServer};

/// How late an answer may be on a busy machine.
const LATE: Duration = Duration::from_millis(150);

fn two() -> Program {
    gcra(2, Nanos::SECOND)
}

#[test]
fn a_server_that_hangs_costs_the_deadline_and_the_link() {
    let server = PostgresServer::start();
    let mut link = connect(&server.url()).unwrap();
    let ask = check("a", &two(), 1, Some(NOON));
    server.freeze();
    let wait = Duration::from_millis(60);

    let begun = Instant::now();
    let mut replies = Vec::new();
    let error = link.exchange(std::slice::from_ref(&ask), &mut replies, begun + wait).unwrap_err();
    let took = begun.elapsed();
    let fresh = common::backend(&server.url());
    let connecting = tidegate_remote::Backend::connect(&fresh, Instant::now() + wait).unwrap_err();
    server.thaw();

    assert!(matches!(error, RemoteError::Timeout { .. }), "{error:?}");
    assert!(matches!(connecting, RemoteError::Timeout { .. }), "{connecting:?}");
    assert!(wait <= took && took < wait + LATE, "{took:?}");
    assert!(replies.is_empty());
    // The answer that comes now belongs to the ask that was given up.
    thread::sleep(Duration::from_millis(20));
    let error = link.exchange(&[check("b", &two(), 2, None)], &mut replies, soon()).unwrap_err();
    assert!(matches!(error, RemoteError::Unavailable { .. }), "{error:?}");
    assert!(link.time(soon()).is_err() && link.list(&Page::default(), soon()).is_err());
    assert!(connect(&server.url()).is_ok());
}

#[test]
fn a_deadline_that_has_passed_asks_nobody() {
    let (_server, url) = schema("passed");
    let mut link = connect(&url).unwrap();
    let mut replies = Vec::new();
    let ask = check("a", &two(), 1, Some(NOON));
    let error =
        link.exchange(std::slice::from_ref(&ask), &mut replies, Instant::now()).unwrap_err();
    assert!(matches!(error, RemoteError::Timeout { .. }), "{error:?}");
    assert_eq!(granted(&mut connect(&url).unwrap(), check("a", &two(), 3, Some(NOON))), 2);
}

#[test]
fn a_statement_that_nobody_waits_for_does_not_linger() {
    let (server, url) = schema("lingering");
    // Without those that would end it in a second or two, in case nobody noticed.
    let patient = "options=-c%20lock_timeout%3D0%20-c%20statement_timeout%3D0";
    let mut link = connect(&format!("{url}&application_name=lingerer&{patient}")).unwrap();
    exchange(&mut link, &[check("a", &two(), 1, None)]);
    thread::scope(|scope| {
        let holding =
            "BEGIN; UPDATE lingering.counter SET state = state; SELECT pg_sleep(2); COMMIT";
        scope.spawn(|| server.psql(holding));
        let of = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lingerer'";
        let held = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'BEGIN; UPDATE linger%'
            AND wait_event = 'PgSleep'";
        while server.psql(held) == "0" {}
        let mut replies = Vec::new();
        let deadline = Instant::now() + Duration::from_millis(50);
        let error = link.exchange(&[check("a", &two(), 1, None)], &mut replies, deadline);
        assert!(matches!(error, Err(RemoteError::Timeout { .. })), "{error:?}");
        drop(link);
        // It goes while the lock is still held.
        while server.psql(of) != "0" {
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(server.psql(held), "1", "it waited for the lock");
    });
}

#[test]
fn a_restart_breaks_links_and_loses_nothing_that_was_taken() {
    let mut server = PostgresServer::start();
    let mut link = connect(&server.url()).unwrap();
    assert_eq!(granted(&mut link, check("a", &two(), 1, Some(NOON))), 1);

    server.stop();
    let mut replies = Vec::new();
    let error = link.exchange(&[check("a", &two(), 1, None)], &mut replies, soon()).unwrap_err();
    assert!(matches!(error, RemoteError::Unavailable { .. }), "{error:?}");
    let error = connect(&server.url()).unwrap_err();
    assert!(matches!(error, RemoteError::Unavailable { .. }), "{error:?}");

    server.restart();
    let mut link = connect(&server.url()).unwrap();
    assert_eq!(granted(&mut link, check("a", &two(), 9, Some(NOON))), 1);

    server.become_standby();
    let error = connect(&server.url()).unwrap_err();
    assert!(error.to_string().contains("standby"), "{error}");
    assert!(matches!(error, RemoteError::Unavailable { .. }), "{error:?}");
}

#[test]
fn a_server_that_may_not_write_says_so_and_can_be_looked_at() {
    let (_server, url) = schema("read_only");
    drop(connect(&url).unwrap());
    let url = format!("{url}&options=-c%20default_transaction_read_only%3Don");
    let mut link = connect(&url).unwrap();
    let mut peek = check("a", &two(), 1, None);
    peek.kind = AskKind::Peek;
    exchange(&mut link, &[peek]);
    let error = link.exchange(&[check("a", &two(), 1, None)], &mut Vec::new(), soon()).unwrap_err();
    assert!(matches!(error, RemoteError::ReadOnly { .. }), "{error:?}");
}

#[test]
fn a_schema_that_goes_away_is_made_anew_by_the_next_link() {
    let (server, url) = schema("going");
    let mut link = connect(&url).unwrap();
    exchange(&mut link, &[check("a", &two(), 1, None)]);
    let _ = server.psql("DROP SCHEMA going CASCADE");
    let error = link.exchange(&[check("a", &two(), 1, None)], &mut Vec::new(), soon()).unwrap_err();
    assert!(matches!(error, RemoteError::Unavailable { .. }), "{error:?}");
    assert_eq!(granted(&mut connect(&url).unwrap(), check("a", &two(), 3, Some(NOON))), 2);
}

#[test]
fn a_caller_within_a_runtime_may_use_a_link() {
    let (_server, url) = schema("within");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut link = connect(&url).unwrap();
        assert_eq!(granted(&mut link, check("a", &two(), 3, Some(NOON))), 2);
    });
}

#[test]
fn a_pooler_in_transaction_mode_needs_prepare_false() {
    let server = PostgresServer::shared();
    let pooler = PgBouncer::start(&server);
    let url = format!("{}schema=pooled&prepare=false", pooler.url());
    let mut links: Vec<_> = (0..6).map(|_| connect(&url).unwrap()).collect();
    let limit = gcra(500, Nanos(3_600_000_000_000));
    thread::scope(|scope| {
        for link in &mut links {
            let limit = &limit;
            scope.spawn(move || {
                for _ in 0..40 {
                    let asks = [check("a", limit, 1, None), check("b", limit, 1, None)];
                    exchange(link, &asks);
                }
            });
        }
    });
    let left = granted(&mut links[0], check("a", &limit, 500, None));
    assert!((260..=261).contains(&left), "{left}");
    assert_eq!(
        links[1].list(&Page { size: 9, ..Page::default() }, soon()).unwrap().counters.len(),
        2
    );

    // A named statement is where it was prepared, which is half of the times the wrong place.
    let url = url.replace("&prepare=false", "");
    let said = Mutex::new(String::new());
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let asks = [check("a", &limit, 1, None)];
                let tried = connect(&url).and_then(|mut link| {
                    (0..100).try_for_each(|_| link.exchange(&asks, &mut Vec::new(), soon()))
                });
                if let Err(error) = tried {
                    *said.lock().unwrap() = error.to_string();
                }
            });
        }
    });
    let said = said.into_inner().unwrap();
    assert!(said.contains("prepare=false"), "{said}");
}
