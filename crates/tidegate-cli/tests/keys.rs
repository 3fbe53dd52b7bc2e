//! `tidegate keys` on every store, while an application counts there.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{
    Place,
    application::{Peer, worker},
    text,
};
use tidegate::{Block, Gate, Key, Limiter, Rule, Store, open_store};
use tidegate_testkit::servers::{RedisServer, postgres::PostgresServer};

const LIMITS: &str = "5/hour; 20/day";

/// An application's limiter, and the store that it shares.
fn application(url: &str) -> (Limiter, Arc<dyn Store>) {
    let store = open_store(url).unwrap();
    let rule = Rule::new("login", LIMITS.parse().unwrap());
    let limiter = Limiter::builder().rule(rule).shared_store(Arc::clone(&store)).build().unwrap();
    (limiter, store)
}

/// Looks at a key, resets it, and sees the application's next request admitted.
#[track_caller]
fn a_key_is_looked_at_and_reset(place: &Place, url: &str) {
    // It remembers refusals as any application does.
    let options = if url.starts_with("shared") { "" } else { "timeout=10s" };
    let joint = if url.contains('?') { "&" } else { "?" };
    let (limiter, _) = application(&format!("{url}{joint}{options}"));
    while limiter.check("user:42").unwrap().allowed {}
    let inspect =
        ["--json", "keys", "inspect", "user:42", "--store", url, "--rule", "login", "--limit"];
    let inspect = || place.run(&[&inspect[..], &["5/hour", "--limit", "20/day"]].concat()).json(0);

    let (hour, day) = (&inspect()[0], &inspect()[1]);
    assert_eq!(
        (&hour["used"], &hour["remaining"], &hour["capacity"]),
        (&5.into(), &0.into(), &5.into())
    );
    assert_eq!(
        (&hour["allowed"], &hour["rule"], &hour["key"]),
        (&false.into(), &"login".into(), &"user:42".into())
    );
    let wait = hour["retry_after"].as_f64().unwrap();
    assert!(wait > 600.0 && wait <= 720.0, "{wait}");
    assert!(hour["reset_after"].as_f64().unwrap() > 3000.0);
    assert_eq!((&day["used"], &day["remaining"]), (&5.into(), &15.into()));
    assert!(day["allowed"].as_bool().unwrap() && day["retry_after"].is_null());
    // Looking takes nothing.
    assert_eq!(inspect()[1]["used"], 5);

    let reset = ["keys", "reset", "user:42", "--store", url, "--rule", "login", "--limit", LIMITS];
    assert!(!limiter.check("user:42").unwrap().allowed, "and it has just been refused");
    let said = place.run(&reset).said(0);
    assert_eq!(said, "login: user:42 begins anew\n");
    assert!(limiter.check("user:42").unwrap().allowed);
    assert_eq!(inspect()[0]["used"], 1);
}

/// Lists what an application counts.
#[track_caller]
fn keys_are_listed(place: &Place, url: &str) {
    let (limiter, _) = application(url);
    for key in ["list:a", "list:b", "other", "list:\u{1b}[2J"] {
        limiter.check(key).unwrap();
    }
    limiter.check(&"x".repeat(500)).unwrap();
    let list = |words: &[&str]| {
        let common = ["keys", "list", "--store", url, "--rule", "login", "--limit", LIMITS];
        place.run(&[&common[..], words].concat())
    };

    let told = list(&["list:"]).said(0);
    let keys: Vec<_> = told.lines().skip(1).map(|line| line.split("  ").nth(1).unwrap()).collect();
    assert_eq!(keys, ["list:\\x1b[2J", "list:a", "list:b"], "{told}");
    let answer = list(&["--json"]).json(0);
    let answer = answer.as_array().unwrap();
    assert!(answer.iter().any(|it| it["key"].is_null() && it["digest"].is_string()));
    let other = answer.iter().find(|it| it["key"] == "other").unwrap();
    assert_eq!((&other["remaining"], &other["limit"]), (&4.into(), &5.into()));
    assert!(list(&["--most", "2"]).said(0).ends_with("\nthere are more than 2; see --most\n"));
}

#[test]
fn in_redis() {
    let (place, server) = (Place::new(), RedisServer::start());
    a_key_is_looked_at_and_reset(&place, &server.url());
    keys_are_listed(&place, &format!("{}?timeout=10s", server.url()));
}

#[test]
fn in_postgres() {
    let (place, server) = (Place::new(), PostgresServer::shared());
    let url = format!("{}&schema=cli_keys&timeout=20s", server.url());
    a_key_is_looked_at_and_reset(&place, &url);
    keys_are_listed(&place, &url);
}

#[test]
fn in_a_shared_file() {
    let place = Place::new();
    let url = format!("shared://{}", text(&place.path("table")));
    let told =
        place.run(&["keys", "inspect", "a", "--store", &url, "--rule", "login", "--limit", "1/s"]);
    assert!(told.complained(5).contains("there is no shared table at"));
    assert!(!place.path("table").exists());

    a_key_is_looked_at_and_reset(&place, &url);

    let told = place.run(&["keys", "list", "--store", &url, "--rule", "login", "--limit", LIMITS]);
    assert!(told.complained(2).contains("it keeps digests of them, and no text"));
}

#[test]
fn memory_is_another_processes_own() {
    let place = Place::new();
    for command in ["list", "inspect", "reset"] {
        let mut words = vec!["keys", command, "a", "--store", "memory://"];
        words.extend(["--rule", "a", "--limit", "1/s"]);
        let told = place.run(&words).complained(4);
        assert!(told.contains("live in the application's process alone"), "{told}");
    }
}

