//! One switch that turns every limit of the process off: for tests.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::pyfunction;

static ENABLED: AtomicBool = AtomicBool::new(true);

/// Turns all limits of this process on, or off: off, every check allows and takes nothing.
#[pyfunction]
pub(crate) fn set_enabled(enabled: bool) {
    // Relaxed: the switch orders nothing else, and a check that runs beside the change may
    // go either way.
    ENABLED.store(enabled, Ordering::Relaxed);
}

/// Whether limits are on.
pub(crate) fn is_enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}
