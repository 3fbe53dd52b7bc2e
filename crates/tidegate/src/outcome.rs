//! The answer of one limit, and the way from there to a whole decision.
//!
//! A decision refers to the rules it was made by. An outcome does not: it is what a check
//! copies out of a store, and nothing that was not asked for is worked out.

use std::sync::Arc;

use tidegate_core::{
    self as core, Nanos,
    fields::{Policy, Profile, Report, Value},
};

use crate::{
    Decision, Reason, Rule,
    rules::{Counted, Rules},
    store::UNDECIDED,
};

/// What a check answered, by the binding limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The binding limit's answer.
    pub answer: core::Decision,
    /// The time of the check, by the limiter's clock.
    pub at: Nanos,
}

impl Outcome {
    /// What stands in an outcome's place until there is one.
    pub const UNDECIDED: Self = Self { answer: UNDECIDED, at: Nanos::ZERO };

    /// The outcome of [`Decision::uncounted`].
    pub const UNCOUNTED: Self = Self {
        answer: core::Decision {
            verdict: core::Verdict::Allowed,
            limit: 0,
            remaining: 0,
            ..UNDECIDED
        },
        at: Nanos::ZERO,
    };

    /// True when the request may go ahead.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        self.answer.is_allowed()
    }

    /// Why the request was refused; `None` when it may go ahead.
    pub(crate) const fn refusal(&self) -> Option<Reason> {
        Reason::of(self.answer.verdict)
    }

    /// The time, by the limiter's clock, for which the cost was taken: that of the decision,
    /// or, in a queue, the one at which the caller goes ahead.
    #[must_use]
    pub const fn charged_at(&self) -> Nanos {
        self.at.saturating_add(self.answer.delay)
    }
}

/// The rules of a [`Limiter`](crate::Limiter) that has one limit, from which an outcome
/// becomes a decision. Keeps no store alive.
#[derive(Clone, Debug)]
pub struct OneLimit(Arc<Rules>);

impl OneLimit {
    /// `None` when there are several limits, of which an outcome tells but one.
    pub(crate) fn new(rules: &Arc<Rules>) -> Option<Self> {
        (rules.counted.len() == 1).then(|| Self(Arc::clone(rules)))
    }

    /// The decision that `outcome` is in short.
    #[must_use]
    pub fn decision(&self, outcome: Outcome) -> Decision {
        Decision::new(Arc::clone(&self.0), [outcome.answer].into_iter().collect(), outcome.at)
    }

    /// Passes the header fields of that decision to `sink`, as
    /// [`Decision::write_values`] does.
    pub fn write_values(
        &self,
        outcome: &Outcome,
        profile: Profile,
        unix_now: Nanos,
        sink: &mut impl FnMut(&'static str, Value<'_>),
    ) {
        let Counted { policy: name, limit, .. } = &self.0.counted[0];
        let policy = [Policy { name, limit, decision: &outcome.answer }];
        Report::new(&policy, 0, unix_now).write_values(profile, sink);
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.0.rules[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_of_no_limit_is_that_of_its_decision() {
        assert_eq!(Outcome::UNCOUNTED, Decision::uncounted().outcome());
    }
}
