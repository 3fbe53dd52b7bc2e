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
    noted::{Inside, Note, is_unnoted},
    passage::{AsgiPassage, WsgiPassage},
    visit::{self, Visit},
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
    fn note<'py>(
        &self,
        inside: Inside<'_, 'py>,
        request: &Bound<'py, PyAny>,
        receive: &Bound<'py, PyAny>,
        passage: &Bound<'py, PyAny>,
    ) -> PyResult<Note> {
        let py = request.py();
        let gate = self.gate.bind(py).as_any();
        let outer = if self.is_open { inside.outer_gate(py)? } else { None };
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
        if visit::is_free_asgi(scope)? || Visit::of(gate, scope)? == Visit::Again {
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
        let note = self.0.note(Inside::Asgi, scope, receive, passage)?;
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
///
/// `is_kept` says that what runs below can find the environment by itself: then the request is
/// not noted, which costs as much as a decision.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct WsgiEntry {
    entry: Entry,
    is_kept: bool,
}

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
        is_kept: "bool",
        /,
    ))]
    const fn new(
        middleware: Py<PyAny>,
        app: Py<PyAny>,
        gate: Py<PyGate>,
        is_open: bool,
        others: Py<PyAny>,
        end: Py<PyAny>,
        is_kept: bool,
    ) -> Self {
        Self { entry: Entry { middleware, app, gate, is_open, others, end }, is_kept }
    }

    /// The middleware that this stands for.
    #[getter]
    fn middleware(&self, py: Python<'_>) -> Py<PyAny> {
        self.entry.middleware.clone_ref(py)
    }

    /// The application behind the gate.
    #[getter]
    fn app<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.entry.app(py)
    }

    /// The gate.
    #[getter]
    fn gate(&self, py: Python<'_>) -> Py<PyGate> {
        self.entry.gate.clone_ref(py)
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
        let (py, this) = (slf.py(), slf.get());
        let app = this.entry.app.bind(py);
        match this.enter(environ, start_response)? {
            Way::Past => call_two(app, [environ, start_response]),
            Way::In(passage, trace) => {
                let answered = call_two(app, [environ, &passage]);
                this.leave(environ, start_response, (&passage, trace), answered)
            }
            Way::Out(body) => Ok(body),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.entry.traverse(&visit)
    }
}

/// What becomes of a request.
enum Way<'py> {
    /// It is not counted.
    Past,
    /// It goes ahead.
    In(Bound<'py, WsgiPassage>, Trace),
    /// It is answered.
    Out(Bound<'py, PyAny>),
}

/// How what runs below finds the request.
enum Trace {
    Noted(Note),
    Kept,
}

// Neither is inlined: what they need of the stack would lie between the server's frames and the
// application's, which would run on lines that nobody else has touched.
impl WsgiEntry {
    #[inline(never)]
    fn enter<'py>(
        &self,
        environ: &Bound<'py, PyMapping>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Way<'py>> {
        let (py, entry) = (environ.py(), &self.entry);
        let gate = entry.gate.bind(py);
        if visit::is_free_wsgi(environ) {
            return Ok(Way::Past);
        }
        let visit = Visit::of(gate, environ)?;
        if visit == Visit::Again {
            return Ok(Way::Past);
        }
        let passage = gate.get().passage_from(Source::Wsgi(environ), start_response.clone())?;
        environ.set_item(intern!(py, "tidegate.decision"), passage.decision(py))?;
        let is_open = passage.is_open();
        let passage = WsgiPassage { passage, gate: entry.gate.clone_ref(py) };
        let passage = Bound::new(py, passage)?;
        if !is_open {
            let body = entry.others.bind(py).call1((environ, start_response, passage))?;
            return Ok(Way::Out(body));
        }
        // What is known further out would be found instead of what is kept.
        let trace = if self.is_kept && visit == Visit::First && is_unnoted(py)? {
            visit::keep(environ, &passage)?;
            Trace::Kept
        } else {
            let inside = Inside::Wsgi(environ);
            Trace::Noted(entry.note(inside, environ, py.None().bind(py), &passage)?)
        };
        Ok(Way::In(passage, trace))
    }

    #[inline(never)]
    fn leave<'py>(
        &self,
        environ: &Bound<'py, PyMapping>,
        start_response: &Bound<'py, PyAny>,
        (passage, trace): (&Bound<'py, WsgiPassage>, Trace),
        answered: PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = environ.py();
        let answered = match answered {
            Err(error) if error.is_instance_of::<RateLimitExceeded>(py) => {
                self.entry.end.bind(py).call1((environ, start_response, passage, error))
            }
            answered => answered,
        };
        match trace {
            Trace::Noted(note) => note.forget(py),
            Trace::Kept => visit::give_up(environ, passage),
        }
        answered
    }
}
