//! Real servers for tests, each private to its test and gone with it.
//!
//! A program that is missing fails the test that needs it, and says what to install: a test
//! that passes because nothing was tested is worse than one that fails. Readiness is found out
//! by asking.

mod certificates;
pub mod pgbouncer;
mod port;
pub mod postgres;
mod process;
mod redis;
mod redis_cluster;
mod redis_sentinel;
mod resp;

use std::{
    thread,
    time::{Duration, Instant},
};

pub use certificates::Certificates;
pub use redis::{RedisOptions, RedisServer};
pub use redis_cluster::RedisCluster;
pub use redis_sentinel::RedisSentinel;
pub use resp::{Answer, Resp};

/// Asks until the answer is yes.
///
/// # Panics
///
/// When it is not after `seconds`; the message says what was waited for.
pub fn wait_until(what: &str, seconds: u64, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !ready() {
        assert!(Instant::now() < deadline, "not after {seconds} s: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
