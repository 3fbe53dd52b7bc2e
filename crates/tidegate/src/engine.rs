//! From rules and subjects to charges, and from the store's answers to one decision.
//!
//! Shared by the limiter and the gate. Reads the clock once per request.

use std::sync::Arc;

use smallvec::SmallVec;
use tidegate_core::{self as core, Adjustment, Change, Charge, Nanos, Verdict};

use crate::{
    Clock, Decision, Error, Store,
    decision::Parts,
    rule::{Counted, Rules},
};

/// Rules, and where their counts live.
pub(crate) struct Engine {
    pub(crate) rules: Arc<Rules>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether any limit needs the time of day.
    calendar: bool,
}

/// Whether to take units or only to look.
#[derive(Clone, Copy)]
pub(crate) enum Mode {
    Check,
    Peek,
}

/// The two times of one request.
#[derive(Clone, Copy)]
struct Instant {
    now: Nanos,
    unix: Nanos,
}

impl Instant {
    /// What the limit's own timeline shows when the clock shows `time`.
    fn on_timeline(self, counted: &Counted, time: Nanos) -> Nanos {
        match &counted.calendar {
            None => time,
            Some(calendar) => {
                let ago = self.now.saturating_sub(time);
                calendar.at(self.unix.saturating_sub(ago))
            }
        }
    }
}

impl Engine {
    pub(crate) fn new(rules: Rules, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let calendar = rules.counted.iter().any(|counted| counted.calendar.is_some());
        Self { rules: Arc::new(rules), store, clock, calendar }
    }

    /// Decides one request. `subject` gives a rule's subject by the rule's position; `cost`
    /// replaces the rules' own.
    pub(crate) fn decide<'s>(
        &self,
        mode: Mode,
        cost: Option<u32>,
        subject: impl Fn(usize) -> &'s [u8],
    ) -> Result<Decision, Error> {
        let instant = self.instant();
        let charges: SmallVec<[Charge<'_>; 2]> = self
            .rules
            .counted
            .iter()
            .map(|counted| Charge {
                key: self.key(counted, subject(counted.rule)),
                limit: &counted.limit,
                cost: cost.unwrap_or(self.rules.rules[counted.rule].cost),
                at: instant.on_timeline(counted, instant.now),
            })
            .collect();
        let mut parts = Parts::from_elem(UNDECIDED, charges.len());
        match mode {
            Mode::Check => self.store.check(&charges, instant.now, &mut parts)?,
            Mode::Peek => self.store.peek(&charges, instant.now, &mut parts)?,
        }
        Ok(Decision::new(Arc::clone(&self.rules), parts, instant.now))
    }

    /// Changes every limit's count of `subject`. `change` is given the time of a charge made
    /// at `charged_at`, on the limit's own timeline.
    pub(crate) fn adjust(
        &self,
        subject: &[u8],
        charged_at: Option<Nanos>,
        change: impl Fn(Nanos) -> Change,
    ) -> Result<(), Error> {
        let instant = self.instant();
        let charged_at = charged_at.unwrap_or(instant.now);
        let adjustments: SmallVec<[Adjustment<'_>; 2]> = self
            .rules
            .counted
            .iter()
            .map(|counted| Adjustment {
                key: self.key(counted, subject),
                limit: &counted.limit,
                at: instant.on_timeline(counted, instant.now),
                change: change(instant.on_timeline(counted, charged_at)),
            })
            .collect();
        self.store.adjust(&adjustments, instant.now)
    }

    fn key<'a>(&'a self, counted: &Counted, subject: &'a [u8]) -> core::Key<'a> {
        core::Key { rule: &self.rules.rules[counted.rule].name, limit: counted.tag, subject }
    }

    fn instant(&self) -> Instant {
        let unix = if self.calendar { self.clock.unix_now() } else { Nanos::ZERO };
        Instant { now: self.clock.now(), unix }
    }
}

/// What stands in a decision's place until the store has written it.
const UNDECIDED: core::Decision = core::Decision {
    verdict: Verdict::Never,
    limit: 0,
    remaining: 0,
    reset_after: Nanos::ZERO,
    next_unit_after: Nanos::ZERO,
    delay: Nanos::ZERO,
};
