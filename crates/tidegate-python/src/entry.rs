//! The short way through a middleware: for requests about which there is nothing to find out
//! first, and nothing to say at the end.
//!
//! Most requests go it. What it does is what the middleware of the same protocol does in Python
//! (`tidegate/asgi.py`, `tidegate/wsgi.py`), which every other case is handed to.

use pyo3::{PyTraverseError, PyVisit, intern, prelude::*, types::PyMapping};

use crate::{
    course::{Course, iterator_of},
    errors::RateLimitExceeded,
    facts::Source,
    fastcall::{call_three, call_two},
    gate::PyGate,
    noted::{Note, outer_gate},
    passage::{AsgiPassage, WsgiPassage},
    visit,
};

/// A gate, the application behind it, and the middleware's own ways.
struct Entry {
    /// What this stands for.
    middleware: Py<PyAny>,
    app: Py<PyAny>,
    gate: Py<PyGate>,
    /// Whether the gate has no rules: whom to believe is known further out then.
    is_open: bool,
    /// Serves what may not go ahead at once.
    others: Py<PyAny>,
    /// Is called where the end of a request matters after all.
    end: Py<PyAny>,
}

impl Entry {
    /// Notes a request for what runs below.
    fn note(
        &self,
        request: &Bound<'_, PyAny>,
        receive: &Bound<'_, PyAny>,
        passage: &Bound<'_, PyAny>,
    ) -> PyResult<Note> {
        let gate = self.gate.bind(request.py()).as_any();
        let outer = if self.is_open { outer_gate(request.py())? } else { None };
        Note::new([request, receive, outer.as_ref().unwrap_or(gate), passage])
    }

    /// The middleware's application, as it was given.
    fn app<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.middleware.bind(py).getattr(intern!(py, "app"))
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.middleware)?;
        visit.call(&self.app)?;
        visit.call(&self.others)?;
        visit.call(&self.end)
    }
}

/// Serves ASGI connections for a middleware whose gate answers at once; `app` is what it calls
/// for the middleware's own `app`.
///
/// `others` is called with the scope, `receive`, `send` and the passage of a request that may not
/// go ahead at once; `end` with the same where the end of a request matters after all, and with
/// the exception that the application raised, or `None`. Both are to be awaited.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct AsgiEntry(Entry);

#[pymethods]
impl AsgiEntry {
    #[new]
    #[pyo3(signature = (
        middleware: "typing.Any",
        app: "collections.abc.Callable[..., typing.Any]",
        gate: "Gate",
        is_open: "bool",
        others: "collections.abc.Callable[..., collections.abc.Awaitable[None]]",
        end: "collections.abc.Callable[..., collections.abc.Awaitable[None]]",
        /,
    ))]
    const fn new(
        middleware: Py<PyAny>,
        app: Py<PyAny>,
        gate: Py<PyGate>,
        is_open: bool,
        others: Py<PyAny>,
        end: Py<PyAny>,
    ) -> Self {
        Self(Entry { middleware, app, gate, is_open, others, end })
    }

    /// The middleware that this stands for.
    #[getter]
    fn middleware(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.middleware.clone_ref(py)
    }

    /// The application behind the gate.
    #[getter]
    fn app<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.app(py)
    }

    /// The gate.
    #[getter]
    fn gate(&self, py: Python<'_>) -> Py<PyGate> {
        self.0.gate.clone_ref(py)
    }

    /// Serves one connection; to be awaited.
    #[pyo3(signature = (
        scope: "collections.abc.MutableMapping[str, typing.Any]",
        receive: "collections.abc.Callable[[], typing.Any]",
        send: "collections.abc.Callable[[typing.Any], collections.abc.Awaitable[None]]",
        /,
    ) -> "collections.abc.Awaitable[None]")]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        scope: &Bound<'py, PyMapping>,
        receive: &Bound<'py, PyAny>,
        send: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, entry) = (slf.py(), &slf.get().0);
        let gate = entry.gate.bind(py);
        if visit::is_free_asgi(scope)? || !visit::is_first(gate, scope)? {
            return call_three(entry.app.bind(py), [scope, receive, send]);
        }
        let source = Source::Asgi(scope, Some(receive));
        let passage = gate.get().passage_from(source, send.clone())?;
        scope.set_item(intern!(py, "tidegate"), passage.decision(py))?;
        let is_open = passage.is_open();
        let course = Course::new(slf, scope, receive);
        let passage = Bound::new(py, AsgiPassage::new(passage, Some(course)))?.into_any();
        if is_open {
            return Ok(passage);
        }
        entry.others.bind(py).call1((scope, receive, send, passage))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(&visit)
    }
}

