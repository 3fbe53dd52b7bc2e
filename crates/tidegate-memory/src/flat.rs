//! The table: sets of eight slots, a probe reads one set, a change is one compare-and-swap.
//!
//! # Protocol
//!
//! A slot's 128 bits say whose it is and how things stand, and change only as a whole. So a
//! charge can never land on a key that has left the slot: the exchange would fail.
//!
//! A key that is in no slot yet claims one, and *then* looks through the set for another slot
//! of the same key. Two threads that claim different slots both claim before they look, so at
//! least one of them sees the other:
//!
//! * Beside a slot in use, a claim is withdrawn.
//! * Of two claims, the one in the higher slot goes; whoever sees both withdraws it.
//! * A claim that is alone is put to use by one more exchange, together with its first charge.
//!
//! A claim bears a mark that no other claim ever bears. Without it a claim that was withdrawn
//! and made again meanwhile, by a third thread, would pass for the one that was alone.
//!
//! A claim holds nothing, so one that its thread left behind, killed at that instruction, is
//! as good as an empty slot to other keys, and is put to use by the next thread that asks for
//! its own. There is no lock, and nobody waits for anybody: who fails has met somebody who
//! got on. Only who takes another key's claim has not; therefore an update may do so at its
//! first try, and after that as long as there is something else to take, does not.
//!
//! This module knows neither limits nor where the memory comes from.

use crate::{
    set::{Debt, Place, Set, WAYS, exchange},
    slot::{self, EMPTY, Owner, State, Word},
    sync::{AtomicU128, Ordering, load},
};

/// The table's slots, wherever they live.
#[derive(Clone, Copy)]
pub(crate) struct Flat<'a> {
    slots: &'a [AtomicU128],
    /// How many claims were ever made.
    claims: &'a AtomicU128,
}

/// What an update cost others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Toll {
    /// Exchanges that failed because somebody else was faster.
    pub(crate) retries: u32,
    /// Whether a key in debt was forgotten.
    pub(crate) evicted: bool,
}

impl<'a> Flat<'a> {
    /// A view of `slots`, whose number is a power of two of at least [`WAYS`]. All threads
    /// and processes that use them count their `claims` in the same word.
    pub(crate) fn new(slots: &'a [AtomicU128], claims: &'a AtomicU128) -> Self {
        debug_assert!(slots.len().is_power_of_two() && slots.len() >= WAYS);
        Self { slots, claims }
    }

    /// The state of a key; that of an unseen one if it has no slot.
    pub(crate) fn read<S: State + Default>(self, hash: u64, owner: Owner) -> S {
        match self.set::<S>(hash).find(owner) {
            Place::Used(_, word) => slot::state(word),
            Place::Claimed(..) | Place::Nowhere => S::default(),
        }
    }

    /// Asks the memory, ahead of its use, for the cache line that a key's slot is most likely
    /// in.
    #[cfg(not(loom))]
    pub(crate) fn prefetch<S: State>(self, hash: u64) {
        crate::region::prefetch(self.set::<S>(hash).first());
    }

    /// Changes the state of a key as one step: `decide` is given the state as it stands, answers
    /// with the state to keep if it changes, and is asked again when somebody else changed it
    /// meanwhile.
    ///
    /// `class` tells under which limit a new slot is to be read, and `debt` what it would cost
    /// to forget what is in a slot. `None` when there is no class.
    ///
    /// The usual case, a key that has its slot and nobody else at it, stands by itself: it is
    /// inlined into the check, and the rest is not.
    #[inline]
    pub(crate) fn update<S: State + Default>(
        self,
        hash: u64,
        owner: Owner,
        class: impl FnOnce() -> Option<u8>,
        debt: impl Fn(Word) -> Debt,
        mut decide: impl FnMut(S) -> Option<S>,
    ) -> Option<Toll> {
        let set = self.set::<S>(hash);
        let mut retries = 0;
        for (_, slot) in set.slots() {
            // Relaxed, as in `find`.
            let word = load(slot, Ordering::Relaxed);
            if owner.uses(word) {
                let Some(next) = decide(slot::state(word)) else { return Some(Toll::default()) };
                if exchange(slot, word, owner.holding(next, slot::class(word))) {
                    return Some(Toll::default());
                }
                retries = 1;
                break;
            }
        }
        let toll = Toll { retries, evicted: false };
        self.update_with_care(set, owner, class, toll, debt, decide)
    }

