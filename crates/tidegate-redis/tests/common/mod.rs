//! What the tests of this crate share: short ways to ask, and the algorithms run directly.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

pub mod twin;

use std::time::{Duration, Instant};

use tidegate_core::{Change, Key, Limit, LimitSpec, Nanos, Period, Program, algorithm::Kind};
use tidegate_redis::{RedisBackend, RedisLink};
use tidegate_remote::{
    Ask, AskKind, Backend as _, Counter, Fix, Link as _, Name, RemoteError, Reply,
};

/// A time by hand: Friday, 15 November 2030, in the morning.
pub const START: u64 = 1_920_964_800_000_000_000;
pub const SECOND: u64 = 1_000_000_000;

/// When a call must be over that is not about time.
pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

pub fn backend(url: &str) -> RedisBackend {
    RedisBackend::from_url(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

pub fn connect(url: &str) -> RedisLink {
    backend(url).connect(soon()).unwrap_or_else(|error| panic!("{url}: {error}"))
}

pub fn program(algorithm: Kind, limit: u32, period: u64) -> Program {
    program_of(LimitSpec::new(algorithm, limit, Period::Span(Nanos(period))))
}

pub fn program_of(spec: LimitSpec) -> Program {
    let limit = Limit::new(spec).unwrap();
    // How a limit is counted does not depend on where the server is.
    backend("redis://nowhere").program(&limit).unwrap()
}

pub fn name(rule: &str, subject: &str) -> Name {
    Name::new(&Key::new(rule, 1, subject.as_bytes()))
}

/// A counter that costs 1 and goes by the server's clock.
pub fn counter(rule: &str, subject: &str, program: &Program) -> Counter {
    Counter { name: name(rule, subject), program: program.clone(), cost: 1, at: None }
}

pub fn ask(counters: impl IntoIterator<Item = Counter>, count: u32) -> Ask {
    Ask { counters: counters.into_iter().collect(), count, kind: AskKind::Check }
}

pub fn fix(counter: &Counter, change: Change) -> Fix {
    Fix { name: counter.name.clone(), program: counter.program.clone(), at: counter.at, change }
}

pub fn exchange(link: &mut RedisLink, asks: &[Ask]) -> Vec<Result<Reply, RemoteError>> {
    let mut replies = Vec::new();
    link.exchange(asks, &mut replies, soon()).unwrap();
    assert_eq!(replies.len(), asks.len(), "one answer for each ask");
    replies
}

pub fn one(link: &mut RedisLink, ask: &Ask) -> Reply {
    exchange(link, std::slice::from_ref(ask)).remove(0).unwrap()
}

pub fn granted(link: &mut RedisLink, ask: &Ask) -> u32 {
    one(link, ask).granted
}

/// Numbers that look random and are the same in every run: xorshift.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The upper bits are the better ones.
        (self.0 >> 16) % end.max(1)
    }

    pub fn count(&mut self, end: u64) -> u32 {
        u32::try_from(self.below(end)).unwrap()
    }
}
