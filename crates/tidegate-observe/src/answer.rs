//! What is answered.

use serde::{Deserialize, Serialize};
use tidegate::{Decision, Gate, Health, Store};

/// An answer, as a line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// To [`Question::Stats`](crate::Question::Stats).
    Stats(Box<Stats>),
    /// To [`Question::Keys`](crate::Question::Keys).
    Keys {
        /// The keys, by rule and then by key.
        keys: Vec<Kept>,
    },
    /// To [`Question::Inspect`](crate::Question::Inspect).
    Inspect(Held),
    /// It is done.
    Done,
    /// It cannot be done.
    Error {
        /// Why.
        message: String,
    },
}

/// What one worker tells, or several together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// The version of this answer.
    pub version: u32,
    /// The processes that it is about.
    pub workers: Vec<u32>,
    /// Requests that were decided since the workers began.
    pub requests: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Requests that could not be decided.
    pub errors: u64,
    /// Requests that were decided without the store.
    pub degraded: u64,
    /// By rule, in the order of the configuration.
    pub rules: Vec<RuleCount>,
    /// The busiest keys.
    pub keys: Vec<Busy>,
    /// How long decisions took.
    pub latency: Vec<Bucket>,
    /// The store.
    pub store: StoreState,
    /// The configuration that is followed, if one is.
    pub config: Option<ConfigState>,
    /// Networks that are let in (true) or kept out for now.
    pub exceptions: Vec<(String, bool)>,
}

/// What was counted for a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RuleCount {
    /// The rule's name.
    pub rule: String,
    /// Its limits; empty for a rule that is not in force any more.
    pub limit: String,
    /// Whom it counts.
    pub key: String,
    /// Whether it refuses nothing.
    pub shadow: bool,
    /// Requests that it applied to.
    pub requests: u64,
    /// Requests that it refused, or would have refused in the shadow.
    pub refused: u64,
}

/// A busy key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Busy {
    /// The rule that counts it.
    pub rule: String,
    /// The key, as people read it.
    pub key: String,
    /// Requests, at most.
    pub requests: u64,
    /// Requests that were refused.
    pub refused: u64,
}

/// How many decisions took how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bucket {
    /// Nanoseconds, at most.
    pub nanos: u64,
    /// Decisions.
    pub count: u64,
}

/// How the store is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoreState {
    /// Its name.
    pub name: String,
    /// Whether it is in a server.
    pub remote: bool,
    /// How many of the workers have a server that answers; all, for a store without one.
    pub up: u32,
    /// Trips to the server.
    pub exchanges: u64,
    /// Trips without an answer.
    pub failures: u64,
    /// How often the server was given up for a while.
    pub outages: u64,
}

/// How the configuration is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConfigState {
    /// The file.
    pub file: String,
    /// When it was taken over, in seconds since 1970; the oldest of several workers.
    pub loaded_at: f64,
    /// Reloads that failed.
    pub failures: u64,
    /// Why the last one did; `None` when it did not.
    pub error: Option<String>,
}

impl ConfigState {
    /// The state of a configuration.
    #[must_use]
    pub fn new(file: String, loaded_at: f64, failures: u64, error: Option<String>) -> Self {
        Self { file, loaded_at, failures, error }
    }
}

/// A key that a store holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Kept {
    /// The rule.
    pub rule: String,
    /// The key.
    pub key: String,
}

/// How a key stands with a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Held {
    /// The rule.
    pub rule: String,
    /// The key.
    pub key: String,
    /// Whether a request would be let in now.
    pub allowed: bool,
    /// Units that a rested key can spend at once.
    pub limit: u32,
    /// Units that were used.
    pub used: u32,
    /// Units that are left.
    pub remaining: u32,
    /// Seconds until a request would be let in; 0 when it would now, `None` for never.
    pub retry_after: Option<f64>,
    /// Seconds until all units are there again.
    pub reset_after: f64,
}

impl Stats {
    /// What a gate that is watched tells.
    #[must_use]
    pub fn of(gate: &Gate, config: Option<ConfigState>) -> Self {
        let counted = gate.watch().map(|watch| watch.counted());
        let exceptions = gate.watch().map(|watch| watch.exceptions()).unwrap_or_default();
        let mut stats = Self {
            version: crate::VERSION,
            workers: vec![std::process::id()],
            store: StoreState::of(&**gate.store()),
            config,
            exceptions: exceptions.iter().map(|it| (it.network.to_string(), it.lets_in)).collect(),
            rules: gate.rules().iter().map(RuleCount::of).collect(),
            ..Self::default()
        };
        let Some(counted) = counted else { return stats };
        (stats.requests, stats.refused) = (counted.requests, counted.refused);
        (stats.errors, stats.degraded) = (counted.errors, counted.degraded);
        for rule in counted.rules {
            let refused = rule.refused + rule.shadow;
            match stats.rules.iter_mut().find(|known| known.rule == rule.rule) {
                Some(known) => (known.requests, known.refused) = (rule.requests, refused),
                None => stats.rules.push(RuleCount {
                    rule: rule.rule,
                    requests: rule.requests,
                    refused,
                    ..RuleCount::default()
                }),
            }
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

    /// Adds what another worker tells.
    pub fn add(&mut self, other: Self) {
        self.workers.extend(other.workers);
        self.requests += other.requests;
        self.refused += other.refused;
        self.errors += other.errors;
        self.degraded += other.degraded;
        for rule in other.rules {
            match self.rules.iter_mut().find(|known| known.rule == rule.rule) {
                Some(known) => {
                    known.requests += rule.requests;
                    known.refused += rule.refused;
                }
                None => self.rules.push(rule),
            }
        }
        for key in other.keys {
            let is_same = |known: &&mut Busy| known.rule == key.rule && known.key == key.key;
            match self.keys.iter_mut().find(is_same) {
                Some(known) => {
                    known.requests += key.requests;
                    known.refused += key.refused;
                }
                None => self.keys.push(key),
            }
        }
        self.keys.sort_by_key(|key| std::cmp::Reverse((key.refused, key.requests)));
        for bucket in other.latency {
            match self.latency.iter_mut().find(|known| known.nanos == bucket.nanos) {
                Some(known) => known.count += bucket.count,
                None => self.latency.push(bucket),
            }
        }
        self.latency.sort_by_key(|bucket| bucket.nanos);
        self.store.up += other.store.up;
        self.store.exchanges += other.store.exchanges;
        self.store.failures += other.store.failures;
        self.store.outages += other.store.outages;
        if let (Some(config), Some(other)) = (&mut self.config, other.config) {
            config.loaded_at = config.loaded_at.min(other.loaded_at);
            config.failures += other.failures;
            config.error = config.error.take().or(other.error);
        }
        let new = other.exceptions.into_iter().filter(|it| !self.exceptions.contains(it));
        let new: Vec<_> = new.collect();
        self.exceptions.extend(new);
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

impl Held {
    /// What a decision that took nothing tells.
    #[must_use]
    pub fn of(rule: &str, key: &str, decision: &Decision) -> Self {
        Self {
            rule: rule.to_owned(),
            key: key.to_owned(),
            allowed: decision.allowed,
            limit: decision.limit,
            used: decision.limit.saturating_sub(decision.remaining),
            remaining: decision.remaining,
            retry_after: match decision.retry_after {
                None if decision.allowed => Some(0.0),
                wait => wait.map(|wait| wait.as_secs_f64()),
            },
            reset_after: decision.reset_after.as_secs_f64(),
        }
    }
}
