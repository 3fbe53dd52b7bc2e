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
    slot::{self, EMPTY, Owner, State, Word},
    sync::{AtomicU128, Ordering},
};

/// Slots in a set: two neighbouring cache lines.
pub(crate) const WAYS: usize = 8;

/// The table's slots, wherever they live.
#[derive(Clone, Copy)]
pub(crate) struct Flat<'a> {
    slots: &'a [AtomicU128],
    /// How many claims were ever made.
    claims: &'a AtomicU128,
}

/// How many slots' worth of debt would be forgotten; 0 when nothing would.
///
/// Of two slots the one with the smaller debt is given up first.
pub(crate) type Debt = u64;

/// What an update does besides answering.
pub(crate) struct Update<S, R> {
    /// The answer.
    pub(crate) answer: R,
    /// The state to keep, if it changes.
    pub(crate) next: Option<S>,
}

/// What an update cost others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Toll {
    /// Exchanges that failed because somebody else was faster.
    pub(crate) retries: u32,
    /// Whether a key in debt was forgotten.
    pub(crate) evicted: bool,
}

/// Where a key stands in its set.
enum Place {
    Used(usize, Word),
    Claimed(usize, Word),
    Nowhere,
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
        match find(self.set(hash), owner) {
            Place::Used(_, word) => slot::state(word),
            Place::Claimed(..) | Place::Nowhere => S::default(),
        }
    }

    /// Asks the memory for a key's set ahead of its use.
    #[cfg(not(loom))]
    pub(crate) fn prefetch(self, hash: u64) {
        crate::region::prefetch(self.set(hash));
    }

    /// Changes the state of a key as one step: `decide` is given the state as it stands, and
    /// is asked again when somebody else changed it meanwhile.
    ///
    /// `debt` tells what it would cost to forget what is in a slot.
    pub(crate) fn update<S: State + Default, R>(
        self,
        hash: u64,
        owner: Owner,
        debt: impl Fn(Word) -> Debt,
        mut decide: impl FnMut(S) -> Update<S, R>,
    ) -> (R, Toll) {
        let set = self.set(hash);
        let mut toll = Toll::default();
        loop {
            let place = find(set, owner);
            let state = match place {
                Place::Used(_, word) => slot::state(word),
                Place::Claimed(..) | Place::Nowhere => S::default(),
            };
            let Update { answer, next } = decide(state);
            let Some(next) = next else {
                return (answer, toll);
            };
            let done = match place {
                Place::Used(index, word) => exchange(&set[index], word, owner.holding(next)),
                Place::Claimed(index, claim) => {
                    // Whose claim it is does not matter, but the look must come after it:
                    // hence read again, as `settle` reads the others.
                    set[index].load(Ordering::SeqCst) == claim
                        && settle(set, index, claim, owner.holding(next), owner)
                }
                Place::Nowhere => match victim(set, owner, toll.retries == 0, &debt) {
                    None => false,
                    Some((index, word, forgets)) => {
                        let claim = owner.claim(self.mark());
                        let claimed = exchange(&set[index], word, claim);
                        toll.evicted |= claimed && forgets;
                        claimed && settle(set, index, claim, owner.holding(next), owner)
                    }
                },
            };
            if done {
                return (answer, toll);
            }
            toll.retries += 1;
        }
    }

    /// Gives a key's slot up.
    pub(crate) fn forget(self, hash: u64, owner: Owner) {
        let set = self.set(hash);
        while let Place::Used(index, word) = find(set, owner) {
            if exchange(&set[index], word, EMPTY) {
                return;
            }
        }
    }

    /// How many slots `counts`; in a large table, estimated from a part of it. Keys are spread
    /// evenly by their hashes, so any part is as good as another.
    pub(crate) fn estimate(self, counts: impl Fn(Word) -> bool) -> usize {
        let part = self.slots.len().min(1 << 14);
        let words = self.slots[..part].iter().map(|slot| slot.load(Ordering::Relaxed));
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

    /// The slots that a key may live in. The fingerprint lacks the hash's lowest bits, so the
    /// highest choose the set.
    #[expect(clippy::cast_possible_truncation, reason = "below the number of slots")]
    fn set(self, hash: u64) -> &'a [AtomicU128] {
        let sets = self.slots.len() / WAYS;
        // Multiplied, not shifted: a shift by 64 would be needed for one set.
        let index = ((u128::from(hash.rotate_left(9)) * sets as u128) >> 64) as usize;
        &self.slots[index * WAYS..][..WAYS]
    }
}

/// Where `owner` stands. A slot in use counts before any claim; of claims, the lowest.
fn find(set: &[AtomicU128], owner: Owner) -> Place {
    let mut claimed = Place::Nowhere;
    for (index, slot) in set.iter().enumerate() {
        // Acquire is not needed: the word is the whole state, and nothing else is read on the
        // strength of it. Sequential consistency is needed in `settle` only.
        let word = slot.load(Ordering::Relaxed);
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
fn settle(set: &[AtomicU128], index: usize, claim: Word, used: Word, owner: Owner) -> bool {
    for (other, slot) in set.iter().enumerate() {
        if other == index {
            continue;
        }
        // SeqCst, as the exchange that made the claim: of two threads that claim and then
        // look, at least one must see the other's claim.
        let word = slot.load(Ordering::SeqCst);
        if !owner.has(word) {
            continue;
        }
        let goes = !slot::is_claim(word) || other < index;
        let (loser, lost) = if goes { (&set[index], claim) } else { (slot, word) };
        if !exchange(loser, lost, EMPTY) || goes {
            return false;
        }
    }
    exchange(&set[index], claim, used)
}

/// The slot that a new key takes: an empty or idle one, or the one with the least debt. With
/// its word, and whether a debt is forgotten with it. `None` when the key is not new any more.
fn victim(
    set: &[AtomicU128],
    owner: Owner,
    may_take_claims: bool,
    debt: &impl Fn(Word) -> Debt,
) -> Option<(usize, Word, bool)> {
    let mut best = (0, EMPTY, Debt::MAX);
    for (index, slot) in set.iter().enumerate() {
        let word = slot.load(Ordering::Relaxed);
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
        if owed < best.2 || index == 0 {
            best = (index, word, owed);
        }
    }
    let (index, word, owed) = best;
    Some((index, word, owed > 0 && !slot::is_claim(word)))
}

fn exchange(slot: &AtomicU128, current: Word, new: Word) -> bool {
    slot.compare_exchange(current, new, Ordering::SeqCst, Ordering::Relaxed).is_ok()
}
