//! Cost of one check of one hot key, and of one look at each library's clock, by criterion: a
//! second opinion on what the interleaved rounds say.
//!
//! Not a part of `./dev bench`; run `cargo bench` here.

use std::{
    hint::black_box,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput};
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use tidegate::{Clock as _, Limiter, Rule, SystemClock};

fn hot_key(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hot_key");
    group.throughput(Throughput::Elements(1));

    let limits = "1000000000/hour".parse().expect("a limit string");
    let limiter = Limiter::builder().rule(Rule::new("api", limits)).build().expect("one rule");
    group.bench_function("tidegate", |bencher| {
        bencher.iter(|| limiter.allow(black_box("user:42")));
    });

    let burst = NonZeroU32::new(1_000_000_000).expect("not zero");
    let quota = Quota::with_period(Duration::from_nanos(3_600)).expect("not zero");
    let peer = RateLimiter::keyed(quota.allow_burst(burst));
    let key = String::from("user:42");
    group.bench_function("governor", |bencher| {
        bencher.iter(|| peer.check_key(black_box(&key)).is_ok());
    });
    group.finish();
}

fn clocks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("clock");
    let peer = DefaultClock::default();
    group.bench_function("tidegate", |bencher| bencher.iter(|| SystemClock.now()));
    group.bench_function("governor", |bencher| bencher.iter(|| peer.now()));
    group.bench_function("std", |bencher| bencher.iter(Instant::now));
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    hot_key(&mut criterion);
    clocks(&mut criterion);
    criterion.final_summary();
}
