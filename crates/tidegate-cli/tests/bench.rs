//! `tidegate bench`: that it measures what it says, not how fast this machine is.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::Place;
use tidegate_testkit::servers::{RedisServer, postgres::PostgresServer};

#[test]
fn both_local_stores_are_measured_under_every_algorithm() {
    let place = Place::new();
    let words = ["bench", "--json", "--seconds", "0.01", "--keys", "100", "--threads", "2"];
    let answer = place.run(&words).json(0);

    let rows = answer.as_array().unwrap();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let is_there = row["unsupported"].is_null();
        // A shared table has no room for logs.
        let is_log = row["algorithm"] == "sliding_window_log" && row["store"] == "shared://";
        assert_eq!(is_there, !is_log, "{row}");
        if is_there {
            assert!(row["checks"].as_u64().unwrap() > 0 && row["median"].as_f64().unwrap() > 0.0);
            assert!(row["p99"].as_f64().unwrap() <= row["longest"].as_f64().unwrap());
        }
    }
}

#[test]
fn a_server_is_measured_by_its_answers() {
    let (place, redis, postgres) = (Place::new(), RedisServer::start(), PostgresServer::shared());
    let before: u64 = redis.info("total_commands_processed").parse().unwrap();
    let postgres = format!("{}&schema=cli_bench&timeout=20s", postgres.url());
    let redis_url = format!("{}?timeout=10s", redis.url());
    let words = ["bench", "--seconds", "0.05", "--algorithm", "gcra", "--keys", "2", "--json"];
    let answer = place.run(&[&words[..], &["--store", &redis_url, "--store", &postgres]].concat());
    let answer = answer.json(0);

    assert_eq!(answer[0]["algorithm"], "gcra");
    assert!(answer[1]["checks"].as_u64().unwrap() > 0);
    let asked = redis.info("total_commands_processed").parse::<u64>().unwrap() - before;
    let checks = answer[0]["checks"].as_u64().unwrap();
    assert!(asked >= checks, "{checks} checks by {asked} commands");
}

#[test]
fn what_cannot_be_measured_is_told() {
    let place = Place::new();
    place.run(&["bench", "--store", "redis://127.0.0.1:1", "--seconds", "0.01"]).complained(4);
    for words in [["--seconds", "0"], ["--algorithm", "fair"], ["--threads", "0"]] {
        assert_eq!(place.run(&[&["bench"][..], &words].concat()).exit, 2);
    }
    let said = place.run(&["bench", "--seconds", "0.01", "--algorithm", "gcra"]).said(0);
    assert!(said.contains("1 thread for 10ms each, 10000 keys"), "{said}");
}
