//! A master that changes, as sentinels see it.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::{SECOND, ask, connect, counter, granted, program, soon};
use tidegate_core::algorithm::Kind;
use tidegate_remote::{Link as _, RemoteError};
use tidegate_testkit::servers::{RedisSentinel, wait_until};

#[test]
fn the_master_is_followed() {
    let mut servers = RedisSentinel::start();
    let url = servers.url();
    let mut link = connect(&url);
    let gcra = program(Kind::Gcra, 5, 3_600 * SECOND);
    let two = ask([counter("api", "ana", &gcra)], 2);
    assert_eq!(granted(&mut link, &two), 2);
    wait_until("the replica has it, too", 5, || servers.replica.info("db0").starts_with("keys=1"));

    // Both go on, in each other's place: the link notices, and the next one is right.
    servers.change_places();
    let error = link.exchange(std::slice::from_ref(&two), &mut Vec::new(), soon()).unwrap_err();
    assert!(matches!(error, RemoteError::Unavailable { .. }), "{error:?}");
    assert_eq!(granted(&mut connect(&url), &ask([counter("api", "ana", &gcra)], 9)), 3);

    // The servers' names are of the beginning: the one that falls now is the master by now.
    servers.replica.stop();
    let back = || servers.master.info("role") == "master";
    wait_until("the first master is it again", 20, back);
    wait_until("the sentinels say so", 10, || common::backend(&url).connects());
    assert_eq!(granted(&mut connect(&url), &ask([counter("api", "bea", &gcra)], 9)), 5);

    // Sentinels take a while to notice; who is named is not believed before it says so itself.
    assert_eq!(servers.master.ask(&["REPLICAOF", "127.0.0.1", "1"]).text(), "OK");
    assert!(!common::backend(&url).connects(), "a replica was taken for the master");
}

/// Whether a connection can be made at this moment.
trait Connects {
    fn connects(&self) -> bool;
}

impl Connects for tidegate_redis::RedisBackend {
    fn connects(&self) -> bool {
        use tidegate_remote::Backend as _;
        self.connect(soon()).is_ok()
    }
}
