//! Counts by rule. A rule is known by its name, so that it goes on in the gate that takes
//! another's place.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;

use super::{
    counted::RuleCounts,
    tally::{Lane, Tally},
};
use crate::Reason;

/// The most rules that are counted by name; a gate has at most 64, and reloads bring new names.
const MOST: usize = 1024;

/// The counters of one rule: requests that it let pass, those that it would have refused, and
/// those that it refused, by reason.
pub(super) type Counts = Tally<{ 2 + Reason::ALL.len() }>;
pub(super) const PASSED: usize = 0;
pub(super) const SHADOW: usize = 1;

/// The counter of refusals for a reason.
pub(super) const fn refused(reason: Reason) -> usize {
    2 + reason as usize
}

/// Names, and the counts of each.
type Named = HashMap<Box<str>, Arc<Counts>>;

/// Counts by rule.
#[derive(Debug, Default)]
pub(super) struct Rules {
    named: ArcSwap<Named>,
    /// Of all rules for which there was no more room.
    others: Counts,
}

impl Rules {
    /// Adds one to the counters `which` of the rules.
    pub(super) fn add<'r>(&self, lane: Lane, rules: impl IntoIterator<Item = (&'r str, usize)>) {
        let named = self.named.load();
        for (rule, which) in rules {
            match named.get(rule) {
                Some(counts) => counts.add(lane, which, 1),
                None => self.add_new(rule).as_deref().unwrap_or(&self.others).add(lane, which, 1),
            }
        }
    }

    #[cold]
    fn add_new(&self, rule: &str) -> Option<Arc<Counts>> {
        let new = Arc::new(Counts::default());
        self.named.rcu(|named| {
            let mut named = (**named).clone();
            if named.len() < MOST {
                named.entry(rule.into()).or_insert_with(|| Arc::clone(&new));
            }
            named
        });
        // Another thread may have been quicker, with a counter of its own.
        self.named.load().get(rule).cloned()
    }

    /// What was counted, in the order of the rules' names.
    pub(super) fn counted(&self) -> Vec<RuleCounts> {
        let named = self.named.load();
        let mut rules: Vec<_> =
            named.iter().map(|(name, counts)| RuleCounts::new(name, counts.sums())).collect();
        rules.sort_by(|a, b| a.rule.cmp(&b.rule));
        let others = RuleCounts::new("", self.others.sums());
        rules.extend((others.requests > 0).then_some(others));
        rules
    }

    pub(super) fn clear(&self) {
        self.named.store(Arc::default());
        self.others.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_what_has_no_room_is_counted_together() {
        let rules = Rules::default();
        let lane = Lane::of_thread();
        for number in 0..MOST + 3 {
            rules.add(lane, [(&*format!("{number:05}"), PASSED)]);
        }
        let counted = rules.counted();
        assert_eq!(counted.len(), MOST + 1);
        assert_eq!((&*counted[0].rule, counted[0].requests), ("00000", 1));
        assert_eq!((&*counted[MOST].rule, counted[MOST].requests), ("", 3));
    }
}
