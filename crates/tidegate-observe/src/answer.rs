//! What is answered.

use serde::{Deserialize, Serialize};

use crate::{Held, Stats};

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
    Inspect {
        /// How the key stands with each limit of the rule.
        limits: Vec<Held>,
    },
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
