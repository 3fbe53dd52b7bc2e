//! What workers tell of themselves.

mod gather;
mod sum;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What one worker tells, or several together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Stats {
    /// The version of this answer.
    pub version: u32,
    /// The processes that it is about.
    pub workers: Vec<u32>,
    /// The processes that did not answer, whose counts are those of the time before.
    pub silent: Vec<u32>,
    /// Requests that were decided, or could not be, since the workers began.
    pub requests: u64,
    /// Requests that were admitted.
    pub admitted: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Refusals by the reason's name.
    pub reasons: BTreeMap<String, u64>,
    /// Requests that could not be decided.
    pub errors: u64,
    /// Requests that were decided without the store.
    pub degraded: u64,
    /// By rule, in the order of the configuration.
    pub rules: Vec<RuleCount>,
    /// The busiest keys, those with the most refusals first.
    pub keys: Vec<Busy>,
    /// Requests whose keys were not noted, because others were just being noted.
    pub unnoted: u64,
    /// How long decisions took: the slower, the later.
    pub latency: Vec<Bucket>,
    /// How long all of them took together, in nanoseconds.
    pub nanos: u64,
    /// The store.
    pub store: StoreState,
    /// The configuration that is followed, if one is.
    pub config: Option<ConfigState>,
    /// Networks that are let in (true) or kept out for now.
    pub exceptions: Vec<(String, bool)>,
    /// Keys that are let in or kept out for now.
    pub excepted_keys: Vec<Excepted>,
}

/// What was counted for a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RuleCount {
    /// The rule's name; empty for all rules together for whose names there was no room.
    pub rule: String,
    /// Its limits; empty for a rule that is not in force any more.
    pub limit: String,
    /// Whom it counts.
    pub key: String,
    /// Whether it refuses nothing.
    pub shadow: bool,
    /// Requests that it looked at.
    pub requests: u64,
    /// Requests that it let pass, whatever other rules said.
    pub passed: u64,
    /// Requests that it refused.
    pub refused: u64,
    /// Requests that it would have refused, were it not in the shadow.
    pub would_refuse: u64,
    /// Refusals by the reason's name.
    pub reasons: BTreeMap<String, u64>,
}

/// A busy key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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

/// A key that is let in or kept out for now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Excepted {
    /// The rule that counts it.
    pub rule: String,
    /// The key, as people read it.
    pub key: String,
    /// Whether it is let in.
    pub lets_in: bool,
}

/// How many decisions took how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Bucket {
    /// Nanoseconds, at most.
    pub nanos: u64,
    /// Decisions.
    pub count: u64,
}

/// How the store is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
#[serde(default)]
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

impl Stats {
    /// Whether the key of a rule is let in (true) or kept out for now, by itself or as an address.
    #[must_use]
    pub fn exception_of(&self, rule: &str, key: &str) -> Option<bool> {
        let mut keys = self.excepted_keys.iter();
        let by_key = keys.find(|it| it.rule == rule && it.key == key).map(|it| it.lets_in);
        let mut networks = self.exceptions.iter();
        by_key.or_else(|| networks.find(|(network, _)| network == key).map(|it| it.1))
    }
}

impl ConfigState {
    /// The state of a configuration.
    #[must_use]
    pub fn new(file: String, loaded_at: f64, failures: u64, error: Option<String>) -> Self {
        Self { file, loaded_at, failures, error }
    }
}