    /// Updates a key that has no slot yet, or whose slot others are changing as well.
    #[cold]
    #[inline(never)]
    fn update_with_care<S: State + Default>(
        self,
        set: Set<'_>,
        owner: Owner,
        class: impl FnOnce() -> Option<u8>,
        mut toll: Toll,
        debt: impl Fn(Word) -> Debt,
        mut decide: impl FnMut(S) -> Option<S>,
    ) -> Option<Toll> {
        let class = class()?;
        loop {
            let place = set.find(owner);
            let state = match place {
                Place::Used(_, word) => slot::state(word),
                Place::Claimed(..) | Place::Nowhere => S::default(),
            };
            let Some(next) = decide(state) else {
                return Some(toll);
            };
            let used = owner.holding(next, class);
            let done = match place {
                Place::Used(index, word) => exchange(set.slot(index), word, used),
                Place::Claimed(index, claim) => {
                    // Whose claim it is does not matter, but the look must come after it:
                    // hence read again, as `settle` reads the others.
                    load(set.slot(index), Ordering::SeqCst) == claim
                        && set.settle(index, claim, used, owner)
                }
                Place::Nowhere => match set.victim(owner, toll.retries == 0, &debt) {
                    None => false,
                    Some((index, word, forgets)) => {
                        let claim = owner.claim(self.mark());
                        let claimed = exchange(set.slot(index), word, claim);
                        toll.evicted |= claimed && forgets;
                        claimed && set.settle(index, claim, used, owner)
                    }
                },
            };
            if done {
                return Some(toll);
            }
            toll.retries += 1;
        }
    }

    /// Gives a key's slot up.
    pub(crate) fn forget<S: State>(self, hash: u64, owner: Owner) {
        let set = self.set::<S>(hash);
        while let Place::Used(index, word) = set.find(owner) {
            if exchange(set.slot(index), word, EMPTY) {
                return;
            }
        }
    }

    /// How many slots `counts`; in a large table, estimated from a part of it. Keys are spread
    /// evenly by their hashes, so any part is as good as another.
    pub(crate) fn estimate(self, counts: impl Fn(Word) -> bool) -> usize {
        let part = self.slots.len().min(1 << 14);
        let words = self.slots[..part].iter().map(|slot| load(slot, Ordering::Relaxed));
        let used = words.filter(|&word| word != EMPTY && !slot::is_claim(word));
        used.filter(|&word| counts(word)).count() * (self.slots.len() / part)
    }

    /// How many slots there are.
    pub(crate) fn capacity(self) -> usize {
        self.slots.len()
    }

    /// A number that no other claim has.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "2^64 claims take longer than a host lives"
    )]
    fn mark(self) -> u64 {
        // Relaxed: nothing follows from the count, and every counter gets another one.
        self.claims.fetch_add(1, Ordering::Relaxed) as u64
    }

    /// The slots that a key whose state is an `S` may live in.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "below the number of slots")]
    fn set<S: State>(self, hash: u64) -> Set<'a> {
        let sets = self.slots.len() / WAYS;
        // Multiplied, not shifted: a shift by 64 would be needed for one set.
        let index = ((u128::from(slot::spread::<S>(hash)) * sets as u128) >> 64) as usize;
        let slots = &self.slots[index * WAYS..];
        Set::new(slots.first_chunk().expect("the table consists of whole sets"), hash)
    }
}
