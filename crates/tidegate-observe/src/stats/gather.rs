//! From a gate to what it tells.

use std::collections::BTreeMap;

use tidegate::{Gate, Health, Reason, RuleCounts, Store};

use super::{Bucket, Busy, ConfigState, Excepted, RuleCount, Stats, StoreState};

impl Stats {
    /// What a gate that is watched tells.
    #[must_use]
    pub fn of(gate: &Gate, config: Option<ConfigState>) -> Self {
        let counted = gate.watch().map(|watch| watch.counted());
        let exceptions = gate.watch().map(|watch| watch.exceptions()).unwrap_or_default();
        let keys = gate.watch().map(|watch| watch.excepted_keys()).unwrap_or_default();
        let mut stats = Self {
            version: crate::VERSION,
            workers: vec![std::process::id()],
            store: StoreState::of(&**gate.store()),
            config,
            exceptions: exceptions.iter().map(|it| (it.network.to_string(), it.lets_in)).collect(),
            excepted_keys: keys.into_iter().map(Excepted::of).collect(),
            rules: gate.rules().iter().map(RuleCount::of).collect(),
            ..Self::default()
        };
        let Some(counted) = counted else { return stats };
        (stats.requests, stats.admitted) = (counted.requests, counted.admitted);
        (stats.refused, stats.reasons) = (counted.refused, by_name(&counted.reasons));
        (stats.errors, stats.degraded) = (counted.errors, counted.degraded);
        (stats.unnoted, stats.nanos) = (counted.unnoted, counted.nanos);
        for rule in &counted.rules {
            let place = stats.rules.iter().position(|known| known.rule == rule.rule);
            let place = place.unwrap_or_else(|| {
                stats.rules.push(RuleCount { rule: rule.rule.clone(), ..RuleCount::default() });
                stats.rules.len() - 1
            });
            stats.rules[place].count(rule);
        }
        stats.keys = counted
            .keys
            .into_iter()
            .map(|key| Busy {
                rule: key.rule,
                key: tidegate::subject_text(&key.key).into_owned(),
                requests: key.requests,
                refused: key.refused,
            })
            .collect();
        stats.latency =
            counted.latency.into_iter().map(|(nanos, count)| Bucket { nanos, count }).collect();
        stats
    }
}

impl RuleCount {
    fn of(rule: &tidegate::Rule) -> Self {
        let limits: Vec<_> = rule.limits().iter().map(ToString::to_string).collect();
        let concurrent = rule.limits().concurrent().map(|count| format!("{count} concurrent"));
        Self {
            rule: rule.name().to_owned(),
            limit: limits.into_iter().chain(concurrent).collect::<Vec<_>>().join("; "),
            key: rule.counts().to_string(),
            shadow: rule.is_shadow(),
            ..Self::default()
        }
    }

    fn count(&mut self, counts: &RuleCounts) {
        (self.requests, self.passed) = (counts.requests, counts.passed);
        (self.refused, self.would_refuse) = (counts.refused, counts.shadow);
        self.reasons = by_name(&counts.reasons);
    }
}

impl Excepted {
    fn of(key: tidegate::ExceptedKey) -> Self {
        let lets_in = key.lets_in;
        Self { rule: key.rule, key: tidegate::subject_text(&key.key).into_owned(), lets_in }
    }
}

impl StoreState {
    fn of(store: &dyn Store) -> Self {
        let name = store.name().to_owned();
        let Some(remote) = store.remote() else { return Self { name, up: 1, ..Self::default() } };
        let stats = remote.stats();
        Self {
            name,
            remote: true,
            up: u32::from(remote.health() == Health::Up),
            exchanges: stats.exchanges,
            failures: stats.failures,
            outages: stats.outages,
        }
    }
}

fn by_name(reasons: &[(Reason, u64)]) -> BTreeMap<String, u64> {
    reasons.iter().map(|(reason, count)| (reason.name().to_owned(), *count)).collect()
}
