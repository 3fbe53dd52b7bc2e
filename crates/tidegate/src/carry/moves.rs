//! Which limits have become which others.

use tidegate_core::{Key, Limit, Nanos};

use crate::rules::{Counted, Rules};

/// Earlier limits that are remembered of one limit. Whoever changes it more often while all of
/// them count loses what was used of the oldest.
const MOST: usize = 8;

/// The changes that matter still.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moves(Vec<Move>);

/// One limit in the place of another.
#[derive(Clone, Debug)]
pub(crate) struct Move {
    rule: String,
    old: Side,
    new: Side,
    /// When whatever was used of the old limit before the change is there again.
    over: Nanos,
}

/// What a store finds the counters of a limit by.
#[derive(Clone, Debug)]
struct Side {
    tag: u64,
    scope: u64,
    limit: Limit,
}

impl Move {
    /// The counter of `subject` under the old limit.
    pub(crate) fn old_key<'a>(&'a self, subject: &'a [u8]) -> Key<'a> {
        Key { rule: &self.rule, limit: self.old.tag, scope: self.old.scope, subject }
    }

    pub(crate) const fn old_limit(&self) -> &Limit {
        &self.old.limit
    }
}

impl Moves {
    /// What changes between two sets of rules at `now`, and what changed before and matters
    /// still. Limits are the same by their rule's name and their place in it.
    pub(crate) fn between(&self, old: &Rules, new: &Rules, now: Nanos) -> Self {
        let mut moves = Self(self.0.iter().filter(|change| change.over > now).cloned().collect());
        for (rule, place, next) in places(new) {
            let same = |&(name, other, _): &(&str, usize, &Counted)| (name, other) == (rule, place);
            let Some((_, _, last)) = places(old).find(same) else { continue };
            if !shares_timeline(last, next) {
                continue;
            }
            let (old, new) = (Side::of(last), Side::of(next));
            for change in &mut moves.0 {
                if change.new.is(&old) {
                    change.new = new.clone();
                }
            }
            let over = now.saturating_add(last.limit.program().fill_time());
            moves.0.push(Move { rule: rule.to_owned(), old, new, over });
        }
        moves.tidy();
        moves
    }

    /// Forgets changes that came to nothing, that are told twice, and that are too many.
    fn tidy(&mut self) {
        let mut kept: Vec<Move> = Vec::new();
        // The latest first.
        for change in self.0.drain(..).rev() {
            let known = |other: &&Move| other.new.is(&change.new);
            let twice = kept.iter().filter(known).any(|other| other.old.is(&change.old));
            let many = kept.iter().filter(known).count() >= MOST;
            if !(twice || many || change.old.is(&change.new)) {
                kept.push(change);
            }
        }
        kept.reverse();
        self.0 = kept;
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is nothing to be carried any more.
    pub(crate) fn are_over(&self, now: Nanos) -> bool {
        self.0.iter().all(|change| change.over <= now)
    }

    /// What became the limit that has these counters.
    pub(crate) fn to(&self, scope: u64, limit: &Limit) -> impl Iterator<Item = &Move> {
        let imprint = limit.imprint();
        self.0.iter().filter(move |change| {
            change.new.scope == scope && change.new.limit.imprint() == imprint
        })
    }
}

impl Side {
    fn of(counted: &Counted) -> Self {
        Self { tag: counted.tag, scope: counted.scope, limit: counted.limit.clone() }
    }

    fn is(&self, other: &Self) -> bool {
        self.scope == other.scope && self.limit.imprint() == other.limit.imprint()
    }
}

/// Every limit, by its rule's name and its place in that rule.
fn places(rules: &Rules) -> impl Iterator<Item = (&str, usize, &Counted)> {
    rules.counted.iter().enumerate().map(|(index, counted)| {
        let first = rules.counted.iter().position(|other| other.rule == counted.rule);
        (rules.rules[counted.rule].name.as_str(), index - first.unwrap_or(index), counted)
    })
}

/// Whether a time means the same to both. A limit by the calendar has a timeline of its own.
fn shares_timeline(one: &Counted, other: &Counted) -> bool {
    one.limit.calendar_period() == other.limit.calendar_period()
}
