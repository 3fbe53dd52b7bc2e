//! The limiter as its users meet it.

use std::{sync::Arc, time::Duration};

use tidegate::{Clock, Error, Limiter, ManualClock, Reason, Rule};

const SECOND: Duration = Duration::from_secs(1);

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Duration::from_secs(1_700_000_000)))
}

fn limiter(limits: &str, clock: &Arc<ManualClock>) -> Result<Limiter, Error> {
    let rule = Rule::new("test", limits.parse()?);
    Limiter::builder().rule(rule).clock(Arc::clone(clock) as Arc<dyn Clock>).build()
}

#[test]
fn a_refusal_names_the_limit_that_holds_it_back_longest() -> Result<(), Error> {
    let limiter = limiter("2/second; 3/hour", &clock())?;
    let remaining = |decision: tidegate::Decision| (decision.limit, decision.remaining);

    assert_eq!(remaining(limiter.check("a")?), (2, 1));
    assert_eq!(remaining(limiter.check("a")?), (2, 0));
    let refused = limiter.check("a")?;

    assert_eq!(refused.reason, Some(Reason::Limit));
    assert_eq!(refused.retry_after, Some(Duration::from_millis(500)));
    Ok(())
}

#[test]
fn a_refusal_by_one_limit_takes_nothing_from_the_others() -> Result<(), Error> {
    let clock = clock();
    let limiter = limiter("1/second; 10/hour", &clock)?;
    assert!(limiter.allow("a")?);
    for _ in 0..100 {
        assert!(!limiter.allow("a")?);
    }

    clock.advance(SECOND);

    assert!(limiter.allow("a")?);
    clock.advance(SECOND);
    let hour = limiter.peek("a", 8)?;
    assert!(!hour.allowed, "one second's limit");
    assert_eq!(hour.reason, Some(Reason::Never));
    Ok(())
}

#[test]
fn a_cost_above_capacity_is_never_allowed_and_has_no_retry() -> Result<(), Error> {
    let limiter = limiter("5/minute", &clock())?;

    let refused = limiter.check_cost("a", 6)?;

    assert_eq!(refused.reason, Some(Reason::Never));
    assert_eq!(refused.retry_after, None);
    assert_eq!(refused.remaining, 5);
    Ok(())
}

#[test]
fn a_reservation_is_corrected_when_the_cost_is_known() -> Result<(), Error> {
    for algorithm in ["gcra", "fixed_window", "sliding_window_counter", "sliding_window_log"] {
        let limiter = limiter(&format!("{algorithm}: 100/hour"), &clock())?;

        limiter.reserve("a", 60)?.settle(25)?;
        assert_eq!(limiter.peek("a", 1)?.remaining, 75, "{algorithm}");
        limiter.reserve("a", 10)?.settle(70)?;
        assert_eq!(limiter.peek("a", 1)?.remaining, 5, "{algorithm}");
        let refused = limiter.reserve("a", 10)?;
        assert!(!refused.decision().allowed);
        refused.settle(0)?;
        assert_eq!(limiter.peek("a", 1)?.remaining, 5, "{algorithm}");
    }
    Ok(())
}

#[test]
fn a_reservation_is_found_again_however_fast_the_clock_runs() -> Result<(), Error> {
    for algorithm in ["fixed_window", "sliding_window_counter", "sliding_window_log"] {
        let rule = Rule::new("test", format!("{algorithm}: 100/hour").parse()?);
        // The machine's clock: it moves on between the check and anything after it.
        let limiter = Limiter::builder().rule(rule).build()?;

        limiter.reserve("a", 60)?.settle(25)?;

        assert_eq!(limiter.peek("a", 1)?.remaining, 75, "{algorithm}");
    }
    Ok(())
}

#[test]
fn whoever_leaves_a_queue_last_gives_the_place_back() -> Result<(), Error> {
    let limiter = limiter("leaky_bucket: 10/second queue 1s", &clock())?;
    let first = limiter.reserve("a", 1)?;
    let second = limiter.reserve("a", 1)?;
    assert_eq!(second.decision().delay, Duration::from_millis(100));

    second.settle(0)?;
    assert_eq!(limiter.peek("a", 1)?.delay, Duration::from_millis(100));
    let third = limiter.reserve("a", 1)?;
    first.settle(0)?;

    assert_eq!(limiter.peek("a", 1)?.delay, Duration::from_millis(200), "third has been told");
    third.settle(0)?;
    Ok(())
}

#[test]
fn refund_debit_and_reset_do_what_they_say() -> Result<(), Error> {
    let algorithms =
        ["gcra", "leaky_bucket", "fixed_window", "sliding_window_counter", "sliding_window_log"];
    for algorithm in algorithms {
        let clock = clock();
        let limiter = limiter(&format!("{algorithm}: 10/hour"), &clock)?;
        let left = || limiter.peek("a", 1).map(|decision| decision.remaining);

        limiter.check_cost("a", 6)?;
        // Later than the charge: a plain refund gives back the latest units there are.
        clock.advance(SECOND);
        limiter.refund("a", 2)?;
        assert_eq!(left()?, 6, "{algorithm}");
        limiter.refund("a", 50)?;
        assert_eq!(left()?, 10, "{algorithm}");
        limiter.debit("a", 15)?;
        assert_eq!(left()?, 0, "{algorithm}");
        assert!(limiter.check("a")?.retry_after > Some(Duration::from_secs(60)), "{algorithm}");
        limiter.reset("a")?;
        assert_eq!(left()?, 10, "{algorithm}");
    }
    Ok(())
}

#[test]
fn a_limit_by_the_calendar_ends_with_the_day_of_its_zone() -> Result<(), Error> {
    // 1_700_000_000 is 2023-11-14 22:13:20 UTC: 46 minutes and 40 seconds before midnight in
    // Paris.
    let clock = clock();
    let limiter = limiter("2/calendar-day@Europe/Paris", &clock)?;
    limiter.check_cost("a", 2)?;

    let refused = limiter.check("a")?;
    assert_eq!(refused.retry_after, Some(Duration::from_secs(46 * 60 + 40)));

    clock.advance(Duration::from_secs(46 * 60 + 39));
    assert!(!limiter.allow("a")?);
    clock.advance(SECOND);
    assert!(limiter.allow("a")?);
    assert_eq!(limiter.peek("a", 1)?.reset_after, Duration::from_secs(86_400));
    Ok(())
}

#[test]
fn a_queue_tells_everybody_when_to_go() -> Result<(), Error> {
    let limiter = limiter("leaky_bucket: 10/second queue 200ms", &clock())?;
    let delay =
        || limiter.check("a").map(|decision| (decision.allowed, decision.delay.as_millis()));

    assert_eq!(delay()?, (true, 0));
    assert_eq!(delay()?, (true, 100));
    assert_eq!(delay()?, (true, 200));
    assert_eq!(delay()?, (false, 0));
    Ok(())
}

#[test]
fn a_limit_of_zero_refuses_all() -> Result<(), Error> {
    let limiter = limiter("0/minute", &clock())?;

    let refused = limiter.check("a")?;

    assert_eq!((refused.allowed, refused.reason), (false, Some(Reason::Never)));
    Ok(())
}
