//! What the tests of the algorithms share: random numbers, random limits, and a key of any
//! algorithm.

// Every test file is a crate of its own and uses its part of this.
#![allow(dead_code, reason = "no test file uses all of it")]

mod key;
mod rng;

use std::num::NonZeroU32;

pub(crate) use key::Key;
pub(crate) use rng::Rng;
use tidegate_core::{Limit, LimitSpec, Nanos, Period, algorithm::Kind};

/// `n`, which is not zero.
pub(crate) fn units(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("tests ask for some units")
}

/// The shapes of limit that the core tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Gcra,
    Strict,
    Queue,
    FixedWindow,
    Counter,
    Log,
}

impl Shape {
    pub(crate) const ALL: [Self; 6] =
        [Self::Gcra, Self::Strict, Self::Queue, Self::FixedWindow, Self::Counter, Self::Log];

    /// A random limit of this shape, small enough that every rounding shows: a period of 1 to
    /// 60 ns, sometimes of an hour.
    pub(crate) fn limit(self, rng: &mut Rng) -> Limit {
        let period = if rng.one_in(8) { 3_600_000_000_007 } else { rng.up_to(60) + 1 };
        let most = u32::try_from(period.min(13)).expect("13 is few");
        let limit = rng.units(most - 1) + 1;
        let kind = match self {
            Self::Gcra => rng.pick(&[Kind::Gcra, Kind::TokenBucket, Kind::LeakyBucket]),
            Self::Strict => Kind::Gcra,
            Self::Queue => Kind::LeakyBucket,
            Self::FixedWindow => Kind::FixedWindow,
            Self::Counter => Kind::SlidingWindowCounter,
            Self::Log => Kind::SlidingWindowLog,
        };
        let mut spec = LimitSpec::new(kind, limit, Period::Span(Nanos(period)));
        match self {
            Self::Gcra if rng.one_in(2) => spec.burst = Some(rng.units(15) + 1),
            Self::Strict => {
                spec.strict = true;
                spec.burst = (!rng.one_in(4)).then(|| rng.units(limit - 1) + 1);
            }
            Self::Queue => spec.max_wait = Some(Nanos(rng.up_to(2 * period))),
            _ => {}
        }
        Limit::new(spec).expect("these make sense")
    }
}

/// A time to let pass under a limit of that fill time: none, a moment, or up to three fills.
pub(crate) fn wait(rng: &mut Rng, fill_time: Nanos) -> Nanos {
    match rng.up_to(3) {
        0 => Nanos::ZERO,
        1 => Nanos(rng.up_to(3)),
        2 => Nanos(rng.up_to(fill_time.0)),
        _ => Nanos(rng.up_to(3 * fill_time.0)),
    }
}

/// A key of a random limit after a random history of requests, penalties and refunds, and
/// the time after the last of them.
pub(crate) fn lived_in(shape: Shape, rng: &mut Rng) -> (Key, Nanos) {
    let limit = shape.limit(rng);
    let fill_time = limit.program().fill_time();
    let mut key = Key::new(&limit);
    let mut now = Nanos(rng.up_to(10 * fill_time.0));
    for _ in 0..rng.up_to(8) {
        let charged_at = now;
        let cost = rng.units(limit.capacity());
        let decision = key.check(now, cost);
        now = now.saturating_add(wait(rng, fill_time));
        if rng.one_in(6) {
            key.debit(now, rng.units(20));
        } else if rng.one_in(6) && decision.is_allowed() {
            key.refund(now, charged_at.saturating_add(decision.delay), cost);
        }
        now = now.saturating_add(wait(rng, fill_time));
    }
    (key, now)
}
