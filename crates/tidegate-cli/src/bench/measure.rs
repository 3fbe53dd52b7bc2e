//! Checking as fast as it goes, for a while.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;
use tidegate::{Error, Limiter, Rule, Store};
use tidegate_core::algorithm::Kind;

use crate::exit::Failure;

/// Every key may do so much: enough to be admitted at first, and little enough to be refused too.
const LIMIT: &str = "100/second";

/// In memory, one check in so many is timed by itself: reading the clock takes as long as a check.
const SAMPLE: usize = 16;

/// The most checks of one thread that are timed.
const MOST_SAMPLES: usize = 1_000_000;

/// How to load a store.
pub(super) struct Load {
    pub(super) time: Duration,
    pub(super) threads: usize,
    pub(super) keys: u32,
}

/// One store under one algorithm.
#[derive(Serialize)]
pub(super) struct Measured {
    pub(super) store: String,
    pub(super) algorithm: &'static str,
    /// Why the store does not count so; `null` when it does.
    pub(super) unsupported: Option<String>,
    #[serde(flatten)]
    pub(super) speed: Option<Speed>,
}

/// Times are in seconds.
#[derive(Serialize)]
pub(super) struct Speed {
    pub(super) checks: u64,
    pub(super) seconds: f64,
    pub(super) checks_per_second: f64,
    pub(super) median: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) longest: f64,
}

/// What one thread saw.
struct Seen {
    checks: u64,
    /// In nanoseconds.
    samples: Vec<u64>,
}

pub(super) fn measure(
    name: &str,
    store: &Arc<dyn Store>,
    kind: Kind,
    load: &Load,
) -> Result<Measured, Failure> {
    let limits = format!("{}: {LIMIT}", kind.name()).parse().map_err(Error::from)?;
    let rule = Rule::new("tidegate-bench", limits);
    let algorithm = kind.name();
    let store_name = name.to_owned();
    let limiter = match Limiter::builder().rule(rule).shared_store(Arc::clone(store)).build() {
        Ok(limiter) => limiter,
        Err(Error::UnsupportedLimit { reason, .. }) => {
            let unsupported = Some(reason);
            return Ok(Measured { store: store_name, algorithm, unsupported, speed: None });
        }
        Err(error) => return Err(error.into()),
    };
    let keys: Vec<String> = (0..load.keys).map(|number| format!("bench:{number}")).collect();
    // A server that is away would be measured as its absence, which is quick.
    if let Some(remote) = store.remote() {
        remote.now()?;
    }
    let step = if store.remote().is_some() { 1 } else { SAMPLE };
    let begun = Instant::now();
    let seen = thread::scope(|scope| {
        let threads: Vec<_> = (0..load.threads)
            .map(|number| {
                let (limiter, keys) = (&limiter, &keys);
                scope.spawn(move || check(limiter, keys, number, step, begun + load.time))
            })
            .collect();
        // What a thread panicked of, it has told; it is not measured.
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect::<Result<Vec<_>, _>>()
    })?;
    let speed = Some(Speed::new(seen, begun.elapsed()));
    Ok(Measured { store: store_name, algorithm, unsupported: None, speed })
}

fn check(
    limiter: &Limiter,
    keys: &[String],
    thread: usize,
    step: usize,
    end: Instant,
) -> Result<Seen, Error> {
    let mut seen = Seen { checks: 0, samples: Vec::with_capacity(MOST_SAMPLES.min(1 << 16)) };
    // A walk that does not favour neighbours, and that differs from thread to thread.
    let mut place = thread.wrapping_mul(7_919) % keys.len();
    let mut next = || {
        place = (place + 1_000_003) % keys.len();
        keys[place].as_str()
    };
    loop {
        let begun = Instant::now();
        limiter.outcome(next(), 1)?;
        let now = Instant::now();
        if seen.samples.len() < MOST_SAMPLES {
            let took = now.duration_since(begun).as_nanos();
            seen.samples.push(u64::try_from(took).unwrap_or(u64::MAX));
        }
        for _ in 1..step {
            limiter.outcome(next(), 1)?;
        }
        seen.checks += step as u64;
        if now >= end {
            return Ok(seen);
        }
    }
}

impl Speed {
    #[expect(clippy::cast_precision_loss, reason = "no bench makes 2^52 checks")]
    fn new(seen: Vec<Seen>, time: Duration) -> Self {
        let checks: u64 = seen.iter().map(|it| it.checks).sum();
        let mut samples: Vec<u64> = seen.into_iter().flat_map(|it| it.samples).collect();
        samples.sort_unstable();
        let at = |per_mille: usize| {
            let index = (samples.len() * per_mille / 1000).min(samples.len().saturating_sub(1));
            samples.get(index).map_or(0.0, |&nanos| nanos as f64 / 1e9)
        };
        let seconds = time.as_secs_f64();
        Self {
            checks,
            seconds,
            checks_per_second: checks as f64 / seconds,
            median: at(500),
            p99: at(990),
            p999: at(999),
            longest: at(1000),
        }
    }
}
