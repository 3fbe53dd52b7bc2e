//! The coarse clock: which limits are checked by it, and what its lag may cost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tidegate::{Clock, Decision, Limiter, ManualClock, Nanos, Outcome, Rule};

/// A clock whose coarse reading lags, and that counts how often it is asked for one.
struct Lagging {
    now: AtomicU64,
    lag: AtomicU64,
    coarse_readings: AtomicU64,
}

/// As far as a reading may lag.
const LAG: Nanos = Nanos(10_000_000);

impl Default for Lagging {
    fn default() -> Self {
        let [now, coarse_readings] = [const { AtomicU64::new(0) }; 2];
        Self { now, lag: AtomicU64::new(LAG.0), coarse_readings }
    }
}

impl Lagging {
    fn advance(&self, by: Duration) {
        self.now.fetch_add(Nanos::from(by).0, Ordering::Relaxed);
    }
}

impl Clock for Lagging {
    fn now(&self) -> Nanos {
        Nanos::from_secs(1000).saturating_add(Nanos(self.now.load(Ordering::Relaxed)))
    }

    fn now_coarse(&self) -> Nanos {
        self.coarse_readings.fetch_add(1, Ordering::Relaxed);
        self.now().saturating_sub(Nanos(self.lag.load(Ordering::Relaxed)))
    }

    fn unix_now(&self) -> Nanos {
        self.now()
    }
}

fn limiter(limit: &str) -> (Limiter, Arc<Lagging>) {
    let clock = Arc::new(Lagging::default());
    let rule = Rule::new("api", limit.parse().expect("a good limit"));
    let builder = Limiter::builder().rule(rule).clock(Arc::<Lagging>::clone(&clock));
    (builder.build().expect("a good rule"), clock)
}

/// Every algorithm, alone and with a second limit.
const LIMITS: [&str; 6] = [
    "10/second",
    "fixed_window: 10/second",
    "sliding_window_log: 10/second",
    "sliding_window_counter: 10/second",
    "10/second; 1000/hour",
    "fixed_window: 10/second; sliding_window_log: 20/3s",
];

#[test]
fn whoever_waits_as_long_as_told_gets_in() {
    for limit in LIMITS {
        let (limiter, clock) = limiter(limit);
        for _ in 0..100 {
            // Refused at a tick, and back just before one.
            clock.lag.store(0, Ordering::Relaxed);
            let decision = limiter.check("ana").unwrap();
            if let Some(wait) = decision.retry_after {
                clock.advance(wait);
                clock.lag.store(LAG.0, Ordering::Relaxed);
                assert!(limiter.check("ana").unwrap().allowed, "{limit}");
            }
        }
    }
}

#[test]
fn yes_or_no_and_the_short_answer_are_those_of_the_decision() {
    for limit in LIMITS {
        let (limiter, clock) = limiter(limit);
        for step in 0..200 {
            let decision = limiter.check("ana").unwrap();
            let outcome = limiter.outcome("bob", 1).unwrap();

            assert_eq!(decision.outcome(), outcome, "{limit}");
            assert_eq!(limiter.allow("cid").unwrap(), decision.allowed, "{limit}");
            assert_eq!(limiter.allow_cost("dan", 1).unwrap(), decision.allowed, "{limit}");
            if let Some(one_limit) = limiter.one_limit() {
                let worked_out = one_limit.decision(outcome);
                assert_eq!(worked_out.outcome(), outcome, "{limit}");
                assert_eq!(worked_out.reset_after, decision.reset_after, "{limit}");
            }
            clock.advance(Duration::from_millis(step % 37));
        }
    }
}

/// Histories of a few keys, asked for one by one and all at once.
fn compare(limit: &str, clocks: [Arc<dyn Clock>; 2], advance: impl Fn()) {
    let build = |clock| {
        let rule = Rule::new("api", limit.parse().expect("a good limit"));
        Limiter::builder().rule(rule).clock(clock).build().expect("a good rule")
    };
    let lagging = clocks[0].now_coarse() < clocks[0].now();
    let [single, many] = clocks.map(build);
    let mut random = 1_u64;
    for round in 0..60 {
        let draw = |_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            format!("user:{}", random >> 60)
        };
        let keys: Vec<String> = (0..round * 4).map(draw).collect();

        let alone: Vec<_> =
            keys.iter().map(|key| single.outcome(key, 2).expect("memory answers")).collect();
        let allowed: Vec<_> = alone.iter().map(Outcome::is_allowed).collect();

        if lagging || round % 3 == 0 {
            assert!(
                many.allow_many(&keys, 2).expect("memory answers") == allowed,
                "{limit}, round {round}"
            );
        } else if round % 3 == 1 {
            assert!(
                many.outcome_many(&keys, 2).expect("memory answers") == alone,
                "{limit}, round {round}"
            );
        } else {
            let decisions = many.check_many(&keys, 2).expect("memory answers");
            let together: Vec<_> = decisions.iter().map(Decision::outcome).collect();
            assert!(together == alone, "{limit}, round {round}");
        }
        advance();
    }
}

#[test]
fn many_keys_at_once_are_answered_as_one_after_the_other() {
    for limit in LIMITS {
        let clocks = [0; 2].map(|_| Arc::new(ManualClock::new(Duration::ZERO)));
        let advance = || clocks.iter().for_each(|clock| clock.advance(Duration::from_millis(71)));
        compare(limit, clocks.clone().map(|clock| clock as Arc<dyn Clock>), advance);

        let clocks = [0; 2].map(|_| Arc::new(Lagging::default()));
        let advance = || clocks.iter().for_each(|clock| clock.advance(Duration::from_millis(71)));
        compare(limit, clocks.clone().map(|clock| clock as Arc<dyn Clock>), advance);
    }
}

#[test]
fn what_fills_in_less_than_a_second_or_queues_is_never_checked_by_it() {
    let cases = [
        ("10/second", true),
        ("1000/second burst 10", false),
        ("10/999ms", false),
        ("fixed_window: 5/100ms", false),
        ("leaky_bucket: 10/second queue 5s", false),
        ("1000/hour; 1000/second burst 10", false),
        ("1000/hour; 10/second", true),
    ];
    for (limit, coarse) in cases {
        let (limiter, clock) = limiter(limit);
        limiter.check("ana").unwrap();
        limiter.allow("ana").unwrap();
        limiter.allow_many(&["ana"], 1).unwrap();

        assert_eq!(clock.coarse_readings.load(Ordering::Relaxed) > 0, coarse, "{limit}");
    }
}

#[test]
fn a_lag_admits_no_more_than_the_units_of_that_time() {
    for (limit, burst) in [("100/second", 100), ("fixed_window: 100/second", 100)] {
        let (limiter, clock) = limiter(limit);
        // Not at the edge of a window, where another begins.
        clock.advance(Duration::from_millis(500));
        // Fine and coarse readings by turns: a refusal is decided again by the fine one.
        let mut admitted = 0;
        for _ in 0..1000 {
            admitted += u32::from(limiter.allow("ana").unwrap());
            clock.advance(Duration::from_micros(100));
        }

        // 100 ms of refill, and 10 ms of lag.
        assert!(admitted <= burst + 10 + 1, "{limit}: {admitted}");
        assert!(admitted >= burst, "{limit}: {admitted}");
    }
}
