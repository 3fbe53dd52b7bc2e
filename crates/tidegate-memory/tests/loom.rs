//! Models of the table's protocol: every interleaving of two threads, and those of three with
//! few preemptions, with every value that the orderings allow a load to return.
//!
//! Run by `./dev test proof`, or with `RUSTFLAGS="--cfg loom"` and `--test loom`. Includes the
//! table's files instead of the crate, the rest of which loom could not compile.
//!
//! What the models cannot tell: loom lets a sequentially consistent load return the newest
//! such store, which is more than the standard promises to a thread that found the claim of
//! another by a relaxed load. Hence one load that no model misses, where `flat` says so.
#![cfg(loom)]
#![expect(dead_code, reason = "the models do not use all of the table")]

#[path = "../src/flat.rs"]
mod flat;
#[path = "../src/set.rs"]
mod set;
#[path = "../src/slot.rs"]
mod slot;
#[path = "../src/sync.rs"]
mod sync;

use std::sync::Arc;

use flat::{Flat, Toll};
use loom::{model::Builder, thread};
use set::{Debt, WAYS};
use slot::{EMPTY, Owner, Word};
use sync::{AtomicU128, Ordering};

/// The key that most models are about, and another new one.
const KEY: u64 = 1;
const OTHER: u64 = 2;

/// A set, which all keys share. A state counts the units that were taken.
struct Set {
    slots: [AtomicU128; WAYS],
    claims: AtomicU128,
}

/// Half of the keys try the set's second cache line first.
fn hash(key: u64) -> u64 {
    key << 9
}

fn owner(key: u64) -> Owner {
    Owner::new::<u64>(hash(key))
}

fn used(key: u64, units: u64) -> Word {
    owner(key).holding(units, 1)
}

/// A set of keys that have taken at least 5 units, and the least in the first slot.
fn full() -> [Word; WAYS] {
    std::array::from_fn(|index| used(10 + index as u64, 5 + index as u64))
}

/// A full set, but for one slot.
fn full_but(index: usize, word: Word) -> [Word; WAYS] {
    let mut words = full();
    words[index] = word;
    words
}

impl Set {
    fn new(words: [Word; WAYS]) -> Self {
        Self { slots: words.map(AtomicU128::new), claims: AtomicU128::new(100) }
    }

    fn flat(&self) -> Flat<'_> {
        Flat::new(&self.slots, &self.claims)
    }

    /// Takes a unit of `limit` for `key`; whether it was admitted.
    fn take(&self, key: u64, limit: u64) -> bool {
        self.take_by(slot::state::<u64>, key, limit).0
    }

    /// As `take`, with another opinion on what is owed.
    fn take_by(&self, debt: impl Fn(Word) -> Debt, key: u64, limit: u64) -> (bool, Toll) {
        let mut allowed = false;
        let decide = |taken: u64| {
            allowed = taken < limit;
            allowed.then_some(taken + 1)
        };
        let toll = self.flat().update(hash(key), owner(key), || Some(1), debt, decide);
        (allowed, toll.expect("there is a class"))
    }

    /// Gives a unit of `key` back, if there is one.
    fn give_back(&self, key: u64) {
        let decide = |taken: u64| taken.checked_sub(1);
        self.flat().update(hash(key), owner(key), || Some(1), slot::state::<u64>, decide);
    }

    /// The states of all slots that `key` uses.
    fn states(&self, key: u64) -> Vec<u64> {
        let words = self.slots.iter().map(|slot| slot.load(Ordering::SeqCst));
        let used = words.filter(|&word| owner(key).has(word) && !slot::is_claim(word));
        used.map(slot::state).collect()
    }
}

type Work = fn(&Set) -> bool;

/// Runs each of `works` in a thread of its own, in every order that the bound permits, and
/// hands `then` what they returned.
fn explore<const N: usize>(
    preemptions: Option<usize>,
    words: fn() -> [Word; WAYS],
    works: [Work; N],
    then: fn(&Set, [bool; N]),
) {
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        let set = Arc::new(Set::new(words()));
        let [first, rest @ ..] = works.as_slice() else { return };
        let threads: Vec<_> = rest
            .iter()
            .map(|&work| {
                let set = Arc::clone(&set);
                thread::spawn(move || work(&set))
            })
            .collect();
        let mut outcomes = [first(&set); N];
        for (outcome, thread) in outcomes[1..].iter_mut().zip(threads) {
            *outcome = thread.join().expect("no panic");
        }
        then(&set, outcomes);
    });
}

/// Exactly one of the requests at limit 1 was admitted, and its key has one slot.
fn one_admitted<const N: usize>(set: &Set, admitted: [bool; N]) {
    assert_eq!(admitted.into_iter().filter(|&admitted| admitted).count(), 1);
    assert_eq!(set.states(KEY), [1]);
}

const TAKE: Work = |set| set.take(KEY, 1);
const TAKE_OTHER: Work = |set| set.take(OTHER, 1);
const RESET: Work = |set| {
    set.flat().forget::<u64>(hash(KEY), owner(KEY));
    false
};

/// Finds the slot at `index` idle, and all others in debt.
fn idle(index: u64) -> impl Fn(Word) -> Debt {
    move |word| u64::from(!owner(10 + index).has(word))
}

#[test]
fn a_new_key_gets_one_slot_and_its_limit_once() {
    explore(None, || [EMPTY; WAYS], [TAKE, TAKE], one_admitted);
    explore(None, full, [TAKE, TAKE], one_admitted);
    explore(Some(3), || [EMPTY; WAYS], [TAKE, TAKE, TAKE], one_admitted);
    explore(Some(2), full, [TAKE, TAKE, TAKE], one_admitted);
}

