//! The adapter between a store and the suite, with the resolution of the store's clock.

use std::sync::Arc;

use tidegate::Store;
use tidegate_core::{Adjustment, Charge, Decision, Limit, Nanos, Verdict};
use tidegate_testkit::conformance::Subject;

use super::subject::StoreSubject;

/// A store, with the step of the clock that it decides by.
pub(crate) struct Timed {
    store: StoreSubject,
    resolution: Nanos,
}

impl Timed {
    /// Servers have clocks that count microseconds.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let resolution = if store.remote().is_some() { Nanos(1_000) } else { Nanos(1) };
        Self { store: StoreSubject(store), resolution }
    }
}

impl Subject for Timed {
    fn check(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
        self.store.check(charges)
    }

    fn peek(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
        self.store.peek(charges)
    }

    fn check_each(&self, charges: &[Charge<'_>]) -> Vec<Decision> {
        self.store.check_each(charges)
    }

    fn verdict(&self, charge: &Charge<'_>) -> Verdict {
        self.store.verdict(charge)
    }

    fn verdict_each(&self, charges: &[Charge<'_>]) -> Vec<Verdict> {
        self.store.verdict_each(charges)
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>]) {
        self.store.adjust(adjustments);
    }

    fn supports(&self, limit: &Limit) -> bool {
        self.store.supports(limit)
    }

    fn resolution(&self) -> Nanos {
        self.resolution
    }
}
