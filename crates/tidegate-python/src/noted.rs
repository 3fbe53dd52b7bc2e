//! What our middleware notes about the request that a task or thread is in.

use pyo3::{
    Borrowed, intern,
    prelude::*,
    types::{PyMapping, PyTuple},
};

use crate::{
    decision::PyDecision,
    facts::Source,
    gate::PyGate,
    passage::{AsgiPassage, WsgiPassage},
};

/// The tuple in `tidegate._current.current`.
pub(crate) struct Noted<'py> {
    /// A scope, or an environment.
    request: Bound<'py, PyMapping>,
    /// `None` under WSGI.
    receive: Bound<'py, PyAny>,
    gate: Bound<'py, PyGate>,
    passage: Bound<'py, PyAny>,
}

impl<'a, 'py> FromPyObject<'a, 'py> for Noted<'py> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let parts = value.cast::<PyTuple>()?;
        Ok(Self {
            request: parts.get_item(0)?.cast_into()?,
            receive: parts.get_item(1)?,
            gate: parts.get_item(2)?.cast_into()?,
            passage: parts.get_item(3)?,
        })
    }
}

impl Noted<'_> {
    /// The client's address by the trust of the gate around the application; `None` when that
    /// believes nobody: any other gate finds the same then.
    pub(crate) fn outer_address(&self) -> Option<String> {
        let gate = self.gate.get();
        if !gate.believes() {
            return None;
        }
        let source = if self.receive.is_none() {
            Source::Wsgi(&self.request)
        } else {
            Source::Asgi(&self.request, Some(&self.receive))
        };
        Some(gate.address(source))
    }

    /// Tells the middleware of a decision that was made further in: the response gets the header
    /// fields of the one that binds most, and so does the request.
    pub(crate) fn consider(&self, decision: &Bound<'_, PyDecision>) -> PyResult<()> {
        let py = decision.py();
        if let Ok(passage) = self.passage.cast::<AsgiPassage>() {
            let shown = passage.get().0.consider(decision);
            return self.request.set_item(intern!(py, "tidegate"), shown);
        }
        let shown = self.passage.cast::<WsgiPassage>()?.get().0.consider(decision);
        self.request.set_item(intern!(py, "tidegate.decision"), shown)
    }
}