#[test]
fn a_new_key_gets_one_slot_when_its_requests_choose_different_ones() {
    let low: Work = |set| set.take_by(idle(2), KEY, 1).0;
    let high: Work = |set| set.take_by(idle(5), KEY, 1).0;

    explore(None, full, [low, high], one_admitted);
    explore(Some(3), full, [low, high, high], one_admitted);
    explore(Some(3), full, [high, low, low], one_admitted);
}

#[test]
fn a_charge_never_lands_on_the_key_that_took_the_slot() {
    let words = || full_but(3, used(KEY, 1));
    let take: Work = |set| set.take(KEY, 3);

    explore(None, words, [take, TAKE_OTHER], |set, admitted| {
        assert_eq!(admitted, [true, true], "forgetting never refuses");
        let (kept, new) = (set.states(KEY), set.states(OTHER));
        // The other key takes the slot before the charge, which starts anew in the next one
        // or takes the slot back; or takes it after the charge.
        assert!(kept.len() <= 1 && new.len() <= 1, "{kept:?} {new:?}");
        assert!(new.iter().all(|&units| units == 1), "{new:?}");
        assert!(kept.iter().all(|&units| units == 1 || units == 2), "{kept:?}");
    });
}

#[test]
fn two_new_keys_that_want_the_same_slot_both_get_one() {
    let words = || full_but(3, EMPTY);

    for words in [words, full] {
        explore(None, words, [TAKE, TAKE_OTHER], |set, admitted| {
            assert_eq!(admitted, [true, true]);
            assert!(set.states(KEY).len() <= 1 && set.states(OTHER).len() <= 1);
        });
    }
    explore(Some(2), full, [TAKE, TAKE, TAKE_OTHER], |set, admitted| {
        // The other key may push this one out between its two requests.
        assert!(admitted[2] && (admitted[0] || admitted[1]));
        assert!(set.states(KEY).len() <= 1 && set.states(OTHER).len() <= 1);
    });
}

#[test]
fn three_new_keys_that_take_each_others_claims_all_get_on() {
    let third: Work = |set| set.take(3, 1);

    explore(Some(2), full, [TAKE, TAKE_OTHER, third], |set, admitted| {
        assert_eq!(admitted, [true; 3]);
        assert!([KEY, OTHER, 3].iter().all(|&key| set.states(key).len() <= 1));
    });
}

#[test]
fn a_claim_of_a_thread_that_died_is_put_to_use_by_its_key() {
    let low = || full_but(1, owner(KEY).claim(7));
    let high = || full_but(6, owner(KEY).claim(7));

    for words in [low, high] {
        explore(None, words, [TAKE, TAKE], one_admitted);
        explore(Some(2), words, [TAKE, TAKE, TAKE], one_admitted);
    }
}

#[test]
fn a_claim_of_a_thread_that_died_is_the_first_to_go() {
    let words = || full_but(6, owner(KEY).claim(7));
    let other: Work = |set| {
        let (admitted, toll) = set.take_by(slot::state::<u64>, OTHER, 1);
        assert!(!toll.evicted || toll.retries > 0, "a key in debt was forgotten for a dead claim");
        admitted
    };

    explore(None, words, [other, TAKE], |set, admitted| {
        assert_eq!(admitted, [true, true]);
        assert!(set.states(KEY).len() <= 1 && set.states(OTHER).len() <= 1);
    });
}

#[test]
fn a_claim_of_a_thread_that_died_hides_no_slot_in_use() {
    let words = || {
        let mut words = full_but(6, used(KEY, 1));
        words[0] = owner(KEY).claim(7);
        words
    };
    let peek: Work = |set| set.flat().read::<u64>(0, owner(KEY)) == 1;

    explore(None, words, [peek, TAKE], |set, [seen, admitted]| {
        assert!(seen && !admitted);
        assert_eq!(set.states(KEY), [1]);
    });
}

#[test]
fn a_reset_gives_the_limit_once_more_and_no_more() {
    let words = || full_but(3, used(KEY, 1));

    explore(None, words, [RESET, TAKE], |set, [_, admitted]| {
        assert_eq!(set.states(KEY), vec![1; usize::from(admitted)]);
    });
    explore(Some(3), words, [RESET, TAKE, TAKE], |set, [_, one, two]| {
        assert!(!(one && two));
        assert_eq!(set.states(KEY), vec![1; usize::from(one || two)]);
    });
}

#[test]
fn a_reset_never_empties_the_slot_of_another_key() {
    explore(
        None,
        || full_but(3, used(KEY, 1)),
        [RESET, TAKE_OTHER],
        |set, [_, admitted]| {
            assert!(admitted);
            assert_eq!((set.states(KEY), set.states(OTHER)), (vec![], vec![1]));
        },
    );
}

#[test]
fn what_is_given_back_is_admitted_once() {
    // As a request of several limits does when a later one refuses.
    let undo: Work = |set| {
        if set.take(KEY, 1) {
            set.give_back(KEY);
        }
        false
    };

    for words in [|| [EMPTY; WAYS], || full_but(3, EMPTY), || full_but(3, used(KEY, 0))] {
        explore(None, words, [undo, TAKE], |set, [_, admitted]| {
            assert_eq!(set.states(KEY), [u64::from(admitted)]);
        });
        explore(Some(2), words, [undo, TAKE, TAKE], |set, [_, one, two]| {
            assert!(!(one && two));
            assert_eq!(set.states(KEY), [u64::from(one || two)]);
        });
    }
}
