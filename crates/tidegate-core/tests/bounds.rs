//! How much each algorithm admits in any stretch of time, whatever the callers do.

mod common;

use common::{Key, Rng, Shape, units, wait};
use tidegate_core::algorithm::{Algorithm, Gcra, Kind};
use tidegate_core::{Limit, LimitSpec, Nanos, Period, Program};

/// What was admitted, oldest first: time, and units.
type Admissions = Vec<(u64, u64)>;

/// The largest sum of units in any stretch of time that `in_view(first, last)` accepts.
fn most(admissions: &Admissions, in_view: impl Fn(u64, u64) -> bool) -> u64 {
    let from = |first: usize| {
        let begin = admissions[first].0;
        admissions[first..].iter().take_while(|(at, _)| in_view(begin, *at)).map(|a| a.1).sum()
    };
    (0..admissions.len()).map(from).max().unwrap_or(0)
}

/// Requests at random times, and as much as there is at random moments. The clock that
/// decides lags behind the true time by up to `lag`, each time by another amount.
fn besieged(limit: &Limit, rng: &mut Rng, lag: u64) -> Admissions {
    let fill_time = limit.program().fill_time();
    let mut key = Key::new(limit);
    let mut now = Nanos(10 * fill_time.0);
    let mut admissions = Vec::new();
    for _ in 0..40 {
        now = now.saturating_add(wait(rng, fill_time));
        let seen = Nanos(now.0 - rng.up_to(lag));
        let left = key.peek(seen, 0).remaining;
        let cost = if rng.one_in(3) { left } else { rng.units(left) };
        if key.check(seen, cost).is_allowed() {
            admissions.push((now.0, cost.into()));
        }
    }
    admissions
}

/// Takes every unit at the very moment it comes, for a number of `periods`.
fn greedy(limit: &Limit, periods: u64) -> Admissions {
    let mut key = Key::new(limit);
    let mut now = Nanos::ZERO;
    let mut admissions = Vec::new();
    while now.0 <= periods * limit.spec().window().0 {
        let left = key.peek(now, 0).remaining;
        let decision = key.check(now, left);
        admissions.push((now.0, left.into()));
        assert!(decision.next_unit_after > Nanos::ZERO, "{key:?} is empty, but need not wait");
        now = now.saturating_add(decision.next_unit_after);
    }
    admissions
}

fn gcra_of(limit: &Limit) -> &Gcra {
    let Program::Gcra(gcra) = limit.program() else {
        panic!("{limit:?} is no GCRA");
    };
    gcra
}

fn stays_within_burst_and_refill(limit: &Limit, admissions: &Admissions, lag: u64) {
    let (burst, interval) = (u64::from(limit.capacity()), gcra_of(limit).emission_interval().0);
    for (first, &(begin, _)) in admissions.iter().enumerate() {
        let mut admitted = 0;
        for &(at, cost) in &admissions[first..] {
            admitted += cost;
            let bound = burst + (at - begin + lag) / interval;
            assert!(admitted <= bound, "{admitted} from {begin} to {at}: {limit:?}");
        }
    }
}

#[test]
fn gcra_admits_at_most_the_burst_and_the_refill_in_any_interval() {
    let mut rng = Rng::new(3);
    for _ in 0..5_000 {
        let limit = Shape::Gcra.limit(&mut rng);
        stays_within_burst_and_refill(&limit, &besieged(&limit, &mut rng, 0), 0);
    }
}

#[test]
fn a_clock_that_lags_by_d_adds_at_most_the_refill_of_d() {
    let mut rng = Rng::new(4);
    for _ in 0..5_000 {
        let limit = Shape::Gcra.limit(&mut rng);
        let lag = rng.up_to(limit.program().fill_time().0);
        stays_within_burst_and_refill(&limit, &besieged(&limit, &mut rng, lag), lag);
    }
}

#[test]
fn a_greedy_caller_gets_all_of_what_gcra_may_admit() {
    let mut rng = Rng::new(5);
    for _ in 0..500 {
        let limit = Shape::Gcra.limit(&mut rng);
        let interval = gcra_of(&limit).emission_interval().0;
        for steps in 0..10 {
            let span = steps * interval;
            let got = most(&greedy(&limit, 12), |begin, at| at - begin <= span);
            assert_eq!(got, u64::from(limit.capacity()) + steps, "{limit:?}");
        }
    }
}

#[test]
fn strict_never_admits_more_than_the_limit_in_a_period_with_both_its_ends() {
    let mut rng = Rng::new(6);
    for _ in 0..5_000 {
        let limit = Shape::Strict.limit(&mut rng);
        let (period, allowed) = (limit.spec().window().0, limit.spec().limit.into());
        let random = besieged(&limit, &mut rng, 0);

        assert!(most(&random, |begin, at| at - begin <= period) <= allowed, "{limit:?}");
        let all = most(&greedy(&limit, 3), |begin, at| at - begin <= period);
        assert!(all <= allowed, "{limit:?}");
    }
}

