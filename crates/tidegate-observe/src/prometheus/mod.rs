//! What was counted, as Prometheus reads it.
//!
//! The number of series is bounded: there is none by key, and rules beyond [`MOST_RULES`] are
//! counted together.

mod page;
#[cfg(test)]
mod tests;

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text},
    registry::Registry,
};

use self::page::{Labels, Page};
use crate::{RuleCount, Stats, StoreState};

/// The type of what [`prometheus`] writes, for the header field `Content-Type`.
pub const PROMETHEUS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The most rules with series of their own.
const MOST_RULES: usize = 256;
/// The name under which the others are counted.
const OTHERS: &str = "(other)";

/// Bounds of the histogram, as powers of two of a nanosecond: from 256 ns to 8.6 s. The buckets
/// that are counted are finer, and each is within one of these.
const POWERS: std::ops::RangeInclusive<u32> = 8..=33;

/// What all workers tell together, in the text format that Prometheus, `OpenTelemetry`'s collector
/// and others read.
///
/// `stats` should be those of [`Totals`](crate::Totals), whose counters never go back.
///
/// # Errors
///
/// None that is known: writing to a string does not fail.
///
/// Source: "`OpenMetrics` 1.0", Cloud Native Computing Foundation.
pub fn prometheus(stats: Stats) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("tidegate");
    registry.register_collector(Box::new(stats));
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}

impl Collector for Stats {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        workers(&mut page, self)?;
        decisions(&mut page, self)?;
        rules(&mut page, &self.rules)?;
        times(&mut page, self)?;
        store(&mut page, self)?;
        config(&mut page, self)
    }
}

fn workers(page: &mut Page<'_>, stats: &Stats) -> fmt::Result {
    let is_up = u32::from(!stats.workers.is_empty());
    page.gauge("up", "Whether any worker of the application answers", &is_up)?;
    let (answering, silent) = (stats.workers.len() as u64, stats.silent.len() as u64);
    page.gauges(
        "workers",
        "Workers, by whether they answer",
        [([("state", "answering")], answering), ([("state", "silent")], silent)],
    )
}

fn decisions(page: &mut Page<'_>, stats: &Stats) -> fmt::Result {
    let outcomes =
        [("admitted", stats.admitted), ("refused", stats.refused), ("error", stats.errors)];
    page.counters(
        "decisions",
        "Requests that passed the gate, by what became of them",
        outcomes.map(|(outcome, count)| ([("outcome", outcome)], count)),
    )?;
    page.counters(
        "refusals",
        "Requests that were refused, by reason",
        stats.reasons.iter().map(|(reason, count)| ([("reason", &**reason)], *count)),
    )?;
    page.counter("degraded", "Requests that were decided without the store", stats.degraded)?;
    page.counter(
        "keys_unnoted",
        "Requests that are missing among the busiest keys, because others were being noted",
        stats.unnoted,
    )?;
    let excepted = |lets_in: bool| {
        let networks = stats.exceptions.iter().filter(|(_, it)| *it == lets_in).count();
        let keys = stats.excepted_keys.iter().filter(|it| it.lets_in == lets_in).count();
        (networks + keys) as u64
    };
    page.gauges(
        "exceptions",
        "Networks and keys that are blocked or let in for now",
        [([("list", "allow")], excepted(true)), ([("list", "deny")], excepted(false))],
    )
}

fn rules(page: &mut Page<'_>, rules: &[RuleCount]) -> fmt::Result {
    let is_named = |rule: &&RuleCount| !matches!(&*rule.rule, "" | OTHERS);
    let mut named: Vec<_> = rules.iter().filter(is_named).collect();
    let beyond = named.split_off(named.len().min(MOST_RULES));
    let mut others = RuleCount { rule: OTHERS.to_owned(), ..RuleCount::default() };
    for rule in beyond.into_iter().chain(rules.iter().filter(|rule| !is_named(rule))) {
        others.passed += rule.passed;
        others.refused += rule.refused;
        others.would_refuse += rule.would_refuse;
        others.requests += rule.requests;
    }
    let others = Some(&others).filter(|others| others.requests > 0);
    page.counters(
        "requests",
        "Requests that a rule looked at: those it let pass, refused, or would have refused",
        named.into_iter().chain(others).flat_map(outcomes),
    )
}

fn outcomes(rule: &RuleCount) -> [(Labels<'_, 2>, u64); 3] {
    let outcomes =
        [("passed", rule.passed), ("refused", rule.refused), ("would_refuse", rule.would_refuse)];
    outcomes.map(|(outcome, count)| ([("rule", &*rule.rule), ("outcome", outcome)], count))
}

#[expect(clippy::cast_precision_loss, reason = "shown in seconds")]
fn times(page: &mut Page<'_>, stats: &Stats) -> fmt::Result {
    let bounds: Vec<u64> = POWERS.map(|power| 1 << power).collect();
    let mut buckets: Vec<_> = bounds.iter().map(|nanos| (*nanos as f64 / 1e9, 0)).collect();
    buckets.push((f64::INFINITY, 0));
    for counted in &stats.latency {
        buckets[bounds.partition_point(|bound| *bound < counted.nanos)].1 += counted.count;
    }
    page.histogram(
        "decision_seconds",
        "How long decisions took, the store included",
        stats.nanos as f64 / 1e9,
        &buckets,
    )
}

fn store(page: &mut Page<'_>, stats: &Stats) -> fmt::Result {
    let StoreState { name: store, remote, up, exchanges, failures, outages } = &stats.store;
    if stats.workers.is_empty() {
        return Ok(());
    }
    let workers = stats.workers.len() as u64;
    let labels = [("store", store.as_str())];
    page.gauges(
        "store_up",
        "Whether every worker that answers has a store that answers",
        [(labels, u64::from(u64::from(*up) >= workers))],
    )?;
    page.gauges(
        "breaker_open",
        "Workers that leave the store alone because it did not answer",
        [(labels, workers.saturating_sub(u64::from(*up)))],
    )?;
    if !remote {
        return Ok(());
    }
    for (name, help, count) in [
        ("store_exchanges", "Trips to the store's server", exchanges),
        ("store_failures", "Trips without an answer", failures),
        ("store_outages", "Times that the server was given up", outages),
    ] {
        page.counters(name, help, [(labels, *count)])?;
    }
    Ok(())
}

fn config(page: &mut Page<'_>, stats: &Stats) -> fmt::Result {
    let Some(config) = &stats.config else { return Ok(()) };
    page.counter(
        "config_reload_failures",
        "Times that a worker could not take over a changed configuration",
        config.failures,
    )?;
    page.gauge(
        "config_last_reload_successful",
        "Whether every worker follows the configuration as it is now",
        &u32::from(config.error.is_none()),
    )?;
    page.gauge(
        "config_last_reload_success_timestamp_seconds",
        "When the configuration was taken over, by the worker that was the first to do so",
        &config.loaded_at,
    )
}
