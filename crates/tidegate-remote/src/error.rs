//! Why a server gave no answer.

use std::time::Duration;

/// Why a store's server did not decide. Never a denial.
///
/// Copied to everyone who waited for the same answer. No message holds a password: those who
/// make one leave URLs and credentials out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The server did not answer in time. Whether it decided is not known.
    #[error("no answer from {store} within {} ms", .after.as_millis())]
    Timeout {
        /// The store's name.
        store: &'static str,
        /// How long was waited.
        after: Duration,
    },

    /// There is no connection, and none could be made; or it broke before the answer.
    #[error("{store} is unavailable: {reason}")]
    Unavailable {
        /// The store's name.
        store: &'static str,
        /// What the system or the server said.
        reason: String,
    },

    /// Too many requests wait for the server already.
    #[error("{waiting} requests wait for {store} already")]
    Busy {
        /// The store's name.
        store: &'static str,
        /// How many wait.
        waiting: usize,
    },

    /// The server has not answered lately, so it was not asked; see the circuit breaker.
    #[error("{store} has not answered lately and is left alone for a moment")]
    Broken {
        /// The store's name.
        store: &'static str,
    },

    /// The server does not know the user, or forbids what was asked.
    #[error("{store} refused access: {reason}")]
    Access {
        /// The store's name.
        store: &'static str,
        /// What the server said.
        reason: String,
    },

    /// The server has no room left, or is read-only for another reason.
    #[error("{store} cannot write: {reason}")]
    ReadOnly {
        /// The store's name.
        store: &'static str,
        /// What the server said.
        reason: String,
    },

    /// A counter's name holds something that tidegate did not write.
    #[error("{store} holds something else under `{name}`: {reason}")]
    Foreign {
        /// The store's name.
        store: &'static str,
        /// The counter's name, or the part of the database that is wrong.
        name: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The server answered with an error that is none of the above, or with nonsense.
    #[error("{store} failed: {reason}")]
    Failed {
        /// The store's name.
        store: &'static str,
        /// What the server said, or what was expected.
        reason: String,
    },

    /// A store of somebody's own making does not do what it has promised to.
    #[error("{store} breaks its contract: {reason}")]
    Contract {
        /// The store's name.
        store: &'static str,
        /// What it does instead.
        reason: String,
    },

    /// The store's URL, or a part of the set-up on the server, makes no sense.
    #[error("{reason}")]
    Setup {
        /// What is wrong and what would be right.
        reason: String,
    },
}

impl RemoteError {
    /// Whether the same call may succeed in a moment, with nobody doing anything about it.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Timeout { .. }
            | Self::Unavailable { .. }
            | Self::Busy { .. }
            | Self::Broken { .. }
            | Self::ReadOnly { .. } => true,
            Self::Access { .. }
            | Self::Foreign { .. }
            | Self::Failed { .. }
            | Self::Contract { .. }
            | Self::Setup { .. } => false,
        }
    }

    /// Whether it speaks against the server's health, and not against one request.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        match self {
            Self::Timeout { .. }
            | Self::Unavailable { .. }
            | Self::Access { .. }
            | Self::ReadOnly { .. }
            | Self::Failed { .. } => true,
            Self::Busy { .. }
            | Self::Broken { .. }
            | Self::Foreign { .. }
            | Self::Contract { .. }
            | Self::Setup { .. } => false,
        }
    }
}
