//! A cluster: many slots, slots that move, a master that falls.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::{collections::BTreeSet, slice};

use common::{SECOND, ask, backend, connect, counter, exchange, fix, granted, one, program, soon};
use tidegate_core::{Change, Program, algorithm::Kind};
use tidegate_remote::{Ask, AskKind, Backend as _, Link as _, Page};
use tidegate_testkit::servers::{RedisCluster, wait_until};

const HOUR: u64 = 3_600 * SECOND;

fn five() -> Program {
    program(Kind::Gcra, 5, 24 * HOUR)
}

fn key(rule: &str, subject: &str) -> String {
    format!("tidegate:{}", common::name(rule, subject))
}

/// A subject whose counters live on the node of this number.
fn subject_on(cluster: &RedisCluster, node: usize) -> String {
    let mut subjects = (0..1_000).map(|index| format!("on{node}-{index}"));
    subjects.find(|subject| cluster.owner(&key("api", subject)) == node).unwrap()
}

fn peek(link: &mut tidegate_redis::RedisLink, rule: &str, subject: &str) -> u32 {
    let mut look = ask([counter(rule, subject, &five())], 1);
    look.kind = AskKind::Peek;
    one(link, &look).decisions(&look)[0][0].remaining
}

#[test]
fn a_cluster_decides_as_one_server_does() {
    let mut cluster = RedisCluster::start();
    many_slots_at_once(&cluster);
    several_slots_in_one_ask(&cluster);
    a_slot_that_moves(&cluster);
    all_masters_are_listed(&cluster);
    a_master_that_falls(&mut cluster);
}

fn many_slots_at_once(cluster: &RedisCluster) {
    let mut link = connect(&cluster.url());
    let asks: Vec<Ask> = (0..300)
        .map(|index| ask([counter("many", &format!("s{}", index % 100), &five())], 2))
        .collect();

    let granted: Vec<_> =
        exchange(&mut link, &asks).into_iter().map(|reply| reply.unwrap().granted).collect();

    assert_eq!(granted[..200], [2; 200]);
    assert_eq!(granted[200..], [1; 100]);
    for node in &cluster.nodes[..3] {
        assert!(node.ask(&["DBSIZE"]).number().unwrap() > 10, "all nodes take part");
        assert_eq!(node.ask(&["SCRIPT", "FLUSH"]).text(), "OK");
    }
    let again = exchange(&mut link, &asks[..100]);
    assert!(again.into_iter().all(|reply| reply.unwrap().granted == 0));

    let fixes: Vec<_> = (0..100)
        .map(|index| fix(&counter("many", &format!("s{index}"), &five()), Change::Reset))
        .collect();
    link.adjust(&fixes, soon()).unwrap();
    assert!((0..100).all(|index| peek(&mut link, "many", &format!("s{index}")) == 5));
    assert!(link.time(soon()).is_ok());
}

fn several_slots_in_one_ask(cluster: &RedisCluster) {
    let mut link = connect(&cluster.url());
    let (a, b, c) = (subject_on(cluster, 0), subject_on(cluster, 1), subject_on(cluster, 2));
    let counters = || {
        [counter("span", &a, &five()), counter("span", &b, &five()), counter("span", &c, &five())]
    };
    assert_eq!(granted(&mut link, &ask([counter("span", &c, &five())], 3)), 3);

    let spanning = ask(counters(), 4);
    let reply = one(&mut link, &spanning);

    assert_eq!(reply.granted, 2);
    let decisions = reply.decisions(&spanning);
    assert_eq!(decisions[1].iter().map(|one| one.remaining).collect::<Vec<_>>(), [3, 3, 0]);
    assert!(!decisions[2][2].is_allowed());
    // What the first two had admitted beyond that was given back.
    assert_eq!([&a, &b, &c].map(|subject| peek(&mut link, "span", subject)), [3, 3, 0]);
    assert_eq!(granted(&mut link, &spanning), 0);
    assert_eq!([&a, &b, &c].map(|subject| peek(&mut link, "span", subject)), [3, 3, 0]);
    let mut never = ask(counters(), 1);
    never.counters[2].cost = 6;
    assert_eq!(granted(&mut link, &never), 0);
    assert_eq!(peek(&mut link, "span", &a), 3);
}

