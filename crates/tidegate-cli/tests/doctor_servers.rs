//! `tidegate doctor` on stores of several Redis servers.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::Place;
use serde_json::Value;
use tidegate_testkit::servers::{RedisCluster, RedisSentinel, RedisServer, wait_until};

/// The findings about a part: level and message.
fn about<'f>(findings: &'f Value, part: &str) -> Vec<(&'f str, &'f str)> {
    let all = findings.as_array().unwrap().iter().filter(|it| it["about"] == part);
    all.map(|it| (it["level"].as_str().unwrap(), it["message"].as_str().unwrap())).collect()
}

/// Has a server throw counters away.
fn evict(server: &RedisServer) {
    for (name, value) in [("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lru")] {
        assert_eq!(server.ask(&["CONFIG", "SET", name, value]).text(), "OK");
    }
}

fn doctor(place: &Place, url: &str, exit: i32) -> Value {
    let joint = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{joint}timeout=20s");
    place.run(&["doctor", "--json", "--store", &url]).json(exit)
}

#[test]
fn the_master_that_sentinels_name_is_asked() {
    let (place, all) = (Place::new(), RedisSentinel::start());
    let at = |server: &RedisServer| format!("127.0.0.1:{}: ", server.port());

    let answer = doctor(&place, &all.url(), 0);
    assert_eq!(about(&answer, "sentinels"), [("ok", "2 of 2 answer")]);
    let expected = format!("{}maxmemory-policy is noeviction", at(&all.master));
    assert_eq!(about(&answer, "eviction"), [("ok", &*expected)]);
    assert_eq!(about(&answer, "clock")[0].0, "ok", "{answer}");

    // What the replica does is nobody's business, until it is the master.
    evict(&all.replica);
    assert_eq!(about(&doctor(&place, &all.url(), 0), "eviction")[0].0, "ok");
    all.change_places();
    let answer = doctor(&place, &all.url(), 1);
    let (level, message) = about(&answer, "eviction")[0];
    assert!(level == "problem" && message.starts_with(&at(&all.replica)), "{answer}");
    assert!(message.contains("allkeys-lru"), "{answer}");
}

#[test]
fn sentinels_that_are_away_or_know_nothing() {
    let (place, all) = (Place::new(), RedisSentinel::start());
    let with = |change: &dyn Fn(&str) -> String| change(&all.url());
    // A port that nobody listens on, in place of the second sentinel's.
    let lonely = with(&|url| {
        let (hosts, master) = url.rsplit_once('/').unwrap();
        format!("{},127.0.0.1:1/{master}", hosts.split(',').next().unwrap())
    });

    let answer = doctor(&place, &lonely, 0);
    let (level, message) = about(&answer, "sentinels")[0];
    assert!(level == "warning" && message.starts_with("1 of 2 answer; 127.0.0.1:1: "), "{answer}");
    assert_eq!(about(&answer, "eviction")[0].0, "ok", "{answer}");

    let three = with(&|url| url.replace("/tide", ",127.0.0.1:1/tide"));
    let answer = doctor(&place, &three, 0);
    let (level, message) = about(&answer, "sentinels")[0];
    assert!(level == "warning" && message.starts_with("2 of 3 answer"), "{answer}");

    let unknown = with(&|url| url.replace("/tide", "/tied"));
    let answer = place.run(&["doctor", "--json", "--store", &unknown]).json(1);
    let told = about(&answer, "sentinels");
    assert!(told.contains(&("problem", "they know no master `tied`")), "{answer}");

    let away = "redis+sentinel://:hunter2@127.0.0.1:1,127.0.0.1:2/tide";
    let answer = place.run(&["doctor", "--json", "--store", away]).json(1);
    let (level, message) = about(&answer, "sentinels")[0];
    assert!(level == "problem" && message.starts_with("0 of 2 answer"), "{answer}");
    assert_eq!(about(&answer, "eviction")[0].0, "skipped", "{answer}");
    assert!(!answer.to_string().contains("hunter2"), "{answer}");
}

#[test]
fn sentinels_are_asked_by_tls() {
    let (place, all) = (Place::new(), RedisSentinel::start_tls());

    let answer = doctor(&place, &all.tls_url(), 0);

    assert_eq!(about(&answer, "sentinels"), [("ok", "2 of 2 answer")]);
    let expected = format!("localhost:{}: maxmemory-policy is noeviction", all.master.port());
    assert_eq!(about(&answer, "eviction"), [("ok", &*expected)]);
}

#[test]
fn every_primary_of_a_cluster_is_asked() {
    let (place, mut cluster) = (Place::new(), RedisCluster::start());

    let answer = doctor(&place, &cluster.url(), 0);
    let whole = ("ok", "16384 of 16384 slots are served, by 3 primaries");
    assert_eq!(about(&answer, "cluster"), [whole]);
    let told = about(&answer, "eviction");
    for node in &cluster.nodes[..3] {
        let expected = format!("127.0.0.1:{}: maxmemory-policy is noeviction", node.port());
        assert!(told.contains(&("ok", &*expected)), "{answer}");
    }
    assert_eq!(told.len(), 3, "{answer}");
    // One for each, and one for whichever the store has asked.
    assert_eq!(about(&answer, "clock").len(), 4, "{answer}");

    evict(&cluster.nodes[1]);
    evict(&cluster.nodes[5]);
    let answer = doctor(&place, &cluster.url(), 1);
    let problems: Vec<_> =
        about(&answer, "eviction").into_iter().filter(|(level, _)| *level == "problem").collect();
    let at = format!("127.0.0.1:{}: maxmemory-policy is allkeys-lru", cluster.nodes[1].port());
    assert!(problems.len() == 1 && problems[0].1.starts_with(&at), "{answer}");

    // A node that is away is passed over; its replica is a primary now.
    cluster.nodes[0].stop();
    let port = i64::from(cluster.nodes[3].port());
    wait_until("the replica is a primary", 20, || {
        let ranges = cluster.nodes[1].ask(&["CLUSTER", "SLOTS"]);
        ranges.list().iter().any(|range| range.list()[2].list()[1].number() == Some(port))
    });
    let answer = doctor(&place, &cluster.url(), 1);
    let told = about(&answer, "cluster");
    assert_eq!((told[0], told[1].0), (whole, "warning"), "{answer}");
    assert!(about(&answer, "eviction").iter().any(|(_, it)| it.contains(&port.to_string())));
}

#[test]
fn a_cluster_by_tls_and_one_that_is_away() {
    let (place, cluster) = (Place::new(), RedisCluster::start_tls());
    let answer = doctor(&place, &cluster.tls_url(), 0);
    assert_eq!(about(&answer, "eviction").len(), 3, "{answer}");
    assert!(about(&answer, "eviction").iter().all(|(level, _)| *level == "ok"), "{answer}");

    let away = "redis+cluster://:hunter2@127.0.0.1:1";
    let answer = place.run(&["doctor", "--json", "--store", away]).json(1);
    let (level, message) = about(&answer, "eviction")[0];
    assert!(level == "skipped" && message.contains("no node answers: 127.0.0.1:1"), "{answer}");
    assert!(!answer.to_string().contains("hunter2"), "{answer}");
}
