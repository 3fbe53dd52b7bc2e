//! Why a request was refused, by names that are the same everywhere.

use tidegate_core::{Verdict, fields::Cause};

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A limit is used up.
    Limit,
    /// The cost is above what a limit ever lets pass at once: no wait helps.
    Never,
    /// The store gave no answer, and the rule refuses then.
    StoreError,
    /// The key went over a limit before, and is kept out for a while.
    Penalty,
    /// The client's address is on the list of those who are kept out.
    DenyList,
    /// As many requests as may are in flight at once.
    Concurrency,
}

impl Reason {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 6] = [
        Self::Limit,
        Self::Never,
        Self::StoreError,
        Self::Penalty,
        Self::DenyList,
        Self::Concurrency,
    ];

    /// What a limit's answer says; `None` when the request may go ahead.
    pub(crate) const fn of(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Allowed => None,
            Verdict::Denied { .. } => Some(Self::Limit),
            Verdict::Never => Some(Self::Never),
        }
    }

    /// The reason with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The reason's name in Python, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Never => "never",
            Self::StoreError => "store_error",
            Self::Penalty => "penalty",
            Self::DenyList => "deny_list",
            Self::Concurrency => "concurrency",
        }
    }

    /// What a response says about it.
    pub(crate) const fn cause(self) -> Cause {
        match self {
            Self::Limit => Cause::Limit,
            Self::Never => Cause::Never,
            Self::StoreError => Cause::StoreClosed,
            Self::Penalty => Cause::Penalty,
            Self::DenyList => Cause::Denied,
            Self::Concurrency => Cause::Concurrency,
        }
    }
}