/// Moves a slot by hand, and asks while it is on its way and when it has come.
fn a_slot_that_moves(cluster: &RedisCluster) {
    let mut link = connect(&cluster.url());
    let mut stranger = connect(&cluster.url());
    let subject = subject_on(cluster, 0);
    let check = |count| ask([counter("move", &subject, &five())], count);
    assert_eq!(granted(&mut stranger, &check(1)), 1);
    let (from, to) = (&cluster.nodes[0], &cluster.nodes[1]);
    let (from_id, to_id) =
        (from.ask(&["CLUSTER", "MYID"]).text(), to.ask(&["CLUSTER", "MYID"]).text());
    let slot = from.ask(&["CLUSTER", "KEYSLOT", &key("move", &subject)]).text();
    assert_eq!(to.ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]).text(), "OK");
    assert_eq!(from.ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]).text(), "OK");

    // A key that is still there is decided there; one that is not, where the slot goes to.
    assert_eq!(granted(&mut link, &check(1)), 1);
    let fresh = ask([counter("fresh", &subject, &five())], 9);
    assert_eq!(granted(&mut link, &fresh), 5);
    assert_eq!(granted(&mut link, &fresh), 0);

    let keys = from.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]);
    let port = to.port().to_string();
    for key in keys.list() {
        let moved = from.ask(&["MIGRATE", "127.0.0.1", &port, &key.text(), "0", "5000"]);
        assert_eq!(moved.text(), "OK");
    }
    for node in [to, from, &cluster.nodes[2]] {
        assert_eq!(node.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]).text(), "OK");
    }
    assert_eq!(granted(&mut link, &check(9)), 3);
    assert_eq!(granted(&mut stranger, &check(9)), 0);
    let reset = fix(&counter("move", &subject, &five()), Change::Reset);
    stranger.adjust(&[reset], soon()).unwrap();
    assert_eq!(granted(&mut stranger, &check(9)), 5);
}

fn all_masters_are_listed(cluster: &RedisCluster) {
    let mut link = connect(&cluster.url());
    for index in 0..90 {
        granted(&mut link, &ask([counter("list", &format!("s{index}"), &five())], 1));
    }
    let mut page = Page { rule: Some("list".to_owned()), size: 10, ..Page::default() };
    let mut found = BTreeSet::new();
    loop {
        let listed = link.list(&page, soon()).unwrap();
        found.extend(listed.counters);
        page.after = listed.next;
        if page.after.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 90);
}

fn a_master_that_falls(cluster: &mut RedisCluster) {
    let backend = backend(&cluster.url());
    let mut link = backend.connect(soon()).unwrap();
    let (fallen, other) = (subject_on(cluster, 0), subject_on(cluster, 2));
    let on_fallen = ask([counter("fall", &fallen, &five())], 2);
    assert_eq!(granted(&mut link, &on_fallen), 2);
    let size = cluster.nodes[0].ask(&["DBSIZE"]).number();
    wait_until("the replica has all of it", 5, || {
        cluster.nodes[3].ask(&["DBSIZE"]).number() == size
    });

    cluster.nodes[0].stop();
    let asks = [on_fallen.clone(), ask([counter("fall", &other, &five())], 1)];
    let replies = exchange(&mut link, &asks);
    assert!(
        replies[0].as_ref().is_err_and(tidegate_remote::RemoteError::is_temporary),
        "{replies:?}"
    );
    assert_eq!(replies[1].as_ref().unwrap().granted, 1, "the others go on");

    let rest = ask([counter("fall", &fallen, &five())], 9);
    let mut decided = None;
    wait_until("the replica has taken over", 15, || {
        let mut replies = Vec::new();
        if link.exchange(slice::from_ref(&rest), &mut replies, soon()).is_err() {
            link = backend.connect(soon()).unwrap();
        }
        decided = replies.pop().and_then(Result::ok);
        decided.is_some()
    });
    assert_eq!(decided.unwrap().granted, 3, "what was admitted before still counts");
}
