//! What limit strings mean.

use tidegate_core::{
    CalendarUnit, LimitError, LimitSpec, Nanos, Period, Zone,
    algorithm::Kind,
    grammar::{Limits, Problem},
};

use crate::{DAY, HOUR, MINUTE, SECOND};

fn parse(text: &str) -> Limits {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// What the limits of `text` were made from.
fn specs(text: &str) -> Vec<LimitSpec> {
    parse(text).iter().map(|limit| limit.spec().clone()).collect()
}

fn gcra(limit: u32, span: u64) -> LimitSpec {
    LimitSpec::new(Kind::Gcra, limit, Period::Span(Nanos(span)))
}

fn calendar(limit: u32, unit: CalendarUnit, zone: &str) -> LimitSpec {
    let zone = Zone::new(zone).expect("the test names a zone that is well spelled");
    LimitSpec::new(Kind::FixedWindow, limit, Period::Calendar { unit, zone })
}

/// Strings that the Python library `limits` accepts, with the units and nanoseconds that it
/// takes them for.
const OF_LIMITS: &[(&str, &[(u32, u64)])] = &[
    ("1 per second", &[(1, SECOND)]),
    ("1/SECOND", &[(1, SECOND)]),
    ("1 / Second", &[(1, SECOND)]),
    ("1/seconds", &[(1, SECOND)]),
    ("100/minute", &[(100, MINUTE)]),
    ("100/minutes", &[(100, MINUTE)]),
    ("10/hour", &[(10, HOUR)]),
    ("10 PER hours", &[(10, HOUR)]),
    ("10/day", &[(10, DAY)]),
    ("10/Days", &[(10, DAY)]),
    ("1 per month", &[(1, 30 * DAY)]),
    ("1/MONTHS", &[(1, 30 * DAY)]),
    ("1/Year", &[(1, 360 * DAY)]),
    ("1 per 2 years", &[(1, 720 * DAY)]),
    ("100 per 5 minutes", &[(100, 5 * MINUTE)]),
    ("100 per 5 minute", &[(100, 5 * MINUTE)]),
    ("10 per 1 hour", &[(10, HOUR)]),
    ("10perminute", &[(10, MINUTE)]),
    ("10per5minutes", &[(10, 5 * MINUTE)]),
    ("10 perminute", &[(10, MINUTE)]),
    (" 10 / minute ", &[(10, MINUTE)]),
    ("\t10\n/\r\n3\u{a0}hour\u{3000}", &[(10, 3 * HOUR)]),
    ("1/2 day", &[(1, 2 * DAY)]),
    ("1/2day", &[(1, 2 * DAY)]),
    ("007/minute", &[(7, MINUTE)]),
    ("10/05 minutes", &[(10, 5 * MINUTE)]),
    ("0/minute", &[(0, MINUTE)]),
    ("4294967295/day", &[(u32::MAX, DAY)]),
    ("1 per 3 hour; 1 per second", &[(1, 3 * HOUR), (1, SECOND)]),
    ("1 per 3 hour, 1 per second", &[(1, 3 * HOUR), (1, SECOND)]),
    ("1/second|2/minute", &[(1, SECOND), (2, MINUTE)]),
    ("10/second ;5/minute,3/hour| 1/day", &[(10, SECOND), (5, MINUTE), (3, HOUR), (1, DAY)]),
];

#[test]
fn strings_of_the_limits_library_keep_their_meaning() {
    for (text, meant) in OF_LIMITS {
        let meant: Vec<_> = meant.iter().map(|(limit, span)| gcra(*limit, *span)).collect();
        assert_eq!(specs(text), meant, "{text}");
    }
}

/// Counts and spans that `limits` refuses, with their units and nanoseconds.
const ADDED_SPANS: &[(&str, u32, u64)] = &[
    ("10/s", 10, SECOND),
    ("10/sec", 10, SECOND),
    ("10/M", 10, MINUTE),
    ("10/min", 10, MINUTE),
    ("10/h", 10, HOUR),
    ("10/hr", 10, HOUR),
    ("10/d", 10, DAY),
    ("10/w", 10, 7 * DAY),
    ("10/wk", 10, 7 * DAY),
    ("10/week", 10, 7 * DAY),
    ("10/2 weeks", 10, 14 * DAY),
    ("10/ms", 10, 1_000_000),
    ("10/us", 10, 1_000),
    ("1/NS", 1, 1),
    ("10perm", 10, MINUTE),
    ("10perms", 10, 1_000_000),
    ("5/10m", 5, 10 * MINUTE),
    ("100/300", 100, 300 * SECOND),
    ("100 per 2.5", 100, 2_500_000_000),
    ("100/2.5s", 100, 2_500_000_000),
    ("100/0.5 hours", 100, 30 * MINUTE),
    ("100/1h30m", 100, 90 * MINUTE),
    ("100 / 1 day 12 hours", 100, 36 * HOUR),
    ("1.5/minute", 3, 2 * MINUTE),
    ("0.5/second", 1, 2 * SECOND),
    ("0.5/1h30m", 1, 3 * HOUR),
    ("2.50/second", 5, 2 * SECOND),
    ("3.0/second", 3, SECOND),
    ("0.0/second", 0, SECOND),
    ("0.333/s", 333, 1000 * SECOND),
    ("0.000000001/s", 1, SECOND * SECOND),
    ("4294967.295/s", 858_993_459, 200 * SECOND),
    ("10k/day", 10_000, DAY),
    ("10Kperday", 10_000, DAY),
    ("4m/day", 4_000_000, DAY),
    ("4mperm", 4_000_000, MINUTE),
    ("1.5k/minute", 1_500, MINUTE),
    ("0.0005k/minute", 1, 2 * MINUTE),
    ("1_000_000/hour", 1_000_000, HOUR),
    ("1_0/1_0s", 10, 10 * SECOND),
    ("Gcra : 10/second", 10, SECOND),
];

#[test]
fn added_counts_and_spans_mean_what_they_say() {
    for (text, limit, span) in ADDED_SPANS {
        assert_eq!(specs(text), [gcra(*limit, *span)], "{text}");
    }
}

#[test]
fn every_algorithm_has_its_names() {
    for (name, kind) in [
        ("gcra", Kind::Gcra),
        ("token_bucket", Kind::TokenBucket),
        ("Token-Bucket", Kind::TokenBucket),
        ("leaky_bucket", Kind::LeakyBucket),
        ("fixed_window", Kind::FixedWindow),
        ("FIXED-WINDOW", Kind::FixedWindow),
        ("sliding_window_log", Kind::SlidingWindowLog),
        ("sliding_window", Kind::SlidingWindowLog),
        ("moving-window", Kind::SlidingWindowLog),
        ("sliding_window_counter", Kind::SlidingWindowCounter),
        ("sliding_counter", Kind::SlidingWindowCounter),
    ] {
        let spec = LimitSpec::new(kind, 5, Period::Span(Nanos(MINUTE)));
        assert_eq!(specs(&format!("{name}:5/minute")), [spec], "{name}");
    }
}

#[test]
fn options_and_calendar_periods_mean_what_they_say() {
    let log = LimitSpec::new(Kind::SlidingWindowLog, 20_000, Period::Span(Nanos(HOUR)));
    let queue = LimitSpec::new(Kind::LeakyBucket, 5, Period::Span(Nanos(SECOND)));
    let paris = calendar(1000, CalendarUnit::Day, "Europe/Paris");
    for (text, spec) in [
        ("10/s burst 20", LimitSpec { burst: Some(20), ..gcra(10, SECOND) }),
        ("10/s BURST 2K", LimitSpec { burst: Some(2000), ..gcra(10, SECOND) }),
        ("100/300burst5", LimitSpec { burst: Some(5), ..gcra(100, 300 * SECOND) }),
        ("100/300 strict", LimitSpec { strict: true, ..gcra(100, 300 * SECOND) }),
        ("9/s strict burst 3", LimitSpec { strict: true, burst: Some(3), ..gcra(9, SECOND) }),
        ("sliding_window: 20k/h force", LimitSpec { force: true, ..log }),
        ("leaky_bucket: 5/s queue 2m", LimitSpec { max_wait: Some(Nanos(2 * MINUTE)), ..queue }),
        ("1000/calendar-day@Europe/Paris", paris.clone()),
        ("1k per Calendar-Day @ Europe/Paris", paris),
        ("fixed_window: 5/calendar-minute", calendar(5, CalendarUnit::Minute, "UTC")),
        ("5/calendar-hour", calendar(5, CalendarUnit::Hour, "UTC")),
        ("5/calendar-week@Etc/GMT+5", calendar(5, CalendarUnit::Week, "Etc/GMT+5")),
        ("5/calendar-month", calendar(5, CalendarUnit::Month, "UTC")),
        ("5perCALENDAR-YEAR@utc", calendar(5, CalendarUnit::Year, "utc")),
    ] {
        assert_eq!(specs(text), [spec], "{text}");
    }
}

#[test]
fn an_algorithm_given_beside_the_text_must_agree_with_it() {
    let given = |text, kind| Limits::parse_with(text, Some(kind));
    let window = Kind::FixedWindow;

    assert_eq!(given("5/s; 9/m", window), "fixed_window: 5/s; fixed_window: 9/m".parse());
    assert_eq!(given("fixed-window: 5/s", window), "fixed_window: 5/s".parse());
    assert_eq!(given("5/calendar-day", window), "5/calendar-day".parse());

    let error = given("5/s; gcra: 9/m", window).unwrap_err();
    assert_eq!(error.column(), 6);
    assert!(error.to_string().ends_with(
        "the text asks for gcra, but the algorithm given with it is fixed_window; leave one of them out"
    ));
    let error = given("5/calendar-day", Kind::Gcra).unwrap_err();
    assert_eq!(
        error.problem(),
        &Problem::Senseless(LimitError::CalendarWithout { algorithm: Kind::Gcra })
    );
}
