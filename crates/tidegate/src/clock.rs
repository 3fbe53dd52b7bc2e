//! Where time comes from: the only place below the stores' servers that reads clocks.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tidegate_core::Nanos;

/// The most that a [coarse](Clock::now_coarse) reading may lag behind.
pub(crate) const COARSEST: Nanos = Nanos(10_000_000);

/// A source of time. Tests hand in one of their own.
pub trait Clock: Send + Sync + 'static {
    /// Time since an epoch of the clock's own choosing. Never runs backwards, and is not
    /// moved when somebody sets the machine's clock.
    fn now(&self) -> Nanos;

    /// The same time, cheaper to read, and at most 10 ms behind.
    ///
    /// Limits that take a second or more to fill are checked by it. Nothing is refused for
    /// its lag: a refusal that would end within those 10 ms is decided again by
    /// [`now`](Self::now).
    fn now_coarse(&self) -> Nanos {
        self.now()
    }

    /// Time since 1970-01-01T00:00:00Z: for calendar periods and for header fields.
    fn unix_now(&self) -> Nanos;
}

/// The machine's clocks.
///
/// On Unix the time is `CLOCK_MONOTONIC` as the system tells it, the same in all processes of
/// a host, so that they can share a table. It stands still while the machine is suspended.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Nanos {
        monotonic::now()
    }

    /// On Linux, `CLOCK_MONOTONIC_COARSE`: the time of the last timer tick, 1 to 10 ms apart.
    fn now_coarse(&self) -> Nanos {
        monotonic::now_coarse()
    }

    fn unix_now(&self) -> Nanos {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().into()
    }
}

#[cfg(unix)]
mod monotonic {
    use rustix::time::{ClockId, Timespec, clock_gettime};
    use tidegate_core::Nanos;

    pub(super) fn now() -> Nanos {
        nanos(clock_gettime(ClockId::Monotonic))
    }

    #[cfg(target_os = "linux")]
    pub(super) fn now_coarse() -> Nanos {
        use std::sync::LazyLock;

        use rustix::time::clock_getres;

        /// A kernel could be built to tick more slowly than we promise.
        static CLOCK: LazyLock<ClockId> = LazyLock::new(|| {
            let tick = nanos(clock_getres(ClockId::MonotonicCoarse));
            if tick <= super::COARSEST { ClockId::MonotonicCoarse } else { ClockId::Monotonic }
        });
        nanos(clock_gettime(*CLOCK))
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn now_coarse() -> Nanos {
        now()
    }

    /// Since the machine started, so never negative.
    #[inline]
    fn nanos(time: Timespec) -> Nanos {
        Nanos(time.tv_sec.cast_unsigned() * Nanos::SECOND.0 + time.tv_nsec.cast_unsigned())
    }
}

#[cfg(not(unix))]
mod monotonic {
    use std::{sync::OnceLock, time::Instant};

    use tidegate_core::Nanos;

    /// Time since the process first asked.
    pub(super) fn now() -> Nanos {
        static EPOCH: OnceLock<Instant> = OnceLock::new();
        EPOCH.get_or_init(Instant::now).elapsed().into()
    }

    pub(super) use now as now_coarse;
}

/// A clock that stands still until it is told to move.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Clock, ManualClock};
///
/// let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
/// clock.advance(Duration::from_secs(90));
///
/// assert_eq!(clock.now().ceil_secs(), 90);
/// assert_eq!(clock.unix_now().ceil_secs(), 1_700_000_090);
/// ```
pub struct ManualClock {
    now: AtomicU64,
    unix_start: Nanos,
}

impl ManualClock {
    /// A clock at zero, which is `unix_start` after 1970.
    #[must_use]
    pub fn new(unix_start: Duration) -> Self {
        Self { now: AtomicU64::new(0), unix_start: unix_start.into() }
    }

    /// Moves both times forward.
    pub fn advance(&self, by: Duration) {
        let by = Nanos::from(by).0;
        // Relaxed: the clock orders nothing but itself. A test that moves it from another
        // thread has its own way to know that it was moved.
        let _ = self
            .now
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.saturating_add(by)));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Nanos {
        Nanos(self.now.load(Ordering::Relaxed))
    }

    fn unix_now(&self) -> Nanos {
        self.unix_start.saturating_add(self.now())
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("now", &self.now()).finish_non_exhaustive()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_coarse_reading_is_on_the_same_timeline_and_never_ahead() {
        for _ in 0..1000 {
            let coarse = SystemClock.now_coarse();
            let fine = SystemClock.now();

            assert!(coarse <= fine, "{coarse:?} is ahead of {fine:?}");
            // A test must not fail because a busy machine put it aside between two readings.
            assert!(fine.saturating_sub(coarse) < Nanos::from_secs(10), "{coarse:?} {fine:?}");
        }
    }
}
