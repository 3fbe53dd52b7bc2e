//! What can be asked.

use serde::{Deserialize, Serialize};

/// The version of questions and answers.
pub const VERSION: u32 = 1;

/// A question, as a line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Question {
    /// Who answers, and which version of questions it knows.
    Hello,
    /// What was counted, and how the store and the configuration are.
    Stats,
    /// The keys that the store holds, as far as it can tell.
    Keys {
        /// The beginning of the keys that are meant.
        prefix: String,
        /// How many at most.
        limit: usize,
    },
    /// How a key stands with a rule.
    Inspect {
        /// The rule.
        rule: String,
        /// The key; empty for everybody together.
        key: String,
    },
    /// Lets a rule forget a key.
    Reset {
        /// The rule.
        rule: String,
        /// The key; empty for everybody together.
        key: String,
    },
    /// Keeps an address or a network out for a while, or lets it in.
    Except {
        /// The address or network.
        network: String,
        /// Whether it is let in.
        lets_in: bool,
        /// For how many seconds.
        seconds: u64,
    },
    /// Keeps a key that a rule counts out for a while, or lets it in: for what is no address.
    ExceptKey {
        /// The rule.
        rule: String,
        /// The key.
        key: String,
        /// Whether it is let in.
        lets_in: bool,
        /// For how many seconds.
        seconds: u64,
    },
    /// Ends what `ExceptKey` began.
    ForgetKey {
        /// The rule.
        rule: String,
        /// The key.
        key: String,
    },
    /// Ends what `Except` began.
    Forget {
        /// The address or network.
        network: String,
    },
}

impl Question {
    /// Whether every worker must be asked, because each has counts or lists of its own; one will do
    /// when they share a store.
    #[must_use]
    pub const fn is_for_all(&self) -> bool {
        match self {
            Self::Hello
            | Self::Stats
            | Self::Except { .. }
            | Self::ExceptKey { .. }
            | Self::Forget { .. }
            | Self::ForgetKey { .. } => true,
            Self::Keys { .. } | Self::Inspect { .. } | Self::Reset { .. } => false,
        }
    }
}
