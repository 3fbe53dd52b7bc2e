//! One set of the table: the eight slots that a key may live in, and who lives in which.
//!
//! How a key comes to a slot and leaves it is told in `flat`. Knows one set, and neither the
//! table nor the limits.

use crate::{
    slot::{self, EMPTY, Owner, Word},
    sync::{AtomicU128, Ordering, load},
};

/// Slots in a set: two neighbouring cache lines.
pub(crate) const WAYS: usize = 8;

/// How many slots' worth of debt would be forgotten; 0 when nothing would.
///
/// Of two slots the one with the smaller debt is given up first.
pub(crate) type Debt = u64;

/// Where a key stands in its set.
pub(crate) enum Place {
    Used(usize, Word),
    Claimed(usize, Word),
    Nowhere,
}

/// The slots of a set, in the order in which a key tries them.
#[derive(Clone, Copy)]
pub(crate) struct Set<'a> {
    slots: &'a [AtomicU128; WAYS],
    /// Which of its two cache lines comes first, 0 or 1.
    first: usize,
}

impl<'a> Set<'a> {
    /// The set as the key of this hash tries it. Half of the keys begin with the second cache
    /// line, so that most find their slot in the first one that they read.
    #[inline]
    pub(crate) fn new(slots: &'a [AtomicU128; WAYS], hash: u64) -> Self {
        Self { slots, first: (hash >> 9) as usize & 1 }
    }

    /// The slots with their positions.
    #[inline]
    pub(crate) fn slots(self) -> impl Iterator<Item = (usize, &'a AtomicU128)> {
        let turned = move |index| {
            let index = index ^ (self.first * (WAYS / 2));
            (index, &self.slots[index % WAYS])
        };
        (0..WAYS).map(turned)
    }

    /// The slot at a position.
    pub(crate) fn slot(self, index: usize) -> &'a AtomicU128 {
        &self.slots[index]
    }

    /// The cache line that comes first.
    #[cfg(not(loom))]
    pub(crate) fn first(self) -> &'a [AtomicU128] {
        &self.slots[self.first * (WAYS / 2)..][..WAYS / 2]
    }

    /// Where `owner` stands. A slot in use counts before any claim; of claims, the first.
    pub(crate) fn find(self, owner: Owner) -> Place {
        let mut claimed = Place::Nowhere;
        for (index, slot) in self.slots() {
            // Acquire is not needed: the word is the whole state, and nothing else is read on the
            // strength of it. Sequential consistency is needed in `settle` only.
            let word = load(slot, Ordering::Relaxed);
            if !owner.has(word) {
                continue;
            }
            if !slot::is_claim(word) {
                return Place::Used(index, word);
            }
            if let Place::Nowhere = claimed {
                claimed = Place::Claimed(index, word);
            }
        }
        claimed
    }

    /// Puts the `claim` at `index` to use, if no other slot of the set is the same key's.
    pub(crate) fn settle(self, index: usize, claim: Word, used: Word, owner: Owner) -> bool {
        for (other, slot) in self.slots() {
            if other == index {
                continue;
            }
            // SeqCst, as the exchange that made the claim: of two threads that claim and then
            // look, at least one must see the other's claim.
            let word = load(slot, Ordering::SeqCst);
            if !owner.has(word) {
                continue;
            }
            let goes = !slot::is_claim(word) || other < index;
            let (loser, lost) = if goes { (self.slot(index), claim) } else { (slot, word) };
            if !exchange(loser, lost, EMPTY) || goes {
                return false;
            }
        }
        exchange(self.slot(index), claim, used)
    }

    /// The slot that a new key takes: an empty or idle one, or the one with the least debt. With
    /// its word, and whether a debt is forgotten with it. `None` when the key is not new any
    /// more.
    pub(crate) fn victim(
        self,
        owner: Owner,
        may_take_claims: bool,
        debt: &impl Fn(Word) -> Debt,
    ) -> Option<(usize, Word, bool)> {
        let mut best: Option<(usize, Word, Debt)> = None;
        for (index, slot) in self.slots() {
            let word = load(slot, Ordering::Relaxed);
            if word == EMPTY {
                return Some((index, word, false));
            }
            // Another thread was faster. Its charge may well be the least debt of the set.
            if owner.has(word) {
                return None;
            }
            let owed = match slot::is_claim(word) {
                true if may_take_claims => 0,
                true => Debt::MAX,
                false => debt(word),
            };
            if best.is_none_or(|(_, _, least)| owed < least) {
                best = Some((index, word, owed));
            }
        }
        best.map(|(index, word, owed)| (index, word, owed > 0 && !slot::is_claim(word)))
    }
}

pub(crate) fn exchange(slot: &AtomicU128, current: Word, new: Word) -> bool {
    slot.compare_exchange(current, new, Ordering::SeqCst, Ordering::Relaxed).is_ok()
}
