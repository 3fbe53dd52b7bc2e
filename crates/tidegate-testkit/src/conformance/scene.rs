//! What a case acts on: the store, the limits that the case is about, and keys of its own.

use tidegate_core::{Adjustment, Change, Charge, Decision, Key, Limit, Nanos, Verdict};

use super::{Subject, sort::Sort};

/// When cases begin: the beginning of a window of each sort of limit, in the year 2023.
pub(super) const START: Nanos = Nanos::from_secs(1_701_000_000);

/// The shortest time that the suite tells apart.
pub(super) const STEP: Nanos = Nanos(1_000);

/// `seconds` after the start.
pub(super) const fn at(seconds: u64) -> Nanos {
    START.saturating_add(Nanos::from_secs(seconds))
}

/// A case's surroundings.
pub(super) struct Scene<'a> {
    pub(super) subject: &'a dyn Subject,
    /// The case's name, which is the rule of its keys.
    pub(super) name: &'a str,
    /// The limits that the case is about.
    pub(super) sorts: &'a [&'static Sort],
    pub(super) limits: &'a [Limit],
}

impl<'a> Scene<'a> {
    /// The only limit, or the first.
    pub(super) fn limit(&self) -> &'a Limit {
        &self.limits[0]
    }

    /// The only sort of limit, or the first.
    pub(super) fn sort(&self) -> &'static Sort {
        self.sorts[0]
    }

    /// A subject under the first limit.
    pub(super) fn user(&self, subject: impl AsRef<[u8]>) -> User<'a> {
        self.under(0, subject)
    }

    /// A subject under one of the limits.
    pub(super) fn under(&self, index: usize, subject: impl AsRef<[u8]>) -> User<'a> {
        let position = u32::try_from(index).expect("a few limits");
        User {
            store: self.subject,
            rule: self.name.to_owned(),
            limit: &self.limits[index],
            position,
            subject: subject.as_ref().to_owned(),
        }
    }

    /// One key under each limit, all of the same subject.
    pub(super) fn everywhere(&self, subject: &str) -> Vec<User<'a>> {
        (0..self.limits.len()).map(|index| self.under(index, subject)).collect()
    }
}

/// One key of the store, under its limit.
#[derive(Clone)]
pub(super) struct User<'a> {
    pub(super) store: &'a dyn Subject,
    pub(super) rule: String,
    pub(super) limit: &'a Limit,
    pub(super) position: u32,
    pub(super) subject: Vec<u8>,
}

impl User<'_> {
    pub(super) fn key(&self) -> Key<'_> {
        Key::new(&self.rule, self.limit.tag(self.position), &self.subject)
    }

    pub(super) fn charge(&self, at: Nanos, cost: u32) -> Charge<'_> {
        Charge { key: self.key(), limit: self.limit, cost, at }
    }

    pub(super) fn adjustment(&self, at: Nanos, change: Change) -> Adjustment<'_> {
        Adjustment { key: self.key(), limit: self.limit, at, change }
    }

    pub(super) fn check(&self, at: Nanos, cost: u32) -> Decision {
        only(&self.store.check(&[self.charge(at, cost)]))
    }

    pub(super) fn peek(&self, at: Nanos, cost: u32) -> Decision {
        only(&self.store.peek(&[self.charge(at, cost)]))
    }

    pub(super) fn adjust(&self, at: Nanos, change: Change) {
        self.store.adjust(&[self.adjustment(at, change)]);
    }

    pub(super) fn refund(&self, at: Nanos, charged_at: Nanos, cost: u32) {
        self.adjust(at, Change::Refund { cost, charged_at });
    }

    pub(super) fn debit(&self, at: Nanos, cost: u32) {
        self.adjust(at, Change::Debit { cost });
    }

    /// Spends `units`, one at a time, which must all be admitted.
    pub(super) fn spend(&self, at: Nanos, units: u32) {
        for unit in 1..=units {
            let decision = self.check(at, 1);
            assert!(decision.is_allowed(), "unit {unit} of {units} is refused: {decision:?}");
        }
    }

    /// How many requests of one unit are admitted at `at`, up to the first that is refused.
    pub(super) fn admitted(&self, at: Nanos) -> u32 {
        (0..1_000).find(|_| !self.check(at, 1).is_allowed()).expect("the limits are below that")
    }

    /// How things stand for every cost that matters.
    pub(super) fn stands(&self, at: Nanos) -> Vec<Decision> {
        (0..=self.limit.capacity().saturating_add(1)).map(|cost| self.peek(at, cost)).collect()
    }
}

/// The only decision.
pub(super) fn only(decisions: &[Decision]) -> Decision {
    assert_eq!(decisions.len(), 1, "one charge has one decision");
    decisions[0]
}

/// How long a denied request must wait.
pub(super) fn retry_after(decision: Decision) -> Nanos {
    match decision.verdict {
        Verdict::Denied { retry_after } => retry_after,
        Verdict::Allowed | Verdict::Never => panic!("it should be denied: {decision:?}"),
    }
}
