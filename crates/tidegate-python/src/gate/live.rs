//! The part of a gate that another can take the place of, as a whole and at any moment.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use pyo3::prelude::*;
use tidegate::{Gate, fields::Profile};

use crate::rule::PyRule;

/// A gate of the engine, and what Python knows of it.
pub(super) struct Live {
    pub(super) gate: Arc<Gate>,
    pub(super) rules: Vec<Py<PyRule>>,
    pub(super) profile: Profile,
}

/// Where it stands: read without a lock, by every request.
pub(super) struct Place(ArcSwap<Live>);

impl Place {
    pub(super) fn new(live: Live) -> Self {
        Self(ArcSwap::from_pointee(live))
    }

    /// For as long as a request is decided.
    pub(super) fn get(&self) -> Guard<Arc<Live>> {
        self.0.load()
    }

    /// For as long as anybody waits.
    pub(super) fn keep(&self) -> Arc<Gate> {
        Arc::clone(&self.0.load().gate)
    }

    pub(super) fn put(&self, live: Live) {
        self.0.store(Arc::new(live));
    }
}
