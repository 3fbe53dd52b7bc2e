//! Every algorithm agrees with its reference model about any history.

mod common;

use common::{Key, units};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use tidegate_core::algorithm::{Algorithm, FixedWindow, Gcra, Kind, LeakyQueue};
use tidegate_core::{Decision, Limit, LimitSpec, Nanos, Period, Program};
use tidegate_testkit::models::{Log, Model, Queue, TokenBucket, WeightedWindows, WindowCount};

/// What happens to a key.
#[derive(Clone, Copy, Debug)]
enum Event {
    Request {
        cost: u32,
    },
    Debit {
        cost: u32,
    },
    /// Gives back one of the charges so far, counted from the latest.
    Refund {
        latest: usize,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0..=9_u32).prop_map(|cost| Event::Request { cost }),
        1 => (1..=25_u32).prop_map(|cost| Event::Debit { cost }),
        2 => (0..4_usize).prop_map(|latest| Event::Refund { latest }),
    ]
}

/// Time that passes before each event, and the event. A period is at most 40 ns.
fn history() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let wait = prop_oneof![3 => Just(0_u64), 4 => 0..8_u64, 2 => 0..50_u64, 1 => 0..200_u64];
    prop::collection::vec((wait, event()), 1..60)
}

/// A limit and a period that is long enough for it.
fn rate() -> impl Strategy<Value = (u32, u64)> {
    (1..=8_u32).prop_flat_map(|limit| (Just(limit), u64::from(limit)..=40))
}

fn limit(kind: Kind, (limit, period): (u32, u64), set: impl FnOnce(&mut LimitSpec)) -> Limit {
    let mut spec = LimitSpec::new(kind, limit, Period::Span(Nanos(period)));
    set(&mut spec);
    Limit::new(spec).expect("these make sense")
}

/// Lets `history` happen to both, and compares all that both can tell.
fn agree(limit: &Limit, mut model: impl Model, history: Vec<(u64, Event)>) -> TestCaseResult {
    let mut key = Key::new(limit);
    let mut now = Nanos::ZERO;
    let mut charges = Vec::new();
    for (wait, event) in history {
        now = now.saturating_add(Nanos(wait));
        let at = u128::from(now.0);
        match event {
            Event::Request { cost } => {
                let decision = key.check(now, cost);
                let taken = cost <= limit.capacity() && model.take(at, cost.into());
                prop_assert_eq!(decision.is_allowed(), taken, "{:?} at {:?}", event, now);
                same_numbers(decision, &model, now)?;
                if taken {
                    charges.push((now.saturating_add(decision.delay), cost));
                }
            }
            Event::Debit { cost } => {
                key.debit(now, cost);
                model.force(at, cost.into());
            }
            Event::Refund { latest } if latest < charges.len() => {
                let (charged_at, cost) = charges.remove(charges.len() - 1 - latest);
                key.refund(now, charged_at, cost);
                model.give_back(at, charged_at.0.into(), cost.into());
            }
            Event::Refund { .. } => {}
        }
        same_numbers(key.peek(now, 1), &model, now)?;
    }
    Ok(())
}

fn same_numbers(decision: Decision, model: &impl Model, now: Nanos) -> TestCaseResult {
    let now = u128::from(now.0);
    prop_assert_eq!(u128::from(decision.remaining), model.left(now), "{:?} at {}", decision, now);
    let reset_after = u128::from(decision.reset_after.0);
    prop_assert_eq!(reset_after, model.full_after(now), "{:?} at {}", decision, now);
    Ok(())
}

