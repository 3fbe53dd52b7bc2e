//! The table under real threads: no key in two slots, no unit admitted twice.
//!
//! What loom explores with three threads and one operation each, here with eight threads and
//! many operations, on the processor itself.
#![cfg(not(loom))]
#![expect(dead_code, reason = "the tests do not use all of the table")]

#[path = "../src/flat.rs"]
mod flat;
#[cfg(target_arch = "x86_64")]
#[path = "../src/load.rs"]
mod load;
#[path = "../src/set.rs"]
mod set;
#[path = "../src/slot.rs"]
mod slot;
#[path = "../src/sync.rs"]
mod sync;

mod region {
    pub(crate) fn prefetch(_: &[crate::sync::AtomicU128]) {}
}

use std::{
    array,
    sync::{
        Barrier, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use flat::Flat;
use set::WAYS;
use slot::{EMPTY, Owner, Word};
use sync::{AtomicU128, Ordering};

const THREADS: usize = 8;
const ROUNDS: usize = 1_000;

/// One set, which all keys share. A state counts the units that were taken.
struct Set {
    slots: [AtomicU128; WAYS],
    claims: AtomicU128,
}

/// Half of the keys try the set's second cache line first.
fn hash(key: u64) -> u64 {
    (key + 1) << 9
}

fn owner(key: u64) -> Owner {
    Owner::new::<u64>(hash(key))
}

const CLASS: Option<u8> = Some(1);

impl Set {
    fn new() -> Self {
        Self { slots: array::from_fn(|_| AtomicU128::new(EMPTY)), claims: AtomicU128::new(0) }
    }

    fn flat(&self) -> Flat<'_> {
        Flat::new(&self.slots, &self.claims)
    }

    /// Takes a unit of `limit` for `key`: whether it was admitted, and whether another key was
    /// forgotten for it.
    fn take(&self, key: u64, limit: u64) -> (bool, bool) {
        let mut allowed = false;
        let decide = |taken: u64| {
            // Others get their turn between the look and the exchange, where it hurts most.
            thread::yield_now();
            allowed = taken < limit;
            allowed.then_some(taken + 1)
        };
        let debt = |word| {
            thread::yield_now();
            slot::state(word)
        };
        let toll = self
            .flat()
            .update(hash(key), owner(key), || CLASS, debt, decide)
            .expect("there is a class");
        (allowed, toll.evicted)
    }

    fn give_back(&self, key: u64) {
        let decide = |taken: u64| taken.checked_sub(1);
        self.flat().update(hash(key), owner(key), || CLASS, slot::state::<u64>, decide);
    }

    /// The states of all slots that `key` uses.
    fn states(&self, key: u64) -> Vec<u64> {
        let words = self.slots.iter().map(|slot| slot.load(Ordering::SeqCst));
        let used = words.filter(|&word| owner(key).has(word) && !slot::is_claim(word));
        used.map(slot::state).collect()
    }

    fn fill(&self, words: [Word; WAYS]) {
        for (slot, word) in self.slots.iter().zip(words) {
            slot.store(word, Ordering::SeqCst);
        }
    }
}

/// Numbers that look random, the same in every run.
struct Numbers(u64);

impl Numbers {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        // Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// One of `all`.
    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).expect("an index")]
    }
}

/// In each of `rounds`, lets all threads `work` at once, then has one of them `look` while the
/// others wait. Returns what it saw amiss.
fn rounds(
    rounds: usize,
    work: impl Fn(&mut Numbers) + Sync,
    look: impl Fn() -> Option<String> + Sync,
) -> Vec<String> {
    let (barrier, amiss) = (Barrier::new(THREADS), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let (work, look, barrier, amiss) = (&work, &look, &barrier, &amiss);
            scope.spawn(move || {
                let mut numbers = Numbers(thread << 32);
                for _ in 0..rounds {
                    barrier.wait();
                    work(&mut numbers);
                    if barrier.wait().is_leader() {
                        // No panic here: it would leave the others waiting for ever.
                        amiss.lock().expect("no panic").extend(look());
                    }
                }
            });
        }
    });
    amiss.into_inner().expect("no panic")
}