#[test]
fn a_strict_refill_that_were_a_nanosecond_faster_would_admit_one_too_many() {
    for limit in 1..=12_u32 {
        for burst in 1..=limit {
            for period in 100..=160_u64 {
                let strict = Gcra::strict(units(limit), Nanos(period), units(burst));
                let faster = Nanos(strict.emission_interval().0 - 1);
                let faster = Gcra::new(units(1), faster).with_burst(units(burst));
                let admitted = u64::from(burst) + period / faster.emission_interval().0;

                assert!(admitted > u64::from(limit), "{limit} per {period}, burst {burst}");
                let (mut tat, mut passed) = (Nanos::ZERO, 0);
                for now in 0..=period {
                    while let Some(next) = faster.check(tat, Nanos(now), 1).next {
                        (tat, passed) = (next, passed + 1);
                    }
                }
                assert_eq!(passed, admitted);
            }
        }
    }
}

#[test]
fn callers_leave_a_queue_no_faster_than_one_unit_per_interval() {
    let mut rng = Rng::new(7);
    for _ in 0..5_000 {
        let limit = Shape::Queue.limit(&mut rng);
        let Program::LeakyQueue(queue) = limit.program() else {
            panic!("{limit:?} is no queue");
        };
        let interval = queue.emission_interval().0;
        let mut free_at = Nanos::ZERO;
        let mut now = 0;
        let mut door_opens = 0;
        for _ in 0..40 {
            now += rng.up_to(2 * interval);
            let cost = rng.units(queue.capacity());
            let step = queue.check(free_at, Nanos(now), cost);
            if let Some(next) = step.next {
                let leaves_at = now + step.decision.delay.0;
                assert!(leaves_at >= door_opens, "{limit:?}");
                assert!(step.decision.delay <= queue.max_wait(), "{limit:?}");
                door_opens = leaves_at + u64::from(cost) * interval;
                free_at = next;
                if rng.one_in(3) {
                    // Changes its mind; the door opens earlier only if nobody is behind it.
                    free_at = queue.refund(free_at, Nanos(now), Nanos(leaves_at), cost);
                    door_opens = leaves_at;
                }
            }
        }
    }
}

#[test]
fn fixed_window_admits_at_most_twice_the_limit_in_any_period_and_as_much_at_an_edge() {
    let mut rng = Rng::new(8);
    for _ in 0..5_000 {
        let limit = Shape::FixedWindow.limit(&mut rng);
        let (period, allowed) = (limit.spec().window().0, u64::from(limit.spec().limit));
        let random = besieged(&limit, &mut rng, 0);
        assert!(most(&random, |begin, at| at - begin < period) <= 2 * allowed, "{limit:?}");

        let mut key = Key::new(&limit);
        assert!(key.check(Nanos(period - 1), limit.capacity()).is_allowed());
        assert!(key.check(Nanos(period), limit.capacity()).is_allowed());
    }
}

#[test]
fn sliding_window_counter_admits_less_than_twice_the_limit_in_any_period() {
    let mut rng = Rng::new(9);
    for _ in 0..5_000 {
        let limit = Shape::Counter.limit(&mut rng);
        let (period, allowed) = (limit.spec().window().0, u64::from(limit.spec().limit));
        let random = besieged(&limit, &mut rng, 0);
        assert!(most(&random, |begin, at| at - begin <= period) < 2 * allowed, "{limit:?}");
    }
}

/// Spends all at the very end of one window, then every unit of the next as it comes.
fn end_of_window_then_drip(limit: u32, period: u64) -> u64 {
    let spec = LimitSpec::new(Kind::SlidingWindowCounter, limit, Period::Span(Nanos(period)));
    let mut key = Key::new(&Limit::new(spec).expect("this makes sense"));
    let mut admissions = Vec::new();
    for now in period - 1..3 * period {
        let left = key.peek(Nanos(now), 0).remaining;
        assert!(key.check(Nanos(now), left).is_allowed());
        admissions.push((now, left.into()));
    }
    most(&admissions, |begin, at| at - begin < period)
}

#[test]
fn an_adversary_gets_almost_twice_the_limit_out_of_a_sliding_window_counter() {
    assert_eq!(end_of_window_then_drip(10, 100), 19);
    for (limit, period) in [(10, 100), (100, 100), (100, 1_000), (1_000, 4_000)] {
        let (admitted, limited) = (end_of_window_then_drip(limit, period), u64::from(limit));
        assert!(10 * admitted >= 18 * limited, "only {admitted} at {limit} per {period}");
        assert!(admitted < 2 * limited, "{admitted} at {limit} per {period}");
    }
}

#[test]
fn sliding_window_log_never_admits_more_than_the_limit_in_any_period() {
    let mut rng = Rng::new(10);
    for _ in 0..5_000 {
        let limit = Shape::Log.limit(&mut rng);
        let (period, allowed) = (limit.spec().window().0, u64::from(limit.spec().limit));
        let random = besieged(&limit, &mut rng, 0);

        assert!(most(&random, |begin, at| at - begin < period) <= allowed, "{limit:?}");
        let all = most(&greedy(&limit, 3), |begin, at| at - begin < period);
        assert_eq!(all, allowed, "{limit:?}");
    }
}
