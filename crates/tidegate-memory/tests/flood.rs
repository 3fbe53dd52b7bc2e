//! What is left of the limits when there are thirty times as many keys as slots.
//!
//! The numbers to beat were measured with a table that forgets the key with the least debt:
//! it admits offenders 0.9 to 1.1 times their due; one that forgets the oldest, up to 12.5
//! times, and one that forgets any, up to 62 times.

mod load;

use load::{Load, Outcome};
use tidegate_memory::MemoryStore;

const SLOTS: usize = 4096;

/// Lets the flood loose on several tables, one after the other: each has a secret of its own,
/// and how soon it notices a slow offender is a matter of luck.
fn flood(offender: u64, seconds: u64, tables: usize) {
    let load = Load { flood: 20_000, offender, seconds };
    let mut sum = Outcome::default();
    for _ in 0..tables {
        let store = MemoryStore::with_capacity(SLOTS, 0).expect("64 KiB");

        load.run(&store, &mut sum);

        let stats = store.stats(load.end());
        assert_eq!(stats.capacity, SLOTS);
        // A new key takes a slot, and one that is not idle is counted as given up.
        let keys = load.flood * load.seconds;
        assert!(stats.live <= SLOTS && stats.evictions > keys - 2 * SLOTS as u64, "{stats:?}");
    }
    sum.assert_fair();
}

#[test]
fn offenders_at_50_a_second_get_their_due_in_a_flood() {
    flood(50, 30, 1);
}

#[test]
fn offenders_at_10_a_second_get_their_due_in_a_flood() {
    flood(10, 30, 1);
}

/// At this pace an offender is new to its set again and again, until two of its requests come
/// close together: that takes a second or two, and what passed by then is on top.
#[test]
fn offenders_at_2_a_second_get_their_due_in_a_longer_flood() {
    flood(2, 60, 4);
}
