//! Response fields and bodies, to the letter.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should panic")]

use tidegate_core::{
    CalendarUnit, Decision, Limit, LimitSpec, Nanos, Period, Verdict, Zone,
    algorithm::Kind,
    fields::{Cause, Policy, Profile, Refusal, Report},
};

/// A Unix time with a quarter of a second.
const NOW: Nanos = Nanos(1_750_000_000_250_000_000);

fn limit(kind: Kind, units: u32, period: u64) -> Limit {
    Limit::new(LimitSpec::new(kind, units, Period::Span(Nanos::from_secs(period)))).unwrap()
}

fn decision(verdict: Verdict, limit: u32, remaining: u32, reset: u64, next: u64) -> Decision {
    Decision {
        verdict,
        limit,
        remaining,
        reset_after: Nanos(reset),
        next_unit_after: Nanos(next),
        delay: Nanos::ZERO,
    }
}

fn denied(retry_after: u64) -> Verdict {
    Verdict::Denied { retry_after: Nanos(retry_after) }
}

fn lines(report: &Report<'_>, profile: &str) -> Vec<String> {
    let mut lines = Vec::new();
    report.write(profile.parse().unwrap(), &mut |name, value| {
        lines.push(format!("{name}: {value}"));
    });
    lines
}

/// The fields of a response under one limit of 100 per minute, called `api`.
fn fields(decision: &Decision, profile: &str) -> Vec<String> {
    let limit = limit(Kind::Gcra, 100, 60);
    let policies = [Policy { name: "api", limit: &limit, decision }];
    lines(&Report::new(&policies, 0, NOW), profile)
}

#[test]
fn x_ratelimit_resets_at_an_epoch_second_rounded_up() {
    let allowed = decision(Verdict::Allowed, 100, 99, 600_000_000, 600_000_000);
    assert_eq!(
        fields(&allowed, "x-ratelimit"),
        [
            "X-RateLimit-Limit: 100",
            "X-RateLimit-Remaining: 99",
            // 0.25 + 0.6 seconds.
            "X-RateLimit-Reset: 1750000001",
        ]
    );

    let later = decision(Verdict::Allowed, 100, 98, 1_200_000_000, 600_000_000);
    assert_eq!(fields(&later, "x-ratelimit")[2], "X-RateLimit-Reset: 1750000002");
}

#[test]
fn x_ratelimit_of_a_refusal_has_retry_after() {
    let refused = decision(denied(600_000_000), 100, 0, 60_000_000_000, 600_000_000);
    assert_eq!(
        fields(&refused, "x-ratelimit"),
        [
            "X-RateLimit-Limit: 100",
            "X-RateLimit-Remaining: 0",
            "X-RateLimit-Reset: 1750000061",
            "Retry-After: 1",
        ]
    );
}

