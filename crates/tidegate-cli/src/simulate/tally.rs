//! What is counted for rules and their keys.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use tidegate::Rule;

use super::input::Place;

/// What was counted for one rule.
pub(super) struct RuleTally {
    pub(super) name: String,
    pub(super) is_shadow: bool,
    pub(super) requests: u64,
    pub(super) refused: u64,
    pub(super) first: Option<(First, Box<[u8]>)>,
    pub(super) keys: HashMap<Box<[u8]>, KeyTally, RandomState>,
}

/// What was counted for one key of a rule.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyTally {
    pub(super) requests: u64,
    pub(super) refused: u64,
    pub(super) first: Option<First>,
}

/// When something was first refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    /// Nanoseconds since 1970.
    pub(super) at: u64,
    pub(super) place: Place,
}

impl RuleTally {
    pub(super) fn new(rule: &Rule) -> Self {
        Self {
            name: rule.name().to_owned(),
            is_shadow: rule.is_shadow(),
            requests: 0,
            refused: 0,
            first: None,
            keys: HashMap::default(),
        }
    }

    /// Counts a request of `subject`, which was `refused` or not.
    pub(super) fn count(&mut self, subject: Box<[u8]>, refused: Option<First>) {
        self.requests += 1;
        if let Some(first) = refused {
            self.refused += 1;
            self.first.get_or_insert_with(|| (first, subject.clone()));
        }
        let key = self.keys.entry(subject).or_default();
        key.requests += 1;
        if refused.is_some() {
            key.refused += 1;
            key.first = key.first.or(refused);
        }
    }
}
