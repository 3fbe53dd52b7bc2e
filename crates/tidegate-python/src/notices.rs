//! What a gate or limiter says in the log, once, about how it was set up.
//!
//! The words are in Python (`tidegate/_gate.py`, `tidegate/_workers.py`), and so is logging.
//! Here is only when to speak: a glance at two flags for every request.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use tidegate::Client;

/// What has not been said yet.
pub(crate) struct Notices {
    /// Counts are in this process alone, and nobody has looked whether it has siblings.
    is_alone: AtomicBool,
    /// Nobody was told of a forwarding header field that was disregarded.
    is_silent: AtomicBool,
    /// A configuration is to be followed, and nobody in this process looks after it.
    must_wake: AtomicBool,
}

impl Notices {
    /// For a gate or limiter with this kind of store.
    pub(crate) fn new(store: &str) -> Self {
        let is_alone = AtomicBool::new(store == "memory");
        Self { is_alone, is_silent: AtomicBool::new(true), must_wake: AtomicBool::new(false) }
    }

    /// For a gate that follows a configuration.
    pub(crate) fn following(store: &str) -> Self {
        Self { must_wake: AtomicBool::new(true), ..Self::new(store) }
    }

    /// Nobody looks after the configuration any more.
    pub(crate) fn unsettle(&self) {
        self.must_wake.store(true, Ordering::Relaxed);
    }

    /// Looks around, before the first decision.
    pub(crate) fn before(&self, py: Python<'_>) {
        if is_due(&self.is_alone) {
            say(py, "tidegate._workers", "warn_of_siblings", None);
        }
        if is_due(&self.must_wake) {
            say(py, "tidegate._following", "wake", None);
        }
    }

    /// Whether there is nothing left to look around for.
    #[inline]
    pub(crate) fn is_settled(&self) -> bool {
        !self.is_alone.load(Ordering::Relaxed) && !self.must_wake.load(Ordering::Relaxed)
    }

    /// Says whose forwarding header field was disregarded, after the first such decision.
    pub(crate) fn after(&self, py: Python<'_>, client: Option<&Client>) {
        let Some(client) = client.filter(|client| client.ignored) else { return };
        if is_due(&self.is_silent) {
            let peer = client.address.to_string();
            say(py, "tidegate._gate", "warn_of_ignored_forwarding", Some(peer));
        }
    }
}

/// True once.
fn is_due(flag: &AtomicBool) -> bool {
    // Relaxed: the flag orders nothing else. Loaded first, because a swap takes the cache
    // line from all other cores.
    flag.load(Ordering::Relaxed) && flag.swap(false, Ordering::Relaxed)
}

/// Calls a function of ours. A log that fails must not cost anybody the request.
fn say(py: Python<'_>, module: &str, function: &str, about: Option<String>) {
    let said = py.import(module).and_then(|module| {
        let function = module.getattr(function)?;
        match about {
            Some(about) => function.call1((about,)),
            None => function.call0(),
        }
    });
    if let Err(error) = said {
        error.write_unraisable(py, None);
    }
}
