//! `tidegate stats` and `tidegate migrate`.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::{Place, text};
use tidegate::{Limiter, Rule, open_store};
use tidegate_testkit::servers::{RedisServer, postgres::PostgresServer};

/// Counts two keys of one rule with two limits, and one of another.
fn count(url: &str) {
    let store = open_store(url).unwrap();
    for (name, limit, keys) in [("a", "5/hour; 9/day", &["x", "y"][..]), ("b,\"", "1/day", &["x"])]
    {
        let rule = Rule::new(name, limit.parse().unwrap());
        let limiter = Limiter::builder().rule(rule).shared_store(store.clone()).build().unwrap();
        for key in keys {
            limiter.check(key).unwrap();
        }
    }
}

#[track_caller]
fn a_server_tells(place: &Place, url: &str) {
    count(url);
    let answer = place.run(&["stats", "--json", "--store", url]).json(0);
    let server = &answer["server"];

    assert_eq!((&server["health"], &server["complete"]), (&"up".into(), &true.into()));
    assert_eq!((&server["counters"], server["rules"].as_array().unwrap().len()), (&5.into(), 2));
    let rule = &server["rules"][0];
    assert_eq!(
        (&rule["rule"], &rule["keys"], &rule["counters"]),
        (&"a".into(), &2.into(), &4.into())
    );
    assert!(server["clock_ahead"].as_f64().unwrap().abs() < 30.0);
    assert!(server["first_answer"].as_f64().unwrap() > 0.0);
    let said = place.run(&["stats", "--store", url]).said(0);
    assert!(said.contains("health") && said.contains("\nrule  keys  counters\n"), "{said}");
    assert!(said.contains("\na        2         4\n"), "{said}");

    place.run(&["stats", "--store", url, "--export", "s.csv"]).said(0);
    let csv = place.read("s.csv");
    assert!(csv.starts_with("time,store,rule,measure,value\r\n"), "{csv}");
    assert!(csv.contains(",a,keys,2\r\n") && csv.contains(",\"b,\"\"\",counters,1\r\n"), "{csv}");
    place.run(&["stats", "--store", url, "--export", "s.json"]).said(0);
    let again: serde_json::Value = serde_json::from_str(&place.read("s.json")).unwrap();
    assert_eq!(again["server"]["counters"], 5);
}

#[test]
fn of_redis() {
    let (place, server) = (Place::new(), RedisServer::start());
    a_server_tells(&place, &format!("{}?timeout=10s", server.url()));

    let url = format!("{}?timeout=10s", server.url());
    let cut = place.run(&["stats", "--store", &url, "--most", "1"]).said(0);
    // A page holds more than that.
    assert!(cut.contains("counters             5\n"), "{cut}");
    let told = place.run(&["stats", "--store", &url, "--export", "s.txt"]).complained(2);
    assert!(told.contains("expected .json or .csv"), "{told}");
}

#[test]
fn of_postgres() {
    let (place, server) = (Place::new(), PostgresServer::shared());
    a_server_tells(&place, &format!("{}&schema=cli_stats&timeout=20s", server.url()));
}

#[test]
fn of_a_shared_file() {
    let place = Place::new();
    let url = format!("shared://{}?capacity=1024", text(&place.path("table")));
    count(&url);

    let answer = place.run(&["stats", "--json", "--store", &url]).json(0);

    assert_eq!((&answer["table"]["capacity"], &answer["table"]["live"]), (&1024.into(), &5.into()));
    assert!(answer["server"].is_null());
    let said = place.run(&["stats", "--store", &url]).said(0);
    assert!(said.contains("keys not at full quota  5\n"), "{said}");
    place.run(&["stats", "--store", &url, "--export", "s.csv"]).said(0);
    assert!(place.read("s.csv").contains(",,live,5\r\n"));
}

#[test]
fn of_what_cannot_tell() {
    let place = Place::new();
    place.run(&["stats", "--store", "memory://"]).complained(4);
    place.run(&["stats", "--store", "redis://127.0.0.1:1"]).complained(4);
    place.run(&["stats", "--store", "shared://nobody-made-this"]).complained(5);
}

#[test]
fn the_schema_is_made_once() {
    let (place, server) = (Place::new(), PostgresServer::shared());
    let url = format!("{}&schema=cli%20migrate&auto_migrate=false&timeout=20s", server.url());
    let there = "SELECT count(*) FROM pg_namespace WHERE nspname = 'cli migrate'";

    let sql = place.run(&["migrate", "--print", "--store", &url]).said(0);
    assert!(sql.contains("\"cli migrate\"") && sql.contains("UNLOGGED TABLE"), "{sql}");
    let logged = format!("{url}&unlogged=false");
    let sql = place.run(&["migrate", "--print", "--store", &logged]).said(0);
    assert!(!sql.contains("UNLOGGED TABLE"), "{sql}");
    assert_eq!(server.psql(there), "0");

    let said = place.run(&["migrate", "--store", &url]).said(0);
    assert_eq!(said, "the schema `cli migrate` is made, or brought up to date\n");
    assert_eq!(server.psql(there), "1");
    let answer = place.run(&["--json", "migrate", "--store", &url]).json(0);
    assert_eq!((&answer["schema"], &answer["changed"]), (&"cli migrate".into(), &false.into()));
    let told = place.run(&["migrate", "--store", "redis://h"]).complained(2);
    assert!(told.contains("`redis://h` needs no schema"), "{told}");
}
