//! What is answered.

use serde::{Deserialize, Serialize};
use tidegate::Decision;

use crate::Stats;

/// An answer, as a line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// To [`Question::Hello`](crate::Question::Hello).
    Hello {
        /// The version of questions and answers that is spoken.
        version: u32,
        /// The process that answers.
        pid: u32,
    },
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
