//! `tidegate monitor` without a terminal: one screen, one sample, and what is wrong.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::{
    Place,
    application::{Peer, worker},
    text,
};
use tidegate::{Gate, Key, Limiter, Rule, open_store};
use tidegate_testkit::servers::RedisServer;

#[test]
fn of_an_application() {
    let place = Place::new();
    let socket = place.path("t.sock");
    let told = place.run(&["monitor", "--once", "--admin", &text(&socket)]).complained(4);
    assert!(told.contains("nobody listens at"), "{told}");
    place.run(&["monitor"]).complained(3);

    let rule = Rule::new("api", "3/hour".parse().unwrap()).key(Key::Ip);
    let (gate, _admin) = worker(&socket, Gate::builder().rule(rule), None);
    for _ in 0..5 {
        gate.admit(&Peer("192.0.2.1")).unwrap();
    }
    let words = ["monitor", "--admin", &text(&socket), "--interval", "100ms"];
    let shown = place.run(&[&words[..], &["--once", "--size", "100x30"]].concat()).said(0);
    assert_eq!(shown.lines().count(), 30);
    assert!(shown.contains("5 in all, 2 refused, 0 failed") && shown.contains("memory"), "{shown}");
    let key = shown.lines().find(|line| line.contains("192.0.2.1")).unwrap();
    let cells: Vec<_> = key.trim_matches('│').split_whitespace().collect();
    assert_eq!(cells, ["192.0.2.1", "api", "5", "2", "40.0", "%"]);

    let answer = place.run(&[&words[..], &["--json"]].concat()).json(0);
    assert_eq!((&answer["requests"], &answer["admitted"]), (&5.into(), &3.into()));
    assert_eq!(answer["reasons"], serde_json::json!({ "limit": 2 }));
    assert_eq!(answer["workers"], serde_json::json!([std::process::id()]));
}

#[test]
fn of_a_store_alone() {
    let (place, server) = (Place::new(), RedisServer::start());
    let url = format!("{}?timeout=10s", server.url());
    let store = open_store(&url).unwrap();
    let rule = Rule::new("api", "4/hour".parse().unwrap());
    let limiter = Limiter::builder().rule(rule).shared_store(store).build().unwrap();
    for key in ["alice", "bob", "bob", "bob", "bob", "bob"] {
        limiter.check(key).unwrap();
    }
    let row = |shown: &str, key: &str| -> Vec<String> {
        let line = shown.lines().find(|line| line.contains(key)).unwrap();
        line.trim_matches('│').split_whitespace().map(str::to_owned).collect()
    };

    let words = ["monitor", "--store", &url];
    let shown = place.run(&[&words[..], &["--once"]].concat()).said(0);
    assert!(shown.contains("up, answers in") && shown.contains("2 keys"), "{shown}");
    assert_eq!(row(&shown, "alice"), ["alice", "api", "-", "-", "-"]);

    place.write("tidegate.toml", "[[rules]]\nname = \"api\"\nkey = \"user\"\nlimit = \"4/hour\"\n");
    let shown = place.run(&[&words[..], &["--once"]].concat()).said(0);
    assert_eq!(row(&shown, "alice"), ["alice", "api", "1", "3", "25.0", "%"]);
    assert_eq!(row(&shown, "bob")[..6], ["bob", "api", "4", "0", "100.0", "%"]);
    let answer = place.run(&[&words[..], &["--json"]].concat()).json(0);
    assert_eq!((&answer["up"], &answer["complete"]), (&true.into(), &true.into()));
    let keys = answer["keys"].as_array().unwrap();
    let bob = keys.iter().find(|key| key["key"] == "bob").unwrap();
    assert_eq!((&bob["standing"]["used"], &bob["standing"]["allowed"]), (&4.into(), &false.into()));

    drop(server);
    place.run(&["monitor", "--once", "--store", &url.replace("10s", "200ms")]).complained(4);
}

#[test]
fn what_makes_no_sense() {
    let place = Place::new();
    for (words, says) in [
        (&["--interval", "soon"][..], "soon"),
        (&["--interval", "2h"], "not from 100ms to 1h"),
        (&["--interval", "0"], "`0`"),
        (&["--store", "redis://h", "--admin", "x"], "cannot be used with"),
    ] {
        let ran = place.run(&[&["monitor"], words].concat());
        assert_eq!(ran.exit, 2, "{ran:?}");
        assert!(ran.err.contains(says), "{ran:?}");
    }
    let told = place.run(&["monitor", "--once", "--size", "8x4", "--admin", "x"]).complained(2);
    assert!(told.contains("from 40x12 to 500x200"), "{told}");
    place.run(&["monitor", "--once", "--store", "memory://"]).complained(4);
    let table = format!("shared://{}", text(&place.path("table")));
    place.run(&["monitor", "--once", "--store", &table]).complained(5);
    open_store(&table).unwrap();
    let told = place.run(&["monitor", "--once", "--store", &table]).complained(2);
    assert!(told.contains("cannot list its keys"), "{told}");
}
