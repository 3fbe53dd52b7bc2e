//! What the tests of this crate share: links to a private server, asks, and chance.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test's set-up that fails fails the test")]

pub(crate) mod model;

use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use tidegate_core::{
    Key, Nanos, Program,
    algorithm::{FixedWindow, Gcra, LeakyQueue, SlidingWindowCounter, SlidingWindowLog},
};
use tidegate_postgres::{PostgresBackend, PostgresLink, PostgresUrl};
use tidegate_remote::{Ask, AskKind, Backend as _, Counter, Link as _, Name, RemoteError, Reply};
use tidegate_testkit::servers::postgres::PostgresServer;

/// A noon long ago, in nanoseconds since 1970.
pub(crate) const NOON: u64 = 1_700_000_000_000_000_000;

/// A deadline that only a server that hangs misses.
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

pub(crate) fn backend(url: &str) -> PostgresBackend {
    PostgresBackend::new(url.parse::<PostgresUrl>().unwrap())
}

pub(crate) fn connect(url: &str) -> Result<PostgresLink, RemoteError> {
    backend(url).connect(soon())
}

/// The shared server, and a URL to a schema of the test's own.
pub(crate) fn schema(name: &str) -> (Arc<PostgresServer>, String) {
    let server = PostgresServer::shared();
    let url = format!("{}&schema={name}", server.url());
    (server, url)
}

/// The shared server, and a link to a schema of the test's own.
pub(crate) fn link(name: &str) -> (Arc<PostgresServer>, PostgresLink) {
    let (server, url) = schema(name);
    let link = connect(&url).unwrap();
    (server, link)
}

/// The answers to `asks`, of which none may be an error.
pub(crate) fn exchange(link: &mut PostgresLink, asks: &[Ask]) -> Vec<Reply> {
    let mut replies = Vec::new();
    link.exchange(asks, &mut replies, soon()).unwrap();
    assert_eq!(replies.len(), asks.len());
    replies.into_iter().map(Result::unwrap).collect()
}

/// How many of one ask's requests were granted.
pub(crate) fn granted(link: &mut PostgresLink, ask: Ask) -> u32 {
    exchange(link, &[ask])[0].granted
}

pub(crate) fn name(subject: &str) -> Name {
    Name::new(&Key::new("rule", 1, subject.as_bytes()))
}

pub(crate) fn counter(subject: &str, program: &Program, cost: u32, at: Option<u64>) -> Counter {
    Counter { name: name(subject), program: program.clone(), cost, at: at.map(Nanos) }
}

/// `count` requests of cost 1 on one counter.
pub(crate) fn check(subject: &str, program: &Program, count: u32, at: Option<u64>) -> Ask {
    let counters = [counter(subject, program, 1, at)].into_iter().collect();
    Ask { counters, count, kind: AskKind::Check }
}

/// One request of cost 1 on several counters.
pub(crate) fn check_all(subjects: &[&str], program: &Program, at: Option<u64>) -> Ask {
    let counters = subjects.iter().map(|subject| counter(subject, program, 1, at)).collect();
    Ask { counters, count: 1, kind: AskKind::Check }
}

fn units(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

pub(crate) fn gcra(limit: u32, period: Nanos) -> Program {
    Program::Gcra(Gcra::new(units(limit), period))
}

/// One program of each algorithm: `limit` units per `period`.
pub(crate) fn programs(limit: u32, period: Nanos) -> [Program; 5] {
    let wait = period.saturating_mul(2);
    [
        Program::Gcra(Gcra::new(units(limit), period).with_burst(units(limit + 2))),
        Program::LeakyQueue(LeakyQueue::new(units(limit), period, wait)),
        Program::FixedWindow(FixedWindow::new(units(limit), period)),
        Program::SlidingWindowCounter(SlidingWindowCounter::new(units(limit), period)),
        Program::SlidingWindowLog(SlidingWindowLog::new(units(limit), period)),
    ]
}

/// Numbers by chance, the same in every run: splitmix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn small(&mut self, bound: u32) -> u32 {
        u32::try_from(self.below(u64::from(bound))).unwrap()
    }
}
