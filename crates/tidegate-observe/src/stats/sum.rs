//! What several workers tell, together.

use std::collections::{BTreeMap, HashMap};

use super::{Bucket, Busy, ConfigState, RuleCount, Stats, StoreState};

/// The busiest keys of all workers together that are kept.
const MOST_KEYS: usize = 1024;

impl Stats {
    /// Adds what another worker tells.
    pub fn add(&mut self, other: Self) {
        self.version = self.version.max(other.version);
        self.workers.extend(other.workers);
        self.silent.extend(other.silent);
        self.requests += other.requests;
        self.admitted += other.admitted;
        self.refused += other.refused;
        add_names(&mut self.reasons, other.reasons);
        self.errors += other.errors;
        self.degraded += other.degraded;
        self.unnoted += other.unnoted;
        self.nanos += other.nanos;
        add_rules(&mut self.rules, other.rules);
        add_keys(&mut self.keys, other.keys);
        add_times(&mut self.latency, other.latency);
        self.store.add(other.store);
        match (&mut self.config, other.config) {
            (Some(config), Some(other)) => config.add(other),
            (config, other) => *config = config.take().or(other),
        }
        add_new(&mut self.exceptions, other.exceptions);
        add_new(&mut self.excepted_keys, other.excepted_keys);
    }

    /// The counts alone, without what was true of the worker only while it was there.
    #[must_use]
    pub(crate) fn into_counts(self) -> Self {
        let StoreState { name, remote, up: _, exchanges, failures, outages } = self.store;
        Self {
            workers: Vec::new(),
            silent: Vec::new(),
            keys: Vec::new(),
            exceptions: Vec::new(),
            excepted_keys: Vec::new(),
            config: None,
            store: StoreState { name, remote, up: 0, exchanges, failures, outages },
            ..self
        }
    }

    /// The time that a share of all decisions took at most, in nanoseconds: `0.99` for the 99th
    /// percentile. Zero when there is none.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank, which may be off by one among billions"
    )]
    pub fn quantile(&self, share: f64) -> u64 {
        let all: u64 = self.latency.iter().map(|bucket| bucket.count).sum();
        let rank = (all as f64 * share).ceil() as u64;
        let mut seen = 0;
        for bucket in &self.latency {
            seen += bucket.count;
            if seen >= rank.max(1) {
                return bucket.nanos;
            }
        }
        0
    }
}

impl StoreState {
    fn add(&mut self, other: Self) {
        if self.name.is_empty() {
            (self.name, self.remote) = (other.name, other.remote);
        }
        self.up += other.up;
        self.exchanges += other.exchanges;
        self.failures += other.failures;
        self.outages += other.outages;
    }
}

impl ConfigState {
    fn add(&mut self, other: Self) {
        self.loaded_at = self.loaded_at.min(other.loaded_at);
        self.failures += other.failures;
        self.error = self.error.take().or(other.error);
    }
}

fn add_new<T: PartialEq>(known: &mut Vec<T>, others: Vec<T>) {
    for other in others {
        if !known.contains(&other) {
            known.push(other);
        }
    }
}

fn add_names(names: &mut BTreeMap<String, u64>, others: BTreeMap<String, u64>) {
    for (name, count) in others {
        *names.entry(name).or_default() += count;
    }
}

fn add_rules(rules: &mut Vec<RuleCount>, others: Vec<RuleCount>) {
    for other in others {
        match rules.iter_mut().find(|known| known.rule == other.rule) {
            Some(known) => {
                known.requests += other.requests;
                known.passed += other.passed;
                known.refused += other.refused;
                known.would_refuse += other.would_refuse;
                add_names(&mut known.reasons, other.reasons);
            }
            None => rules.push(other),
        }
    }
}

/// There are many keys, and many workers: looked up, not looked for.
fn add_keys(keys: &mut Vec<Busy>, others: Vec<Busy>) {
    let places: HashMap<_, _> = keys
        .iter()
        .enumerate()
        .map(|(place, key)| ((key.rule.clone(), key.key.clone()), place))
        .collect();
    for other in others {
        match places.get(&(other.rule.clone(), other.key.clone())) {
            Some(&place) => {
                keys[place].requests += other.requests;
                keys[place].refused += other.refused;
            }
            None => keys.push(other),
        }
    }
    keys.sort_by_key(|key| std::cmp::Reverse((key.refused, key.requests)));
    keys.truncate(MOST_KEYS);
}

fn add_times(times: &mut Vec<Bucket>, others: Vec<Bucket>) {
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for bucket in times.drain(..).chain(others) {
        *counts.entry(bucket.nanos).or_default() += bucket.count;
    }
    times.extend(counts.into_iter().map(|(nanos, count)| Bucket { nanos, count }));
}