#[test]
fn draft_says_what_is_left_and_for_how_long() {
    let allowed = decision(Verdict::Allowed, 100, 50, 30_000_000_000, 1_000_000_001);
    assert_eq!(
        fields(&allowed, "draft"),
        [r#"RateLimit-Policy: "api";q=100;w=60"#, r#"RateLimit: "api";r=50;t=2"#,]
    );
}

#[test]
fn draft_leaves_the_time_out_when_the_key_is_full() {
    let full = decision(Verdict::Allowed, 100, 100, 0, 0);
    assert_eq!(fields(&full, "draft")[1], r#"RateLimit: "api";r=100"#);
}

#[test]
fn draft_of_a_refusal_has_nothing_left_until_the_retry() {
    // Three units are left, but a request of five was refused.
    let refused = decision(denied(1_200_000_001), 100, 3, 58_200_000_000, 600_000_000);
    assert_eq!(
        fields(&refused, "draft"),
        [r#"RateLimit-Policy: "api";q=100;w=60"#, r#"RateLimit: "api";r=0;t=2"#, "Retry-After: 2",]
    );
}

#[test]
fn draft_of_a_request_that_never_fits_tells_what_would() {
    let never = decision(Verdict::Never, 100, 40, 36_000_000_000, 600_000_000);
    assert_eq!(
        fields(&never, "draft"),
        [r#"RateLimit-Policy: "api";q=100;w=60"#, r#"RateLimit: "api";r=40;t=1"#,]
    );
}

#[test]
fn legacy_resets_in_seconds_from_now() {
    let allowed = decision(Verdict::Allowed, 100, 99, 600_000_000, 600_000_000);
    assert_eq!(
        fields(&allowed, "legacy"),
        ["RateLimit-Limit: 100", "RateLimit-Remaining: 99", "RateLimit-Reset: 1",]
    );

    let refused = decision(denied(1), 100, 0, 60_000_000_000, 1);
    assert_eq!(
        fields(&refused, "legacy"),
        ["RateLimit-Limit: 100", "RateLimit-Remaining: 0", "RateLimit-Reset: 60", "Retry-After: 1",]
    );
}

#[test]
fn profiles_stand_side_by_side_and_none_leaves_only_retry_after() {
    let refused = decision(denied(Nanos::from_secs(9).0), 100, 0, Nanos::from_secs(9).0, 1);
    let names: Vec<_> = fields(&refused, "legacy+draft+x-ratelimit")
        .iter()
        .map(|line| line.split_once(':').unwrap().0.to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
            "RateLimit-Limit",
            "RateLimit-Remaining",
            "RateLimit-Reset",
            "RateLimit-Policy",
            "RateLimit",
            "Retry-After",
        ]
    );
    assert_eq!(fields(&refused, "none"), ["Retry-After: 9"]);
}

#[test]
fn retry_after_is_rounded_up_and_never_zero() {
    for (wait, expected) in [
        (1, "Retry-After: 1"),
        (1_000_000_000, "Retry-After: 1"),
        (1_000_000_001, "Retry-After: 2"),
        (u64::MAX, "Retry-After: 18446744074"),
    ] {
        assert_eq!(fields(&decision(denied(wait), 1, 0, 1, 1), "none"), [expected]);
    }
    let overload = Report::new(&[], 0, NOW).with_wait(Nanos::ZERO);
    assert_eq!(lines(&overload, "x-ratelimit, draft, legacy"), ["Retry-After: 1"]);
}

#[test]
fn retry_after_stands_on_nothing_that_no_wait_cures() {
    for verdict in [Verdict::Allowed, Verdict::Never] {
        let answer = decision(verdict, 100, 0, 60_000_000_000, 600_000_000);
        assert_eq!(fields(&answer, "none"), Vec::<String>::new(), "{verdict:?}");
    }
}

#[test]
fn several_limits_are_listed_and_the_longest_wait_counts() {
    let (second, hour) =
        (limit(Kind::FixedWindow, 10, 1), limit(Kind::SlidingWindowLog, 500, 3600));
    let short = decision(denied(500_000_000), 10, 0, 500_000_000, 500_000_000);
    let long = decision(denied(90_000_000_000), 500, 0, 3_600_000_000_000, 90_000_000_000);
    let policies = [
        Policy { name: "api:1", limit: &second, decision: &short },
        Policy { name: "api:2", limit: &hour, decision: &long },
    ];

    let report = Report::new(&policies, 1, NOW);

    assert_eq!(
        lines(&report, "draft, legacy"),
        [
            "RateLimit-Limit: 500",
            "RateLimit-Remaining: 0",
            "RateLimit-Reset: 3600",
            r#"RateLimit-Policy: "api:1";q=10;w=1, "api:2";q=500;w=3600"#,
            r#"RateLimit: "api:1";r=0;t=1, "api:2";r=0;t=90"#,
            "Retry-After: 90",
        ]
    );
    // Jitter and penalties go up only.
    assert_eq!(report.with_wait(Nanos::from_secs(30)).retry_after_secs(), Some(90));
    assert_eq!(report.with_wait(Nanos::from_secs(900)).retry_after_secs(), Some(900));
    // No binding limit: nothing for the profiles that show one.
    assert_eq!(lines(&Report::new(&policies, 2, NOW), "legacy"), ["Retry-After: 90"]);
}

#[test]
fn one_limit_that_never_fits_takes_the_retry_away() {
    let (small, large) = (limit(Kind::Gcra, 10, 1), limit(Kind::Gcra, 500, 60));
    let never = decision(Verdict::Never, 10, 10, 0, 0);
    let wait = decision(denied(90_000_000_000), 500, 0, 60_000_000_000, 1);
    let policies = [
        Policy { name: "large", limit: &large, decision: &wait },
        Policy { name: "small", limit: &small, decision: &never },
    ];
    assert_eq!(Report::new(&policies, 0, NOW).retry_after(), None);
}

#[test]
fn the_quota_is_what_a_rested_key_may_spend_and_the_time_it_takes_to_come_back() {
    let spec =
        |kind, units, secs| LimitSpec::new(kind, units, Period::Span(Nanos::from_secs(secs)));
    let day =
        Period::Calendar { unit: CalendarUnit::Day, zone: Zone::new("Europe/Paris").unwrap() };
    let burst = |spec: LimitSpec, burst| LimitSpec { burst: Some(burst), ..spec };
    for (spec, expected) in [
        (spec(Kind::Gcra, 7, 60), "q=7;w=60"),
        (burst(spec(Kind::TokenBucket, 10, 1), 50), "q=50;w=5"),
        (burst(spec(Kind::LeakyBucket, 100, 60), 1), "q=1;w=1"),
        (spec(Kind::SlidingWindowCounter, 100, 60), "q=100;w=60"),
        (LimitSpec::new(Kind::FixedWindow, 1000, day), "q=1000;w=86400"),
        (spec(Kind::Gcra, 0, 60), "q=0;w=60"),
    ] {
        let limit = Limit::new(spec).unwrap();
        let decision = decision(Verdict::Allowed, limit.capacity(), 0, 0, 0);
        let policies = [Policy { name: "p", limit: &limit, decision: &decision }];
        let fields = lines(&Report::new(&policies, 0, NOW), "draft");
        assert_eq!(fields[0], format!(r#"RateLimit-Policy: "p";{expected}"#));
    }
}

#[test]
fn no_name_can_break_out_of_a_field() {
    let limit = limit(Kind::FixedWindow, 1, 1);
    let full = decision(Verdict::Allowed, 1, 1, 0, 0);
    for (name, expected) in [
        (r#"a"b\c"#, r#""a\"b\\c""#),
        ("caf\u{e9} 5%", r#""caf%C3%A9 5%25""#),
        ("x\r\nSet-Cookie: y", r#""x%0D%0ASet-Cookie: y""#),
        ("", r#""""#),
    ] {
        let policies = [Policy { name, limit: &limit, decision: &full }];
        let fields = lines(&Report::new(&policies, 0, NOW), "draft");
        assert_eq!(fields[1], format!("RateLimit: {expected};r=1"));
    }
}

fn body(cause: Cause, report: Report<'_>, accept: &str) -> String {
    Refusal { cause, report }.body(Some(accept)).text
}

#[test]
fn a_refusal_by_a_limit_in_all_three_forms() {
    let limit = limit(Kind::FixedWindow, 5, 300);
    let refused = decision(denied(11_500_000_000), 5, 0, 11_500_000_000, 11_500_000_000);
    let passed = decision(Verdict::Allowed, 5, 3, 11_500_000_000, 11_500_000_000);
    let policies = [
        Policy { name: "log \"in\" <b>", limit: &limit, decision: &refused },
        Policy { name: "other", limit: &limit, decision: &passed },
    ];
    let report = Report::new(&policies, 0, NOW);

    assert_eq!(Refusal { cause: Cause::Limit, report }.status(), 429);
    assert_eq!(
        body(Cause::Limit, report, "application/json"),
        concat!(
            r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","#,
            r#""title":"Quota exceeded","status":429,"#,
            r#""detail":"The limit \"log \"in\" <b>\" is reached. Try again in 12 seconds.","#,
            r#""violated-policies":["log \"in\" <b>"],"retry_after":12}"#,
        )
    );
    assert_eq!(
        body(Cause::Limit, report, "text/plain"),
        "Too many requests\nThe limit \"log \"in\" <b>\" is reached. Try again in 12 seconds.\n"
    );
    let page = body(Cause::Limit, report, "text/html");
    assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{page}");
    assert!(page.contains("<h1>Too many requests</h1>"), "{page}");
    assert!(page.contains("log &quot;in&quot; &lt;b&gt;"), "{page}");
    assert!(!page.contains("<b>"), "{page}");
}

#[test]
fn several_violated_limits_are_all_named_as_the_fields_name_them() {
    let limit = limit(Kind::FixedWindow, 5, 300);
    let refused = decision(denied(Nanos::from_secs(180).0), 5, 0, 1, 1);
    let policies = [
        Policy { name: "caf\u{e9}", limit: &limit, decision: &refused },
        Policy { name: "b", limit: &limit, decision: &refused },
    ];

    let json = body(Cause::Limit, Report::new(&policies, 0, NOW), "*/*");

    assert!(json.contains(r#""violated-policies":["caf%C3%A9","b"]"#), "{json}");
    let detail = "The limits \\\"caf\u{e9}\\\", \\\"b\\\" are reached. Try again in 3 minutes.";
    assert!(json.contains(detail), "{json}");
}

#[test]
fn a_request_that_never_fits_is_told_that_waiting_does_not_help() {
    let limit = limit(Kind::Gcra, 10, 1);
    let never = decision(Verdict::Never, 10, 10, 0, 0);
    let policies = [Policy { name: "bulk", limit: &limit, decision: &never }];

    assert_eq!(
        body(Cause::Never, Report::new(&policies, 0, NOW), "*/*"),
        concat!(
            r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","#,
            r#""title":"Quota exceeded","status":429,"#,
            r#""detail":"The request costs more than the 10 that the limit \"bulk\" ever allows"#,
            r#" at once. Waiting does not help.","violated-policies":["bulk"]}"#,
        )
    );
}

#[test]
fn a_limit_of_zero_says_that_it_allows_nothing() {
    let limit = limit(Kind::Gcra, 0, 1);
    let never = decision(Verdict::Never, 0, 0, 0, 0);
    let policies = [Policy { name: "closed", limit: &limit, decision: &never }];
    assert_eq!(
        body(Cause::Never, Report::new(&policies, 0, NOW), "text/plain"),
        "Too many requests\nThe limit \"closed\" allows no requests. Waiting does not help.\n"
    );
}

#[test]
fn what_is_about_the_service_is_a_503_that_blames_no_policy() {
    let report = Report::new(&[], 0, NOW).with_wait(Nanos::from_secs(1));
    assert_eq!(Refusal { cause: Cause::Overload, report }.status(), 503);
    assert_eq!(
        body(Cause::Overload, report, "*/*"),
        concat!(
            r#"{"type":"https://iana.org/assignments/http-problem-types#temporary-reduced-capacity","#,
            r#""title":"Temporarily reduced capacity","status":503,"#,
            r#""detail":"The service has more work than it can do. Try again in 1 second.","#,
            r#""retry_after":1}"#,
        )
    );
    assert_eq!(
        body(Cause::StoreClosed, Report::new(&[], 0, NOW), "text/plain"),
        "Service unavailable\nThe service cannot check its limits right now.\n"
    );
}

#[test]
fn a_body_says_what_it_is() {
    let refusal = Refusal { cause: Cause::Overload, report: Report::new(&[], 0, NOW) };
    for (accept, content_type) in [
        (None, "application/problem+json"),
        (Some("text/html"), "text/html; charset=utf-8"),
        (Some("text/plain"), "text/plain; charset=utf-8"),
    ] {
        assert_eq!(refusal.body(accept).media_type.content_type(), content_type);
    }
}

#[test]
fn the_default_profile_is_x_ratelimit() {
    assert_eq!(Profile::default(), Profile::X_RATELIMIT);
}
