//! What was counted, as Prometheus reads it.
//!
//! The number of series is bounded: there is none by key, and rules beyond [`MOST_RULES`] are
//! counted together.

mod page;
#[cfg(test)]
mod tests;

use self::page::{Kind, Page};
use crate::{Bucket, RuleCount, Stats, StoreState};

/// The type of what [`prometheus`] writes, for the header field `Content-Type`.
pub const PROMETHEUS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The most rules with series of their own.
const MOST_RULES: usize = 256;
/// The name under which the others are counted.
const OTHERS: &str = "(other)";

/// Bounds of the histogram, as powers of two of a nanosecond: from 256 ns to 8.6 s. The buckets
/// that are counted are finer, and each is within one of these.
const POWERS: std::ops::RangeInclusive<u32> = 8..=33;

/// The text format of Prometheus for what all workers tell together.
///
/// `stats` should be those of [`Totals`](crate::Totals), whose counters never go back.
#[must_use]
pub fn prometheus(stats: &Stats) -> String {
    let mut page = Page::default();
    workers(&mut page, stats);
    decisions(&mut page, stats);
    rules(&mut page, &stats.rules);
    times(&mut page, stats);
    store(&mut page, stats);
    config(&mut page, stats);
    page.into_text()
}

fn workers(page: &mut Page, stats: &Stats) {
    page.number(
        "tidegate_up",
        Kind::Gauge,
        "Whether any worker of the application answers.",
        u8::from(!stats.workers.is_empty()),
    );
    page.family("tidegate_workers", Kind::Gauge, "Workers, by whether they answer.");
    for (state, workers) in [("answering", &stats.workers), ("silent", &stats.silent)] {
        page.sample("tidegate_workers", &[("state", state)], workers.len());
    }
}

fn decisions(page: &mut Page, stats: &Stats) {
    let name = "tidegate_decisions_total";
    page.family(name, Kind::Counter, "Requests that passed the gate, by what became of them.");
    let outcomes =
        [("admitted", stats.admitted), ("refused", stats.refused), ("error", stats.errors)];
    for (outcome, count) in outcomes {
        page.sample(name, &[("outcome", outcome)], count);
    }
    let name = "tidegate_refusals_total";
    page.family(name, Kind::Counter, "Requests that were refused, by reason.");
    for (reason, count) in &stats.reasons {
        page.sample(name, &[("reason", reason)], count);
    }
    page.number(
        "tidegate_degraded_total",
        Kind::Counter,
        "Requests that were decided without the store.",
        stats.degraded,
    );
    page.number(
        "tidegate_keys_unnoted_total",
        Kind::Counter,
        "Requests that are missing among the busiest keys, because others were being noted.",
        stats.unnoted,
    );
    page.family(
        "tidegate_exceptions",
        Kind::Gauge,
        "Networks and keys that are blocked or let in for now.",
    );
    for (list, lets_in) in [("allow", true), ("deny", false)] {
        let networks = stats.exceptions.iter().filter(|(_, it)| *it == lets_in).count();
        let keys = stats.excepted_keys.iter().filter(|it| it.lets_in == lets_in).count();
        page.sample("tidegate_exceptions", &[("list", list)], networks + keys);
    }
}

fn rules(page: &mut Page, rules: &[RuleCount]) {
    let name = "tidegate_requests_total";
    page.family(
        name,
        Kind::Counter,
        "Requests that a rule looked at: those it let pass, refused, or would have refused.",
    );
    let mut others = RuleCount { rule: OTHERS.to_owned(), ..RuleCount::default() };
    let mut told = 0;
    for rule in rules {
        if told == MOST_RULES || matches!(&*rule.rule, "" | OTHERS) {
            others.passed += rule.passed;
            others.refused += rule.refused;
            others.would_refuse += rule.would_refuse;
            others.requests += rule.requests;
        } else {
            told += 1;
            outcomes(page, name, rule);
        }
    }
    if others.requests > 0 {
        outcomes(page, name, &others);
    }
}

fn outcomes(page: &mut Page, name: &str, rule: &RuleCount) {
    let outcomes =
        [("passed", rule.passed), ("refused", rule.refused), ("would_refuse", rule.would_refuse)];
    for (outcome, count) in outcomes {
        page.sample(name, &[("rule", &rule.rule), ("outcome", outcome)], count);
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown in seconds")]
fn times(page: &mut Page, stats: &Stats) {
    let name = "tidegate_decision_seconds";
    page.family(name, Kind::Histogram, "How long decisions took, the store included.");
    let bucket = format!("{name}_bucket");
    let up_to = |nanos: u64| -> u64 {
        let below = |bucket: &&Bucket| bucket.nanos < nanos;
        stats.latency.iter().filter(below).map(|bucket| bucket.count).sum()
    };
    for power in POWERS {
        let nanos = 1 << power;
        let bound = (nanos as f64 / 1e9).to_string();
        page.sample(&bucket, &[("le", &bound)], up_to(nanos));
    }
    let all = up_to(u64::MAX);
    page.sample(&bucket, &[("le", "+Inf")], all);
    page.sample(&format!("{name}_sum"), &[], stats.nanos as f64 / 1e9);
    page.sample(&format!("{name}_count"), &[], all);
}

fn store(page: &mut Page, stats: &Stats) {
    let StoreState { name: store, remote, up, exchanges, failures, outages } = &stats.store;
    if stats.workers.is_empty() {
        return;
    }
    let workers = u32::try_from(stats.workers.len()).unwrap_or(u32::MAX);
    let labels = [("store", store.as_str())];
    let name = "tidegate_store_up";
    page.family(name, Kind::Gauge, "Whether every worker that answers has a store that answers.");
    page.sample(name, &labels, u8::from(*up >= workers));
    let name = "tidegate_breaker_open";
    page.family(name, Kind::Gauge, "Workers that leave the store alone because it did not answer.");
    page.sample(name, &labels, workers.saturating_sub(*up));
    if !remote {
        return;
    }
    for (name, help, count) in [
        ("tidegate_store_exchanges_total", "Trips to the store's server.", exchanges),
        ("tidegate_store_failures_total", "Trips without an answer.", failures),
        ("tidegate_store_outages_total", "Times that the server was given up.", outages),
    ] {
        page.family(name, Kind::Counter, help);
        page.sample(name, &labels, count);
    }
}

fn config(page: &mut Page, stats: &Stats) {
    let Some(config) = &stats.config else { return };
    page.number(
        "tidegate_config_reload_failures_total",
        Kind::Counter,
        "Times that a worker could not take over a changed configuration.",
        config.failures,
    );
    page.number(
        "tidegate_config_last_reload_successful",
        Kind::Gauge,
        "Whether every worker follows the configuration as it is now.",
        u8::from(config.error.is_none()),
    );
    page.number(
        "tidegate_config_last_reload_success_timestamp_seconds",
        Kind::Gauge,
        "When the configuration was taken over, by the worker that was the first to do so.",
        config.loaded_at,
    );
}
