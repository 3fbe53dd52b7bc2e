//! Changes to counts that are no requests: what is given back, taken afterwards, or forgotten.

use smallvec::SmallVec;
use tidegate_core::{Adjustment, Change, Nanos};

use crate::{
    Error,
    engine::{Engine, Instant},
    rules::Counted,
};

impl Engine {
    /// Changes every limit's count of `subject`. `change` is given the time of a charge made
    /// at `charged_at`, on the limit's own timeline.
    pub(crate) fn adjust(
        &self,
        subject: &[u8],
        charged_at: Option<Nanos>,
        change: impl Fn(Nanos) -> Change,
    ) -> Result<(), Error> {
        self.adjust_where(|_, _| true, subject, charged_at, change)
    }

    /// Changes the count of `subject` under the limit at this place among all.
    pub(crate) fn adjust_one(
        &self,
        place: usize,
        subject: &[u8],
        change: Change,
    ) -> Result<(), Error> {
        self.adjust_where(|at, _| at == place, subject, None, |_| change)
    }

    /// Replaces what one rule took at `charged_at` by its `actual` cost. `cost` is what was taken,
    /// if not the rule's own.
    pub(crate) fn settle_rule(
        &self,
        rule: usize,
        subject: &[u8],
        cost: Option<u32>,
        charged_at: Nanos,
        actual: u32,
    ) -> Result<(), Error> {
        let reserved = cost.unwrap_or(self.rules.rules[rule].cost);
        let settle = |charged_at| Change::Settle { reserved, charged_at, actual };
        self.adjust_where(|_, counted| counted.rule == rule, subject, Some(charged_at), settle)
    }

    fn adjust_where(
        &self,
        is_meant: impl Fn(usize, &Counted) -> bool,
        subject: &[u8],
        charged_at: Option<Nanos>,
        change: impl Fn(Nanos) -> Change,
    ) -> Result<(), Error> {
        let instant = match self.store.remote() {
            Some(remote) if !remote.takes_time() => {
                let now = remote.now()?;
                Instant { now, unix: now }
            }
            _ => self.instant(),
        };
        let charged_at = charged_at.unwrap_or(instant.now);
        let adjustments: SmallVec<[Adjustment<'_>; 2]> = self
            .rules
            .counted
            .iter()
            .enumerate()
            .filter(|(place, counted)| is_meant(*place, counted))
            .map(|(_, counted)| Adjustment {
                key: self.key(counted, subject),
                limit: &counted.limit,
                at: instant.on_timeline(counted, instant.now),
                change: change(instant.on_timeline(counted, charged_at)),
            })
            .collect();
        self.store.adjust(&adjustments, instant.now)
    }
}