#[test]
fn by_the_rules_of_a_configuration() {
    let (place, server) = (Place::new(), RedisServer::start());
    let config = format!(
        "store = \"{}?timeout=10s\"\n\
         [[rules]]\nname = \"api\"\nkey = \"ip\"\nlimit = \"10/minute\"\n\
         [[rules]]\nname = \"pages\"\nkey = [\"ip\", \"path\"]\nlimit = \"3/hour\"\n\
         deny = [\"2001:db8::1|/x\"]\n\
         [[rules]]\nname = \"slots\"\nkey = \"ip\"\nlimit = \"7 concurrent\"\n",
        server.url()
    );
    place.write("tidegate.toml", &config);
    let store = open_store(&format!("{}?timeout=10s", server.url())).unwrap();
    let rule = Rule::new("api", "10/minute".parse().unwrap()).key(Key::Ip);
    let gate = Gate::builder().rule(rule).shared_store(store).build().unwrap();
    let facts = Peer("2001:db8::1:2:3");
    gate.admit(&facts).unwrap();

    // The whole network is what is counted, whichever address of it is typed.
    let answer = place.run(&["--json", "keys", "inspect", "2001:db8::ffff"]).json(0);
    assert_eq!(answer[0]["key"], "2001:db8::/64");
    assert_eq!((&answer[0]["used"], &answer[0]["rule"]), (&1.into(), &"api".into()));
    assert_eq!((&answer[1]["used"], &answer[1]["key"]), (&0.into(), &"2001:db8::ffff".into()));

    let table = place.run(&["keys", "inspect", "2001:db8::1"]).said(0);
    assert!(table.contains("requests in flight are not shown: slots (7 concurrent)"), "{table}");
    let words = ["--json", "keys", "inspect", "2001:db8::/64|/x", "--rule", "pages"];
    let answer = place.run(&words).json(0);
    assert_eq!((&answer[0]["list"], &answer[0]["used"]), (&"deny".into(), &0.into()));
    let told = place.run(&words[1..]).said(0);
    assert!(told.contains("pages has 2001:db8::/64|/x in its list `deny`"), "{told}");
    let told = place.run(&["keys", "inspect", "a", "--rule", "apy"]).complained(5);
    assert!(told.contains("no rule named `apy` (did you mean `api`?)"), "{told}");
    let reset = place.run(&["--json", "keys", "reset", "2001:db8::1", "--rule", "api"]).json(0);
    assert_eq!(reset.as_array().unwrap().len(), 1);
    let answer = place.run(&["--json", "keys", "inspect", "2001:db8::1", "--rule", "api"]).json(0);
    assert_eq!(answer[0]["used"], 0);
}

#[test]
fn what_is_missing_is_told() {
    let place = Place::new();
    let told = place.run(&["keys", "inspect", "a"]).complained(3);
    assert!(told.contains("there is no configuration"), "{told}");
    let told = place.run(&["keys", "inspect", "a", "--store", "redis://h", "--rule", "x"]);
    told.complained(3);
    assert_eq!(place.run(&["keys", "inspect", "a", "--limit", "1/s"]).exit, 2);
    let words = ["keys", "inspect", "a", "--rule", "x", "--limit", "1/s", "--store"];
    let told = place.run(&[&words[..], &["redis://:hunter2@127.0.0.1:1"]].concat()).complained(4);
    assert!(!told.contains("hunter2"), "{told}");
    let told = place.run(&[&words[..], &["redys://:hunter2@h"]].concat()).complained(3);
    assert!(told.contains("unknown store `redys://***@h`"), "{told}");
}

#[test]
fn in_the_memory_of_an_application() {
    let place = Place::new();
    let socket = text(&place.path("app.sock"));
    place.write(
        "tidegate.toml",
        &format!(
            "[admin]\nsocket = \"{socket}\"\n[[rules]]\nname = \"api\"\nkey = \"ip\"\nlimit = \"3/hour\"\n"
        ),
    );
    let told = place.run(&["keys", "inspect", "192.0.2.1"]).complained(4);
    assert!(told.contains("nobody listens at"), "{told}");
    let rule = Rule::new("api", "3/hour; 20/day".parse().unwrap()).key(Key::Ip);
    let rule = rule.block(Block::new(vec![Duration::from_secs(9000)]).unwrap());
    let (gate, admin) = worker(&place.path("app.sock"), Gate::builder().rule(rule), None);
    for _ in 0..4 {
        gate.admit(&Peer("2001:db8::1")).unwrap();
    }

    let answer = place.run(&["--json", "keys", "inspect", "2001:db8::2"]).json(0);
    assert_eq!((&answer[0]["used"], &answer[0]["key"]), (&3.into(), &"2001:db8::/64".into()));
    assert_eq!((&answer[1]["used"], &answer[1]["limit"]), (&3.into(), &"20/day".into()));
    assert_eq!(answer[0]["worker"], std::process::id());
    let said = place.run(&["keys", "inspect", "2001:db8::2"]).said(0);
    assert!(said.contains("\napi blocks 2001:db8::/64 for 2h"), "{said}");
    let said = place.run(&["keys", "list", "--admin", &socket]).said(0);
    assert!(said.contains("api   2001:db8::/64         4        1\n"), "{said}");
    assert!(said.contains("these are the busiest alone"), "{said}");
    let told = place.run(&["keys", "inspect", "a", "--rule", "apy"]).complained(5);
    assert!(told.contains("did you mean `api`?"), "{told}");

    let said = place.run(&["keys", "reset", "2001:db8::2"]).said(0);
    assert_eq!(said, "api: 2001:db8::/64 begins anew, workers told: 1\n");
    assert!(gate.admit(&Peer("2001:db8::1")).unwrap().allowed);
    admin.close();
}