#[test]
fn a_new_key_is_admitted_exactly_its_limit_by_eight_threads() {
    const LIMIT: u64 = 5;
    let (set, forgotten) = (Set::new(), AtomicU64::new(0));
    let admitted: [(u64, AtomicU64); 3] = array::from_fn(|key| (key as u64, AtomicU64::new(0)));

    let work = |numbers: &mut Numbers| {
        for _ in 0..20 {
            let (key, admitted) = numbers.pick(&admitted);
            let (allowed, evicted) = set.take(*key, LIMIT);
            admitted.fetch_add(u64::from(allowed), Relaxed);
            forgotten.fetch_add(u64::from(evicted), Relaxed);
        }
    };
    let amiss = rounds(ROUNDS, work, || {
        // Eight claims of three keys may fill the set for a moment, and push a key out.
        let most = LIMIT * (1 + forgotten.swap(0, Relaxed));
        let counts = admitted.each_ref().map(|(_, count)| count.swap(0, Relaxed));
        let states = admitted.each_ref().map(|(key, _)| set.states(*key));
        set.fill([EMPTY; WAYS]);
        let exact = counts.iter().all(|count| (LIMIT..=most).contains(count));
        let kept = most > LIMIT || states.iter().all(|states| states == &[LIMIT]);
        (!exact || !kept).then(|| format!("{counts:?} admitted, {states:?} kept"))
    });

    assert_eq!(amiss, [""; 0]);
}

#[test]
fn a_new_key_in_a_full_set_is_admitted_exactly_its_limit_by_eight_threads() {
    const NEW: u64 = 99;
    const LIMIT: u64 = 2;
    let (set, admitted) = (Set::new(), AtomicU64::new(0));
    // Others in debt: they take nothing, and each owes more than the new key ever will.
    let full = array::from_fn(|index| owner(index as u64).holding(10 + index as u64, 1));
    set.fill(full);

    let work = |_: &mut Numbers| {
        let allowed = (0..2).filter(|_| set.take(NEW, LIMIT).0);
        admitted.fetch_add(allowed.count() as u64, Relaxed);
    };
    let amiss = rounds(ROUNDS, work, || {
        let (admitted, states) = (admitted.swap(0, Relaxed), set.states(NEW));
        set.fill(full);
        (admitted != LIMIT || states != [LIMIT]).then(|| format!("{admitted}, {states:?} kept"))
    });

    assert_eq!(amiss, [""; 0]);
}

#[test]
fn no_key_has_two_slots_after_any_operations_in_a_crowded_set() {
    const KEYS: u64 = 12;
    let set = Set::new();

    let work = |numbers: &mut Numbers| {
        for _ in 0..20 {
            let key = numbers.below(KEYS);
            match numbers.below(8) {
                0 => set.flat().forget::<u64>(hash(key), owner(key)),
                1 => set.give_back(key),
                _ => drop(set.take(key, 1 + numbers.below(9))),
            }
        }
    };
    let amiss = rounds(ROUNDS, work, || {
        let mut states = (0..KEYS).map(|key| set.states(key));
        let twice = states.find(|states| states.len() > 1);
        twice.map(|states| format!("a key has the states {states:?}"))
    });

    assert_eq!(amiss, [""; 0]);
}

#[test]
fn a_claim_is_no_key_to_be_counted() {
    let set = Set::new();
    set.slots[0].store(owner(1).claim(u64::MAX), Ordering::SeqCst);
    set.slots[1].store(owner(2).holding(7_u64, 1), Ordering::SeqCst);

    assert_eq!(set.flat().estimate(|word| slot::state::<u64>(word) > 0), 1);
}