impl AsgiEntry {
    /// Notes the request, and calls the application; returns what steps are sent to.
    pub(crate) fn call<'py>(
        &self,
        scope: &Bound<'py, PyAny>,
        receive: &Bound<'py, PyAny>,
        passage: &Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyAny>, Note)> {
        let note = self.0.note(scope, receive, passage)?;
        let called = call_three(self.0.app.bind(scope.py()), [scope, receive, passage]);
        match called.and_then(iterator_of) {
            Ok(awaited) => Ok((awaited, note)),
            Err(error) => {
                note.forget(scope.py());
                Err(error)
            }
        }
    }

    pub(crate) fn end<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.0.end.bind(py)
    }
}

/// Serves WSGI requests, as `AsgiEntry` does connections: `others` and `end` return the body.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct WsgiEntry(Entry);

#[pymethods]
impl WsgiEntry {
    #[new]
    #[pyo3(signature = (
        middleware: "typing.Any",
        app: "collections.abc.Callable[..., typing.Any]",
        gate: "Gate",
        is_open: "bool",
        others: "collections.abc.Callable[..., collections.abc.Iterable[bytes]]",
        end: "collections.abc.Callable[..., collections.abc.Iterable[bytes]]",
        /,
    ))]
    const fn new(
        middleware: Py<PyAny>,
        app: Py<PyAny>,
        gate: Py<PyGate>,
        is_open: bool,
        others: Py<PyAny>,
        end: Py<PyAny>,
    ) -> Self {
        Self(Entry { middleware, app, gate, is_open, others, end })
    }

    /// The middleware that this stands for.
    #[getter]
    fn middleware(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.middleware.clone_ref(py)
    }

    /// The application behind the gate.
    #[getter]
    fn app<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.app(py)
    }

    /// The gate.
    #[getter]
    fn gate(&self, py: Python<'_>) -> Py<PyGate> {
        self.0.gate.clone_ref(py)
    }

    /// Serves one request.
    #[pyo3(signature = (
        environ: "dict[str, typing.Any]",
        start_response: "collections.abc.Callable[..., typing.Any]",
        /,
    ) -> "collections.abc.Iterable[bytes]")]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyMapping>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, entry) = (slf.py(), &slf.get().0);
        let gate = entry.gate.bind(py);
        if visit::is_free_wsgi(environ) || !visit::is_first(gate, environ)? {
            return call_two(entry.app.bind(py), [environ, start_response]);
        }
        let passage = gate.get().passage_from(Source::Wsgi(environ), start_response.clone())?;
        environ.set_item(intern!(py, "tidegate.decision"), passage.decision(py))?;
        let is_open = passage.is_open();
        let passage = Bound::new(py, WsgiPassage(passage))?.into_any();
        if !is_open {
            return entry.others.bind(py).call1((environ, start_response, passage));
        }
        let note = entry.note(environ, py.None().bind(py), &passage)?;
        let answered = call_two(entry.app.bind(py), [environ, &passage]);
        let answered = match answered {
            Err(error) if error.is_instance_of::<RateLimitExceeded>(py) => {
                entry.end.bind(py).call1((environ, start_response, &passage, error))
            }
            answered => answered,
        };
        note.forget(py);
        answered
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(&visit)
    }
}
