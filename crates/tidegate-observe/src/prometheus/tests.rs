//! A page, and that it is one.

use std::collections::{BTreeMap, BTreeSet};

use super::{MOST_RULES, prometheus};
use crate::{Bucket, ConfigState, RuleCount, Stats, StoreState};

fn rule(name: &str, passed: u64, refused: u64) -> RuleCount {
    let requests = passed + refused;
    RuleCount { rule: name.to_owned(), requests, passed, refused, ..RuleCount::default() }
}

fn stats() -> Stats {
    Stats {
        workers: vec![7, 8],
        silent: vec![9],
        requests: 12,
        admitted: 8,
        refused: 3,
        errors: 1,
        reasons: [("limit".to_owned(), 3)].into(),
        rules: vec![rule("api", 9, 2), rule("lo\"gin", 10, 1)],
        latency: vec![
            Bucket { nanos: 255, count: 4 },
            Bucket { nanos: 319, count: 6 },
            Bucket { nanos: 9_000_000_000, count: 2 },
        ],
        nanos: 18_000_003_000,
        store: StoreState {
            name: "redis".to_owned(),
            remote: true,
            up: 1,
            exchanges: 12,
            failures: 2,
            outages: 1,
        },
        config: Some(ConfigState::new("t.toml".to_owned(), 1_700_000_000.5, 4, None)),
        exceptions: vec![("192.0.2.0/24".to_owned(), false)],
        ..Stats::default()
    }
}

/// The samples of a page by name and labels, having checked that it is one: every sample belongs to
/// the family above it, and no family and no sample comes twice.
fn read(stats: Stats) -> BTreeMap<String, f64> {
    let page = prometheus(stats).unwrap();
    let (mut samples, mut families) = (BTreeMap::new(), BTreeSet::new());
    let mut family = String::new();
    for line in page.strip_suffix("# EOF\n").unwrap().lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split_once(' ').unwrap().0.to_owned();
            assert!(families.insert(family.clone()), "{family}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert_eq!(rest.split_once(' ').unwrap().0, family);
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let bare = name.split_once('{').map_or(name, |(bare, _)| bare);
            let ending = bare.strip_prefix(&*family).unwrap();
            assert!(matches!(ending, "" | "_total" | "_bucket" | "_sum" | "_count"), "{name}");
            assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{name}");
        }
    }
    samples
}

#[test]
fn everything_is_told() {
    let samples = read(stats());
    for (name, value) in [
        ("tidegate_up", 1.0),
        ("tidegate_workers{state=\"answering\"}", 2.0),
        ("tidegate_workers{state=\"silent\"}", 1.0),
        ("tidegate_decisions_total{outcome=\"admitted\"}", 8.0),
        ("tidegate_decisions_total{outcome=\"refused\"}", 3.0),
        ("tidegate_decisions_total{outcome=\"error\"}", 1.0),
        ("tidegate_refusals_total{reason=\"limit\"}", 3.0),
        ("tidegate_requests_total{rule=\"api\",outcome=\"passed\"}", 9.0),
        ("tidegate_requests_total{rule=\"api\",outcome=\"refused\"}", 2.0),
        ("tidegate_requests_total{rule=\"lo\\\"gin\",outcome=\"refused\"}", 1.0),
        ("tidegate_decision_seconds_bucket{le=\"2.56e-7\"}", 4.0),
        ("tidegate_decision_seconds_bucket{le=\"5.12e-7\"}", 10.0),
        ("tidegate_decision_seconds_bucket{le=\"8.589934592\"}", 10.0),
        ("tidegate_decision_seconds_bucket{le=\"+Inf\"}", 12.0),
        ("tidegate_decision_seconds_count", 12.0),
        ("tidegate_decision_seconds_sum", 18.000_003),
        ("tidegate_store_up{store=\"redis\"}", 0.0),
        ("tidegate_breaker_open{store=\"redis\"}", 1.0),
        ("tidegate_store_failures_total{store=\"redis\"}", 2.0),
        ("tidegate_exceptions{list=\"deny\"}", 1.0),
        ("tidegate_config_reload_failures_total", 4.0),
        ("tidegate_config_last_reload_successful", 1.0),
        ("tidegate_config_last_reload_success_timestamp_seconds", 1_700_000_000.5),
    ] {
        let told = samples.get(name).unwrap_or_else(|| panic!("{name} is not told"));
        assert!((told - value).abs() < 1e-9, "{name} {told}");
    }
}

#[test]
fn an_application_that_is_gone_is_down_and_its_counts_stay() {
    let gone = Stats { workers: Vec::new(), config: None, ..stats() };
    let samples = read(gone);
    assert_eq!(samples["tidegate_up"].to_bits(), 0.0_f64.to_bits());
    assert!(samples.contains_key("tidegate_decisions_total{outcome=\"admitted\"}"));
    assert!(!samples.keys().any(|name| name.starts_with("tidegate_store_up")));
}

#[test]
fn rules_are_bounded_and_none_is_lost() {
    let mut many = stats();
    many.rules = (0..MOST_RULES + 10).map(|number| rule(&format!("rule {number}"), 1, 0)).collect();
    many.rules.extend([rule("", 3, 0), rule("(other)", 2, 0)]);
    let samples = read(many);
    let of_rules: Vec<_> =
        samples.iter().filter(|(name, _)| name.starts_with("tidegate_requests_total")).collect();
    assert_eq!(of_rules.len(), 3 * (MOST_RULES + 1));
    let sum: f64 = of_rules.iter().map(|(_, value)| **value).sum();
    assert!((sum - 271.0).abs() < 1e-9);
    let others = samples["tidegate_requests_total{rule=\"(other)\",outcome=\"passed\"}"];
    assert!((others - 15.0).abs() < 1e-9);
}
