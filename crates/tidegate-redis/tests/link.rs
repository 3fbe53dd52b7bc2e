//! Connections: how they are made, how they break, and what is said about it.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::{
    collections::BTreeSet,
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use common::{SECOND, ask, backend, connect, counter, exchange, granted, program, soon};
use tidegate_core::algorithm::Kind;
use tidegate_remote::{Backend as _, Link as _, Page, RemoteError, Subject};
use tidegate_testkit::servers::{RedisOptions, RedisServer};

const HOUR: u64 = 3_600 * SECOND;

fn refusal(url: &str) -> RemoteError {
    backend(url).connect(soon()).map(|_| ()).unwrap_err()
}

#[test]
fn sockets_of_both_kinds_lead_to_the_same_counters() {
    let server = RedisServer::start();
    let gcra = program(Kind::Gcra, 5, HOUR);
    let check = ask([counter("api", "ana", &gcra)], 9);

    assert_eq!(granted(&mut connect(&server.url()), &ask([counter("api", "ana", &gcra)], 2)), 2);
    assert_eq!(granted(&mut connect(&server.socket_url()), &check), 3);
    assert_eq!(granted(&mut connect(&format!("{}?db=3", server.socket_url())), &check), 5);
    assert_eq!(granted(&mut connect(&format!("{}/3", server.url())), &check), 0);
    assert_eq!(granted(&mut connect(&format!("{}?prefix=other:", server.url())), &check), 5);

    let _link = connect(&server.url());
    assert!(server.ask(&["CLIENT", "LIST"]).text().contains("name=tidegate"));
}

#[test]
fn a_wrong_password_is_refused_and_not_told() {
    let server = RedisOptions::default().password("sesame").start();
    let place = format!("127.0.0.1:{}", server.port());
    let gcra = program(Kind::Gcra, 5, HOUR);

    let mut link = connect(&format!("redis://:sesame@{place}/1"));
    assert_eq!(granted(&mut link, &ask([counter("api", "ana", &gcra)], 2)), 2);
    for login in [":hunter2@", "ana:hunter2@", ""] {
        let error = refusal(&format!("redis://{login}{place}"));
        assert!(matches!(error, RemoteError::Access { .. }), "{login}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let error = refusal(&format!("redis://:sesame@{place}/99"));
    assert!(matches!(error, RemoteError::Setup { .. }), "{error:?}");

    let open = RedisServer::start();
    let error = refusal(&open.url().replace("://", "://:hunter2@"));
    assert!(matches!(error, RemoteError::Access { .. }), "{error:?}");
}

#[test]
fn a_user_who_may_not_run_scripts_is_refused() {
    let server = RedisServer::start();
    let made = server.ask(&["ACL", "SETUSER", "ana", "on", ">pw", "~*", "+@connection"]);
    assert_eq!(made.text(), "OK");
    let mut link = connect(&format!("redis://ana:pw@127.0.0.1:{}", server.port()));

    let asks = [ask([counter("api", "ana", &program(Kind::Gcra, 5, HOUR))], 1)];
    let error = link.exchange(&asks, &mut Vec::new(), soon()).unwrap_err();

    assert!(matches!(error, RemoteError::Access { .. }), "{error:?}");
}

#[test]
fn a_right_that_is_missing_in_a_script_is_named() {
    let server = RedisServer::start();
    let rights = ["+@connection", "+eval", "+evalsha", "+time", "+get", "+set", "+del", "+zcard"];
    for (number, (without, kind, named)) in [
        ("-get", Kind::Gcra, "GET (+get)"),
        ("-set", Kind::Gcra, "SET (+set)"),
        ("-set", Kind::FixedWindow, "SET (+set)"),
        ("-zcard", Kind::SlidingWindowLog, "ZCARD (+zcard)"),
        ("-zadd", Kind::SlidingWindowLog, "ZADD (+zadd)"),
        ("resetkeys", Kind::Gcra, "keys below the prefix"),
    ]
    .into_iter()
    .enumerate()
    {
        let user = format!("user{number}");
        let mut words = vec!["ACL", "SETUSER", &user, "on", ">pw", "~tidegate:*"];
        words.extend(rights);
        words.push(without);
        assert_eq!(server.ask(&words).text(), "OK");
        let mut link = connect(&format!("redis://{user}:pw@127.0.0.1:{}", server.port()));
        let asks = [ask([counter("api", &user, &program(kind, 5, HOUR))], 1)];

        let mut replies = Vec::new();
        let error = match link.exchange(&asks, &mut replies, soon()) {
            Ok(()) => replies.remove(0).unwrap_err(),
            Err(error) => error,
        };

        assert!(matches!(error, RemoteError::Access { .. }), "{without}: {error:?}");
        assert!(error.to_string().contains(named), "{without}: {error}");
    }
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    let mut server = RedisServer::start();
    let mut link = connect(&server.url());
    let asks = [ask([counter("api", "ana", &program(Kind::Gcra, 5, HOUR))], 5)];
    exchange(&mut link, &asks);

    server.stop();
    let error = link.exchange(&asks, &mut Vec::new(), soon()).unwrap_err();
    assert!(matches!(error, RemoteError::Unavailable { .. }), "{error:?}");
    for url in [server.url(), server.socket_url()] {
        let error = refusal(&url);
        assert!(matches!(error, RemoteError::Unavailable { .. }), "{error:?}");
    }

    // Another life begins with nothing counted, and without the script.
    server.restart();
    assert_eq!(granted(&mut connect(&server.url()), &asks[0]), 5);
}

#[test]
fn a_server_that_stands_still_is_given_up_in_time() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    let asks = [ask([counter("api", "ana", &program(Kind::Gcra, 5, HOUR))], 1)];
    exchange(&mut link, &asks);
    server.freeze();

    let patience = Duration::from_millis(60);
    let began = Instant::now();
    let asked = link.exchange(&asks, &mut Vec::new(), began + patience).unwrap_err();
    let waited = began.elapsed();
    let began = Instant::now();
    let connected = backend(&server.url()).connect(began + patience).map(|_| ()).unwrap_err();
    let tried = began.elapsed();
    server.thaw();

    for (error, took) in [(asked, waited), (connected, tried)] {
        let RemoteError::Timeout { after, .. } = error else { panic!("{error:?}") };
        assert!(patience.abs_diff(after) < Duration::from_millis(20), "{after:?}");
        assert!((patience..patience + Duration::from_millis(40)).contains(&took), "{took:?}");
    }
}

#[test]
fn a_server_without_room_says_so_and_can_still_deny() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    let gcra = program(Kind::Gcra, 5, HOUR);
    let drained = ask([counter("api", "ana", &gcra)], 9);
    assert_eq!(granted(&mut link, &drained), 5);
    assert_eq!(server.ask(&["CONFIG", "SET", "maxmemory", "1"]).text(), "OK");

    let replies = exchange(&mut link, &[ask([counter("api", "bea", &gcra)], 1)]);
    assert!(matches!(replies[0], Err(RemoteError::ReadOnly { .. })), "{replies:?}");
    assert_eq!(granted(&mut link, &drained), 0);

    assert_eq!(server.ask(&["CONFIG", "SET", "maxmemory", "0"]).text(), "OK");
    assert_eq!(granted(&mut link, &ask([counter("api", "bea", &gcra)], 9)), 5);
}

