//! Where time comes from: the only place below the stores' servers that reads clocks.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tidegate_core::Nanos;

/// A source of time. Tests hand in one of their own.
pub trait Clock: Send + Sync + 'static {
    /// Time since an epoch of the clock's own choosing. Never runs backwards, and is not
    /// moved when somebody sets the machine's clock.
    fn now(&self) -> Nanos;

    /// Time since 1970-01-01T00:00:00Z: for calendar periods and for header fields.
    fn unix_now(&self) -> Nanos;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// Time since the process first asked. Stands still while the machine is suspended.
    fn now(&self) -> Nanos {
        static EPOCH: OnceLock<Instant> = OnceLock::new();
        EPOCH.get_or_init(Instant::now).elapsed().into()
    }

    fn unix_now(&self) -> Nanos {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().into()
    }
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
