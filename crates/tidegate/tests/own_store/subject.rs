//! The adapter between any store and the suite.

use std::sync::Arc;

use tidegate::Store;
use tidegate_core::{Adjustment, Charge, Decision, Limit, Nanos, Verdict};
use tidegate_testkit::conformance::Subject;

/// Any store, as the suite sees it.
pub(crate) struct StoreSubject(pub(crate) Arc<dyn Store>);

const UNDECIDED: Decision = Decision {
    verdict: Verdict::Never,
    limit: 0,
    remaining: 0,
    reset_after: Nanos::ZERO,
    next_unit_after: Nanos::ZERO,
    delay: Nanos::ZERO,
};

/// The caller's clock: the earliest time of the charges.
fn now(times: impl Iterator<Item = Nanos>) -> Nanos {
    times.min().unwrap_or_default()
}

impl Subject for StoreSubject {
    fn check(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
        let mut decisions = vec![UNDECIDED; charges.len()];
        let now = now(charges.iter().map(|charge| charge.at));
        self.0.check(charges, now, &mut decisions).expect("the store decides");
        decisions
    }

    fn peek(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
        let mut decisions = vec![UNDECIDED; charges.len()];
        let now = now(charges.iter().map(|charge| charge.at));
        self.0.peek(charges, now, &mut decisions).expect("the store decides");
        decisions
    }

    fn check_each(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
        let mut decisions = vec![UNDECIDED; charges.len()];
        let now = now(charges.iter().map(|charge| charge.at));
        self.0.check_each(charges, now, &mut decisions).expect("the store decides");
        decisions
    }

    fn verdict(&self, charge: &Charge<'_>) -> Verdict {
        self.0.verdict(charge, charge.at).expect("the store decides")
    }

    fn verdict_each(&self, charges: &[Charge<'_>]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Never; charges.len()];
        let now = now(charges.iter().map(|charge| charge.at));
        self.0.verdict_each(charges, now, &mut verdicts).expect("the store decides");
        verdicts
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>]) {
        let now = now(adjustments.iter().map(|adjustment| adjustment.at));
        self.0.adjust(adjustments, now).expect("the store adjusts");
    }

    fn supports(&self, limit: &Limit) -> bool {
        self.0.refuses(limit).is_none()
    }
}
