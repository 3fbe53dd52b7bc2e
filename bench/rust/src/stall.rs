//! How long a caller waits at worst while keys come that were never seen before.

use std::time::Duration;

use crate::{contenders::Contender, keys::Keys, machine};

/// Consecutive checks that are timed together.
const TOGETHER: usize = 64;

/// The longest and the median time of 64 consecutive checks, all of keys never seen before, in
/// a table that was empty.
pub fn of_new_keys(contender: &dyn Contender, keys: u64) -> (Duration, Duration) {
    let mut names = Keys::new(1, 1);
    let mut times = Vec::new();
    for first in (0..keys).step_by(TOGETHER) {
        let names = names.numbered(first, TOGETHER);
        let before = machine::thread_time();
        contender.check_all(names);
        times.push(machine::thread_time().saturating_sub(before));
    }
    times.sort_unstable();
    (
        times.last().copied().unwrap_or_default(),
        times.get(times.len() / 2).copied().unwrap_or_default(),
    )
}