#[test]
fn a_replica_ends_the_connection() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    let asks = [ask([counter("api", "ana", &program(Kind::Gcra, 5, HOUR))], 1)];
    assert_eq!(server.ask(&["REPLICAOF", "127.0.0.1", "1"]).text(), "OK");

    let error = link.exchange(&asks, &mut Vec::new(), soon()).unwrap_err();

    assert!(
        matches!(error, RemoteError::ReadOnly { .. } | RemoteError::Unavailable { .. }),
        "{error:?}"
    );
}

#[test]
fn threads_that_share_a_key_are_admitted_as_one() {
    let server = RedisServer::start();
    // The period is far longer than the test: nothing comes back while it runs.
    for kind in Kind::ALL {
        let limit = program(kind, 1_000, 30 * 24 * HOUR);
        let barrier = Arc::new(Barrier::new(4));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (url, barrier) = (server.socket_url(), Arc::clone(&barrier));
                let mut counter = counter(kind.name(), "ana", &limit);
                counter.cost = 2;
                thread::spawn(move || {
                    let mut link = connect(&url);
                    barrier.wait();
                    (0..130).map(|_| granted(&mut link, &ask([counter.clone()], 3))).sum::<u32>()
                })
            })
            .collect();
        let admitted: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(admitted, 500, "{kind}");
    }
}

#[test]
fn every_living_counter_is_listed_and_nothing_else() {
    let server = RedisServer::start();
    let mut link = connect(&format!("{}?prefix=a*[b]:", server.url()));
    let gcra = program(Kind::Gcra, 5, HOUR);
    for index in 0..300 {
        let rule = if index % 3 == 0 { "other" } else { "api" };
        granted(&mut link, &ask([counter(rule, &format!("s{index}"), &gcra)], 1));
        let _ = server.ask(&["SET", &format!("ab:{{s{index}}}:api:1"), "0"]);
    }
    let _ = server.ask(&["SET", "a*[b]:{x", "0"]);

    for (rule, number) in [(None, 300), (Some("api"), 200), (Some("a*"), 0)] {
        let mut page = Page { rule: rule.map(str::to_owned), size: 20, ..Page::default() };
        let mut found = BTreeSet::new();
        let mut pages = 0;
        loop {
            let listed = link.list(&page, soon()).unwrap();
            found.extend(listed.counters);
            pages += 1;
            page.after = listed.next;
            if page.after.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), number, "{rule:?}");
        assert!(number == 0 || pages > 1, "more than one page");
        let ana = ("api".to_owned(), 1, Subject::Plain(b"s1".to_vec()));
        assert_eq!(found.contains(&ana), number > 0);
    }
}
