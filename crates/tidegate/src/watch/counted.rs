//! What a watch has counted, as it is told.

use super::{
    BusyKey,
    rules::{PASSED, SHADOW, refused},
};
use crate::Reason;

/// What a [`Watch`](crate::Watch) has counted for a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleCounts {
    /// The rule's name; empty for all rules together for whose names there was no room.
    pub rule: String,
    /// Requests that the rule looked at. One in the shadow does not look at what others refuse.
    pub requests: u64,
    /// Requests that it let pass, whatever other rules said.
    pub passed: u64,
    /// Requests that it refused.
    pub refused: u64,
    /// Requests that it would have refused, were it not in the shadow.
    pub shadow: u64,
    /// Refusals by reason, without reasons that there were none for.
    pub reasons: Vec<(Reason, u64)>,
}

impl RuleCounts {
    pub(super) fn new<const N: usize>(rule: &str, sums: [u64; N]) -> Self {
        let reasons = reasons(|reason| sums[refused(reason)]);
        Self {
            rule: rule.to_owned(),
            requests: sums.iter().sum(),
            passed: sums[PASSED],
            refused: reasons.iter().map(|(_, count)| count).sum(),
            shadow: sums[SHADOW],
            reasons,
        }
    }
}

/// Counts by reason, without zeros.
pub(super) fn reasons(count: impl Fn(Reason) -> u64) -> Vec<(Reason, u64)> {
    let all = Reason::ALL.into_iter().map(|reason| (reason, count(reason)));
    all.filter(|(_, count)| *count > 0).collect()
}

/// What a [`Watch`](crate::Watch) has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counted {
    /// Requests that were decided, or could not be.
    pub requests: u64,
    /// Requests that were admitted.
    pub admitted: u64,
    /// Requests that were refused, for whatever reason.
    pub refused: u64,
    /// Refusals by reason, without reasons that there were none for.
    pub reasons: Vec<(Reason, u64)>,
    /// Requests that could not be decided.
    pub errors: u64,
    /// Requests that were decided without the store.
    pub degraded: u64,
    /// By rule, in the order of their names.
    pub rules: Vec<RuleCounts>,
    /// The busiest keys, those with the most refusals first.
    pub keys: Vec<BusyKey>,
    /// Requests whose keys were not noted.
    pub unnoted: u64,
    /// How long decisions took: upper bounds in nanoseconds, and how many took no longer and
    /// longer than the bound before. Empty ones are left out.
    pub latency: Vec<(u64, u64)>,
    /// How long all of them took together, in nanoseconds.
    pub nanos: u64,
}
