//! Redis: one server, watched by sentinels, and in a cluster.

use std::{cell::RefCell, path::Path, thread, time::Duration};

use tidegate_testkit::servers::{RedisCluster, RedisSentinel, RedisServer, Resp, wait_until};

use super::harness::{Counts, Trial};

fn told(server: &RedisServer, words: &[&str]) {
    assert_eq!(server.ask(words).text(), "OK", "{words:?}");
}

#[test]
fn redis_stops_and_starts_again_empty() {
    let server = RefCell::new(RedisServer::start());
    let trial = Trial::new(&server.borrow().url());
    trial.survives(Counts::Gone, || server.borrow_mut().stop(), || server.borrow_mut().restart());
}

#[test]
fn redis_stands_still() {
    let server = RedisServer::start();
    Trial::new(&server.url()).survives(Counts::Kept, || server.freeze(), || server.thaw());
}

#[test]
fn redis_is_slow() {
    let server = RedisServer::start();
    let slow = || told(&server, &["CLIENT", "PAUSE", "2000", "ALL"]);
    // It ends by itself: who is paused cannot say that it should.
    let end = || wait_until("the pause is over", 10, || server.ask(&["PING"]).text() == "PONG");
    Trial::new(&server.socket_url()).survives(Counts::Kept, slow, end);
}

#[test]
fn redis_is_full() {
    let server = RedisServer::start();
    let full = || told(&server, &["CONFIG", "SET", "maxmemory", "1"]);
    let end = || told(&server, &["CONFIG", "SET", "maxmemory", "0"]);
    Trial::new(&server.url()).survives(Counts::Kept, full, end);
}

#[test]
fn redis_wants_a_password_all_of_a_sudden() {
    let server = RedisServer::start();
    let socket = server.socket_url();
    let path = socket.trim_start_matches("unix://");
    // Who is in stays in.
    let inside = RefCell::new(Resp::connect(Path::new(path)).unwrap());
    let say = |words: &[&str]| inside.borrow_mut().ask(words).unwrap();
    let refuse = || {
        assert_eq!(say(&["CONFIG", "SET", "requirepass", "sesame"]).text(), "OK");
        assert!(say(&["CLIENT", "KILL", "TYPE", "normal"]).number() > Some(0));
    };
    let end = || assert_eq!(say(&["CONFIG", "SET", "requirepass", ""]).text(), "OK");
    Trial::new(&server.url()).survives(Counts::Kept, refuse, end);
}

#[test]
fn a_master_falls_and_sentinels_name_another() {
    let servers = RefCell::new(RedisSentinel::start());
    let trial = Trial::new(&servers.borrow().url());
    let fall = || {
        let behind = || {
            let servers = servers.borrow();
            let [there, here] = [&servers.master, &servers.replica].map(|one| one.info("db0"));
            there.split(',').next() != here.split(',').next()
        };
        wait_until("the replica has it all", 10, || !behind());
        servers.borrow_mut().master.stop();
    };
    trial.survives(Counts::Kept, fall, || servers.borrow().wait_for_replica());
}

#[test]
fn a_node_of_a_cluster_falls() {
    let cluster = RedisCluster::start();
    let owner = cluster.owner("{of the first}");
    // All keys are that node's; what others serve is not in trouble.
    let names: Vec<String> = (0..)
        .map(|number| format!("user-{number}"))
        .filter(|name| cluster.owner(&format!("{{{name}}}")) == owner)
        .take(50)
        .collect();
    let trial = Trial::with_keys(&cluster.url(), move |number| names[number].clone());
    let cluster = RefCell::new(cluster);
    let fall = || {
        // What is on its way to the replica gets there.
        thread::sleep(Duration::from_millis(50));
        cluster.borrow_mut().nodes[owner].stop();
    };
    let end = || {
        let replica = &cluster.borrow().nodes[owner + 3];
        wait_until("the replica takes over", 20, || replica.info("role") == "master");
    };
    trial.survives(Counts::Kept, fall, end);
}

/// A full server still refuses whom it has refused before, for that it writes nothing. Such an
/// answer looks like a recovery, and must not make anybody's local counts begin anew.
#[test]
fn a_full_redis_that_still_refuses_gives_nobody_a_fresh_burst() {
    let server = RedisServer::start();
    let full = || told(&server, &["CONFIG", "SET", "maxmemory", "1"]);
    // Denials are asked about each time, and pauses are short, so that health changes often.
    let url = format!("{}?recheck=0s&pause=20ms", server.url());
    Trial::new(&url).admits_no_more_while_health_changes(full);
}
