//! What a step of any algorithm answers.

use crate::Nanos;

/// Whether the request may go ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request may go ahead; its cost has been taken.
    Allowed,
    /// The request must not go ahead; nothing has been taken.
    Denied {
        /// Shortest wait after which the same request would be allowed, if no other request
        /// takes units meanwhile. Exact: one nanosecond earlier it is still denied.
        retry_after: Nanos,
    },
    /// The request costs more than a rested key holds, so no wait is ever long enough.
    Never,
}

/// The answer to one request under one limit, with every number a response needs.
///
/// One decision carries the verdict *and* the numbers for the header fields, so that no
/// second, racing look-up is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may go ahead.
    pub verdict: Verdict,
    /// Units that a rested key can spend at once: the burst, or a window's limit.
    pub limit: u32,
    /// How many requests of cost 1 would now be allowed at this very moment, after this
    /// decision. At most `limit`.
    pub remaining: u32,
    /// Time until the key is as if it had never been seen. Zero when it already is.
    pub reset_after: Nanos,
    /// Time until more than `remaining` units can be spent. Zero when the key is full.
    pub next_unit_after: Nanos,
    /// How long the caller must wait before it goes ahead. Zero except for a leaky bucket
    /// that queues.
    pub delay: Nanos,
}

impl Decision {
    /// The decision on a request of `cost` under a limit of zero, which admits only what costs
    /// nothing.
    #[must_use]
    pub const fn deny_all(cost: u32) -> Self {
        Self {
            verdict: if cost == 0 { Verdict::Allowed } else { Verdict::Never },
            limit: 0,
            remaining: 0,
            reset_after: Nanos::ZERO,
            next_unit_after: Nanos::ZERO,
            delay: Nanos::ZERO,
        }
    }

    /// True when the request may go ahead.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self.verdict, Verdict::Allowed)
    }

    /// The wait that would make a denied request pass; `None` for one that passes at once
    /// and for one that never will.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Nanos> {
        match self.verdict {
            Verdict::Denied { retry_after } => Some(retry_after),
            Verdict::Allowed | Verdict::Never => None,
        }
    }
}

/// A decision, and the state to keep with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<S> {
    /// The answer to give.
    pub decision: Decision,
    /// The state to keep, or `None` when nothing changed: a denial writes nothing.
    pub next: Option<S>,
}
