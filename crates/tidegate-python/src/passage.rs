//! An admitted request on its way: puts the limit's header fields on its response.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::{
    PyTraverseError, PyVisit, intern,
    prelude::*,
    types::{PyDict, PyMapping, PyString},
};
use tidegate::{Nanos, fields::Profile};

use crate::{
    decision::PyDecision,
    headers::{Fields, Protocol},
};

/// What every kind of passage remembers.
pub(crate) struct Passage {
    pub(crate) decision: Py<PyDecision>,
    pub(crate) profile: Profile,
    /// When it was decided, since 1970.
    pub(crate) unix_now: Nanos,
    /// The server's `send` or `start_response`.
    pub(crate) next: Py<PyAny>,
}

impl Passage {
    fn is_open(&self) -> bool {
        let decision = self.decision.get().decision();
        decision.allowed && decision.delay.is_zero()
    }

    /// The application's fields and ours.
    fn merged<'py>(
        &self,
        own: &Bound<'py, PyAny>,
        protocol: Protocol,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut fields = Fields::new(own.py(), protocol);
        fields.push_report(self.decision.get().decision(), self.profile, self.unix_now)?;
        Ok(fields.behind(own)?.into_any())
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.next)
    }
}

/// The `send` of an admitted request. Truthy when the request may go ahead at once.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct AsgiPassage {
    passage: Passage,
    has_begun: AtomicBool,
}

impl AsgiPassage {
    pub(crate) fn new(passage: Passage) -> Self {
        Self { passage, has_begun: AtomicBool::new(false) }
    }
}

#[pymethods]
impl AsgiPassage {
    /// What the gate decided.
    #[getter]
    fn decision(&self, py: Python<'_>) -> Py<PyDecision> {
        self.passage.decision.clone_ref(py)
    }

    /// True once the application has sent something.
    #[getter]
    fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    fn __bool__(&self) -> bool {
        self.passage.is_open()
    }

    /// Passes a message on to the server, the start of a response with our fields.
    #[pyo3(signature = (
        message: "collections.abc.MutableMapping[str, typing.Any]"
    ) -> "collections.abc.Awaitable[None]")]
    fn __call__<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let next = self.passage.next.bind(message.py());
        // Relaxed: told to the task that sends.
        self.has_begun.store(true, Ordering::Relaxed);
        if !is_start(message) {
            return next.call1((message,));
        }
        let py = message.py();
        let name = intern!(py, "headers");
        // A new one: the application may send the same message again.
        let message = copy(message)?;
        let own = message.get_item(name)?.unwrap_or_else(|| py.None().into_bound(py));
        message.set_item(name, self.passage.merged(&own, Protocol::Asgi)?)?;
        next.call1((message,))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.passage.traverse(&visit)
    }
}

/// Whether header fields go out with this message.
fn is_start(message: &Bound<'_, PyAny>) -> bool {
    let kind = intern!(message.py(), "type");
    let kind = match message.cast::<PyDict>() {
        Ok(dict) => dict.get_item(kind).ok().flatten(),
        Err(_) => message.get_item(kind).ok(),
    };
    let starts = ["http.response.start", "websocket.accept", "websocket.http.response.start"];
    kind.as_ref()
        .and_then(|kind| kind.cast::<PyString>().ok()?.to_str().ok())
        .is_some_and(|kind| starts.contains(&kind))
}

fn copy<'py>(message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    if let Ok(dict) = message.cast::<PyDict>() {
        return dict.copy();
    }
    let copy = PyDict::new(message.py());
    copy.update(message.cast::<PyMapping>()?)?;
    Ok(copy)
}

/// The `start_response` of an admitted request. Truthy when it may go ahead at once.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct WsgiPassage(pub(crate) Passage);

#[pymethods]
impl WsgiPassage {
    /// What the gate decided.
    #[getter]
    fn decision(&self, py: Python<'_>) -> Py<PyDecision> {
        self.0.decision.clone_ref(py)
    }

    fn __bool__(&self) -> bool {
        self.0.is_open()
    }

    /// Begins the response, with our fields behind the application's.
    #[pyo3(signature = (
        status: "str",
        headers: "list[tuple[str, str]]",
        exc_info: "typing.Any" = None,
        /,
    ) -> "collections.abc.Callable[[bytes], object]")]
    fn __call__<'py>(
        &self,
        status: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let next = self.0.next.bind(status.py());
        let merged = self.0.merged(headers, Protocol::Wsgi)?;
        match exc_info {
            None => next.call1((status, merged)),
            Some(exc_info) => next.call1((status, merged, exc_info)),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(&visit)
    }
}
