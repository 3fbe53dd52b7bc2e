//! The one unit of time below the public surface.

use core::time::Duration;

/// A span of time, or a point on a timeline, in whole nanoseconds.
///
/// As a point it counts from an epoch that whoever reads the clock picks; 64 bits last for
/// 584 years from there. Arithmetic saturates, so that no input can wrap a far future into
/// the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// No time at all, or the epoch.
    pub const ZERO: Self = Self(0);
    /// One second.
    pub const SECOND: Self = Self(1_000_000_000);
    /// The longest span there is, and the last point in time.
    pub const MAX: Self = Self(u64::MAX);

    /// Nanoseconds of `seconds` whole seconds, saturating.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(Self::SECOND.0))
    }

    /// The later point, or the longer span, reached by adding `span`.
    #[must_use]
    pub const fn saturating_add(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The time from `earlier` to `self`, or zero when `earlier` is the later one.
    #[must_use]
    pub const fn saturating_sub(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// `times` times this span, saturating.
    #[must_use]
    pub const fn saturating_mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }

    /// Seconds, for people; loses nanoseconds beyond 104 days.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an f64 is what the reader asked for")]
    pub const fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Whole seconds, rounded up, as HTTP header fields give them.
    ///
    /// Rounded up, because a client that comes back a moment early is refused again.
    #[must_use]
    pub const fn ceil_secs(self) -> u64 {
        self.0.div_ceil(Self::SECOND.0)
    }
}

impl From<Duration> for Nanos {
    /// Saturates beyond 584 years.
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<Nanos> for Duration {
    fn from(nanos: Nanos) -> Self {
        Self::from_nanos(nanos.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_up() {
        assert_eq!(Nanos(0).ceil_secs(), 0);
        assert_eq!(Nanos(1).ceil_secs(), 1);
        assert_eq!(Nanos::from_secs(3).ceil_secs(), 3);
        assert_eq!(Nanos(3_000_000_001).ceil_secs(), 4);
        assert_eq!(Nanos::MAX.ceil_secs(), 18_446_744_074);
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        assert_eq!(Nanos::MAX.saturating_add(Nanos(1)), Nanos::MAX);
        assert_eq!(Nanos(1).saturating_sub(Nanos(2)), Nanos::ZERO);
        assert_eq!(Nanos(2).saturating_mul(u64::MAX), Nanos::MAX);
        assert_eq!(Nanos::from(Duration::MAX), Nanos::MAX);
    }
}
