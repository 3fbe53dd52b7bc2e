//! Time for Python: the machine's, or one that a test drives.

use std::{
    sync::{
        Arc, LazyLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use pyo3::prelude::*;
use tidegate::{Clock, ManualClock, Nanos, SystemClock};

use crate::convert::Seconds;

/// A clock that stands still until it is told to move.
#[pyclass(frozen, subclass, name = "Clock", module = "tidegate._native")]
pub(crate) struct PyClock(pub(crate) Arc<ManualClock>);

#[pymethods]
impl PyClock {
    /// A clock at zero, which is `unix` seconds after 1970.
    #[new]
    #[pyo3(signature = (*, unix: "float" = Seconds::from_secs(1_700_000_000)) -> "typing_extensions.Self")]
    fn new(unix: Seconds) -> Self {
        Self(Arc::new(ManualClock::new(unix.0)))
    }

    /// Moves the clock forward by `seconds`, or by a `timedelta`.
    #[pyo3(signature = (seconds: "float | datetime.timedelta"))]
    fn advance(&self, seconds: Seconds) {
        self.0.advance(seconds.0);
    }

    /// Moves the clock forward by whole nanoseconds.
    #[pyo3(signature = (nanoseconds: "int"))]
    fn advance_ns(&self, nanoseconds: u64) {
        self.0.advance(Duration::from_nanos(nanoseconds));
    }

    /// Nanoseconds since the clock was made.
    #[getter]
    fn now_ns(&self) -> u64 {
        self.0.now().0
    }

    /// Seconds since 1970.
    #[getter]
    fn unix(&self) -> f64 {
        self.0.unix_now().as_secs_f64()
    }
}

/// The machine's clock, unless a test has put its own in its place.
struct DefaultClock;

static REPLACED: AtomicBool = AtomicBool::new(false);
static REPLACEMENT: RwLock<Option<Arc<ManualClock>>> = RwLock::new(None);

impl DefaultClock {
    #[inline]
    fn ask(replaced: fn(&ManualClock) -> Nanos, real: fn(&SystemClock) -> Nanos) -> Nanos {
        // Relaxed: outside tests this is false for ever; the lock orders the rest.
        if REPLACED.load(Ordering::Relaxed) {
            return Self::ask_replacement(replaced).unwrap_or_else(|| real(&SystemClock));
        }
        real(&SystemClock)
    }

    #[cold]
    fn ask_replacement(replaced: fn(&ManualClock) -> Nanos) -> Option<Nanos> {
        let replacement = REPLACEMENT.read().unwrap_or_else(PoisonError::into_inner);
        replacement.as_deref().map(replaced)
    }
}

impl Clock for DefaultClock {
    fn now(&self) -> Nanos {
        Self::ask(ManualClock::now, SystemClock::now)
    }

    fn now_coarse(&self) -> Nanos {
        Self::ask(ManualClock::now, SystemClock::now_coarse)
    }

    fn unix_now(&self) -> Nanos {
        Self::ask(ManualClock::unix_now, SystemClock::unix_now)
    }
}

/// The clock for a limiter or gate that was given `clock`, or none.
pub(crate) fn choose(clock: Option<&Bound<'_, PyClock>>) -> Arc<dyn Clock> {
    static DEFAULT: LazyLock<Arc<DefaultClock>> = LazyLock::new(|| Arc::new(DefaultClock));
    match clock {
        Some(clock) => Arc::clone(&clock.get().0) as Arc<dyn Clock>,
        None => Arc::clone(&DEFAULT) as Arc<dyn Clock>,
    }
}

/// Puts `clock` in the place of the machine's, for every limiter and gate made without a
/// clock of its own; `None` puts the machine's back.
#[pyfunction]
#[pyo3(signature = (clock))]
pub(crate) fn set_default_clock(clock: Option<&Bound<'_, PyClock>>) {
    let mut replacement = REPLACEMENT.write().unwrap_or_else(PoisonError::into_inner);
    *replacement = clock.map(|clock| Arc::clone(&clock.get().0));
    REPLACED.store(replacement.is_some(), Ordering::Relaxed);
}
