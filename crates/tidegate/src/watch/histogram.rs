//! How long things take, in buckets that grow with what they hold: each is a quarter of a power
//! of two wide, so that no time is told with an error of more than a quarter.

use std::time::Duration;

use super::tally::{Lane, Tally};

/// Buckets for each power of two, as bits.
const FINE: u32 = 2;
/// Up to 2^40 ns, which is 18 minutes.
const BUCKETS: usize = 40 << FINE;

/// Counts of times.
#[derive(Debug, Default)]
pub(super) struct Histogram(Tally<BUCKETS>);

impl Histogram {
    pub(super) fn add(&self, lane: Lane, time: Duration) {
        self.0.add(lane, bucket(nanos(time)), 1);
    }

    /// The buckets that are not empty: upper bound in nanoseconds, and count.
    pub(super) fn buckets(&self) -> Vec<(u64, u64)> {
        let counts = self.0.sums().into_iter().enumerate();
        counts.filter(|(_, count)| *count > 0).map(|(at, count)| (upper(at), count)).collect()
    }

    pub(super) fn clear(&self) {
        self.0.clear();
    }
}

/// A time in nanoseconds.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The bucket of a time: the power of two, and the two bits behind its first.
fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(1 << FINE);
    let power = nanos.ilog2();
    let fine = (nanos >> (power - FINE)) & ((1 << FINE) - 1);
    let at = (u64::from(power) << FINE) + fine;
    usize::try_from(at).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The largest time in a bucket.
fn upper(at: usize) -> u64 {
    let (power, fine) = (at >> FINE, at & ((1 << FINE) - 1));
    let step = 1_u64 << power.saturating_sub(FINE as usize);
    (1_u64 << power) + step * (fine as u64 + 1) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_bucket_whose_bound_is_next_above_it() {
        for nanos in [0, 3, 4, 5, 100, 127, 128, 1000, 1_000_000, 999_999_999, 1 << 39] {
            let at = bucket(nanos);
            assert!(upper(at) >= nanos, "{nanos}");
            let below = if at > 4 << FINE { upper(at - 1) } else { 0 };
            assert!(below < nanos || nanos < 32, "{nanos}: {below}");
            assert!(nanos < 32 || upper(at) - nanos <= nanos / 4, "{nanos}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn powers_of_two_are_bounds_of_buckets() {
        for power in 4..40 {
            assert_eq!(upper(bucket((1 << power) - 1)), (1 << power) - 1);
        }
    }

    #[test]
    fn buckets_tell_what_was_added() {
        let histogram = Histogram::default();
        for nanos in [100, 100, 1_000_000] {
            histogram.add(Lane::of_thread(), Duration::from_nanos(nanos));
        }
        assert_eq!(histogram.buckets(), [(111, 2), (1_048_575, 1)]);
        histogram.clear();
        assert_eq!(histogram.buckets(), []);
    }
}
