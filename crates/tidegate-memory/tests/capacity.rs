//! Ten million keys through a table of a million slots: memory stays within the bound.
//!
//! One test, in a process of its own, because it measures that process.
#![cfg(target_os = "linux")]

mod load;

use std::fs;

use load::{Load, Outcome};
use tidegate_memory::MemoryStore;

const SLOTS: usize = 1 << 20;
const SLOT_BYTES: u64 = 16;

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a Linux system");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a process in use");
    let kilobytes = line.split_whitespace().nth(1).expect("a number of kilobytes");
    kilobytes.parse::<u64>().expect("a number") << 10
}

#[test]
fn ten_million_keys_stay_within_a_million_slots() {
    let store = MemoryStore::with_capacity(SLOTS, 0).expect("16 MiB");
    let load = Load { flood: 500_000, offender: 10, seconds: 20 };
    let before = resident();

    let mut outcome = Outcome::default();
    load.run(&store, &mut outcome);

    let grown = resident().saturating_sub(before);
    outcome.assert_fair();
    let stats = store.stats(load.end());
    assert!(stats.live <= SLOTS && stats.evictions > 8_000_000, "{stats:?}");
    // The clients of the test, and the page that says what classes are, are in there too.
    assert!(grown <= SLOTS as u64 * SLOT_BYTES + (1 << 20), "{grown} bytes more");
}
