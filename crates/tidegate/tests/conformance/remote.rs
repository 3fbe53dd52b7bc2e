//! The stores that live in a server, told the time by the caller.

use std::{sync::Arc, time::Duration};

use tidegate_postgres::PostgresBackend;
use tidegate_redis::RedisBackend;
use tidegate_remote::{Backend, Remote, Settings};
use tidegate_testkit::{
    conformance::{Load, stress},
    servers::{RedisCluster, RedisServer, postgres::PostgresServer},
};

use super::{passes, passes_but, timed::Timed};

/// The caller's time decides, every question is asked, and no busy machine is an outage.
fn settings() -> Settings {
    Settings {
        timeout: Duration::from_secs(20),
        recheck: Duration::ZERO,
        own_clock: false,
        ..Settings::default()
    }
}

fn remote<B: Backend>(backend: B) -> Remote<B> {
    Remote::new(backend, settings(), Arc::new(|event| panic!("an outage: {event:?}")))
}

fn redis(url: &str) -> Remote<RedisBackend> {
    remote(RedisBackend::from_url(url).expect("a URL of the test's own"))
}

fn postgres(server: &PostgresServer) -> Remote<PostgresBackend> {
    remote(server.url().parse().expect("a URL of the test's own"))
}

#[test]
fn redis_passes() {
    let server = RedisServer::start();
    passes(redis(&server.socket_url()));
}

/// Several subjects live in several slots, which are charged one after the other and refunded
/// when one refuses. What a refund leaves of a key that was rested is full at that moment: a
/// clock that goes back afterwards finds units in use there. In a history where time goes back
/// by minutes, that is seen.
const CLOCK_GOES_BACK: [&str; 2] = [
    "any_history_of_several_charges_agrees, 9 limits",
    "any_history_of_several_charges_agrees, 8 limits",
];

#[test]
fn a_cluster_passes() {
    let cluster = RedisCluster::start();
    passes_but(redis(&cluster.url()), &CLOCK_GOES_BACK);
}

#[test]
fn postgres_passes() {
    let server = PostgresServer::start();
    passes(postgres(&server));
}

/// Many threads on one key of `store`, by every algorithm. A quarter of a thousand requests, and
/// more of them than connections at once.
fn withstands_threads<B: Backend>(store: Remote<B>) {
    let store = Timed::new(Arc::new(store));
    let unsupported = stress(&store, Load { threads: 8, requests: 125, turns: 40 });
    assert!(unsupported.is_empty(), "{unsupported:?}");
}

#[test]
fn redis_is_exact_under_threads() {
    let server = RedisServer::start();
    withstands_threads(redis(&server.url()));
}

#[test]
fn a_cluster_is_exact_under_threads() {
    let cluster = RedisCluster::start();
    withstands_threads(redis(&cluster.url()));
}

#[test]
fn postgres_is_exact_under_threads() {
    let server = PostgresServer::start();
    withstands_threads(postgres(&server));
}