fn token_bucket(limit: &Limit) -> TokenBucket {
    let Program::Gcra(gcra) = limit.program() else {
        panic!("{limit:?} is no GCRA");
    };
    TokenBucket::new(gcra.burst().get().into(), gcra.emission_interval().0.into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn gcra_agrees_with_a_continuous_token_bucket(
        rate in rate(), burst in 1..=9_u32, history in history(),
    ) {
        let limit = limit(Kind::Gcra, rate, |spec| spec.burst = Some(burst));
        agree(&limit, token_bucket(&limit), history)?;
    }

    #[test]
    fn strict_gcra_agrees_with_a_continuous_token_bucket(rate in rate(), history in history()) {
        let limit = limit(Kind::TokenBucket, rate, |spec| spec.strict = true);
        agree(&limit, token_bucket(&limit), history)?;
    }

    #[test]
    fn leaky_queue_agrees_with_people_at_a_door(
        rate in rate(), max_wait in 0..=80_u64, history in history(),
    ) {
        let limit = limit(Kind::LeakyBucket, rate, |spec| spec.max_wait = Some(Nanos(max_wait)));
        let interval = rate.1.div_ceil(u64::from(rate.0));
        agree(&limit, Queue::new(interval.into(), max_wait.into()), history)?;
    }

    #[test]
    fn fixed_window_agrees_with_a_count_per_window(rate in rate(), history in history()) {
        let limit = limit(Kind::FixedWindow, rate, |_| {});
        agree(&limit, WindowCount::new(rate.0.into(), rate.1.into()), history)?;
    }

    #[test]
    fn sliding_window_counter_agrees_with_weighing_every_unit(
        rate in rate(), history in history(),
    ) {
        let limit = limit(Kind::SlidingWindowCounter, rate, |_| {});
        agree(&limit, WeightedWindows::new(rate.0.into(), rate.1.into()), history)?;
    }

    #[test]
    fn sliding_window_log_agrees_with_counting_every_unit(rate in rate(), history in history()) {
        let limit = limit(Kind::SlidingWindowLog, rate, |_| {});
        agree(&limit, Log::new(rate.0.into(), rate.1.into()), history)?;
    }

    #[test]
    fn callers_of_a_queue_leave_when_the_door_is_free(
        rate in rate(), max_wait in 0..=80_u64,
        requests in prop::collection::vec((0..12_u64, 1..=3_u32), 1..40),
    ) {
        let queue = LeakyQueue::new(units(rate.0), Nanos(rate.1), Nanos(max_wait));
        let mut door = Queue::new(queue.emission_interval().0.into(), max_wait.into());
        let (mut state, mut now) = (Nanos::ZERO, Nanos::ZERO);
        for (wait, cost) in requests {
            now = now.saturating_add(Nanos(wait));
            let leaves_at = door.leaves_at(now.0.into());
            let step = queue.check(state, now, cost);
            if cost <= queue.capacity() && door.take(now.0.into(), cost.into()) {
                let told = u128::from(now.0 + step.decision.delay.0);
                prop_assert_eq!(told, leaves_at);
            } else {
                prop_assert_eq!(step.decision.delay, Nanos::ZERO);
            }
            state = step.next.unwrap_or(state);
        }
    }

    #[test]
    fn fixed_window_is_gcra_on_a_clock_that_counts_windows(
        rate in rate(), history in history(),
    ) {
        let window = FixedWindow::new(units(rate.0), Nanos(rate.1));
        let gcra = Gcra::new(units(1), Nanos(1)).with_burst(units(rate.0));
        let (mut v, mut tat, mut now) = (0, Nanos::ZERO, 0);
        for (wait, event) in history {
            now += wait;
            let turned = Nanos(now / rate.1 * u64::from(rate.0));
            let (cost, debit) = match event {
                Event::Request { cost } => (cost, 0),
                Event::Debit { cost } => (0, cost),
                Event::Refund { .. } => continue,
            };
            v = window.debit(v, Nanos(now), debit);
            tat = gcra.debit(tat, turned, debit);
            let (counted, metered) = (window.check(v, Nanos(now), cost), gcra.check(tat, turned, cost));
            prop_assert_eq!(counted.decision.is_allowed(), metered.decision.is_allowed());
            prop_assert_eq!(counted.decision.remaining, metered.decision.remaining);
            prop_assert_eq!(counted.next, metered.next.map(|tat| tat.0));
            v = counted.next.unwrap_or(v);
            tat = metered.next.unwrap_or(tat);
        }
    }

    #[test]
    fn a_peek_answers_as_the_check_would(rate in rate(), history in history()) {
        for kind in [Kind::Gcra, Kind::FixedWindow, Kind::SlidingWindowCounter, Kind::SlidingWindowLog] {
            let mut key = Key::new(&limit(kind, rate, |_| {}));
            let mut now = Nanos::ZERO;
            for &(wait, event) in &history {
                now = now.saturating_add(Nanos(wait));
                if let Event::Request { cost } = event {
                    let peeked = key.peek(now, cost);
                    prop_assert_eq!(peeked.verdict, key.check(now, cost).verdict);
                }
            }
        }
    }
}

#[test]
fn a_refill_is_the_fastest_that_is_not_faster_than_asked_for() {
    for limit in 1..=50_u32 {
        for period in u64::from(limit)..=200 {
            let interval = Gcra::new(units(limit), Nanos(period)).emission_interval().0;
            let queued = LeakyQueue::new(units(limit), Nanos(period), Nanos::ZERO);

            assert!(interval * u64::from(limit) >= period);
            assert!((interval - 1) * u64::from(limit) < period);
            assert_eq!(queued.emission_interval().0, interval);
        }
    }
}
