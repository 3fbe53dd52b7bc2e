//! An admitted request on its way: puts the limit's header fields on its response.

use std::sync::{
    Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicU16, Ordering},
};

use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::PyTypeError,
    intern,
    prelude::*,
    types::{PyDict, PyList, PyMapping, PyString, PyTuple},
};
use tidegate::{Nanos, fields::Profile};

use crate::{
    course::Course,
    decision::PyDecision,
    fastcall::{call_one, call_two},
    gate::PyGate,
    headers::{Fields, Protocol},
    noted::loosen,
    usual,
    visit::is_text,
};

/// What every kind of passage remembers.
pub(crate) struct Passage {
    decision: Py<PyDecision>,
    /// The most binding of the decisions that were made further in, and the first.
    shown: Mutex<Py<PyDecision>>,
    profile: Profile,
    /// When it was decided, since 1970.
    unix_now: Nanos,
    /// The server's `send` or `start_response`.
    next: Py<PyAny>,
    /// The response's status and the application's header fields, once it has begun; 0 before.
    status: AtomicU16,
    headers: OnceLock<Py<PyAny>>,
}

impl Passage {
    pub(crate) fn new(
        py: Python<'_>,
        decision: Py<PyDecision>,
        (profile, unix_now): (Profile, Nanos),
        next: Py<PyAny>,
    ) -> Self {
        let shown = Mutex::new(decision.clone_ref(py));
        let (status, headers) = (AtomicU16::new(0), OnceLock::new());
        Self { decision, shown, profile, unix_now, next, status, headers }
    }

    pub(crate) fn decision(&self, py: Python<'_>) -> Py<PyDecision> {
        self.decision.clone_ref(py)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.decision.get().is_open()
    }

    /// Takes a decision that was made further in for the one to show, if it binds more.
    pub(crate) fn consider(&self, decision: &Bound<'_, PyDecision>) -> Py<PyDecision> {
        let py = decision.py();
        let old = {
            let mut shown = self.shown();
            if !decision.get().binds_more_than(shown.get()) {
                return shown.clone_ref(py);
            }
            std::mem::replace(&mut *shown, decision.clone().unbind())
        };
        // Not under the lock: what is let go may run Python code.
        drop(old);
        decision.clone().unbind()
    }

    /// The header fields of what says nothing about them itself.
    pub(crate) const fn profile(&self) -> Profile {
        self.profile
    }

    fn shown(&self) -> MutexGuard<'_, Py<PyDecision>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how the response begins.
    fn begin(&self, status: u16, own: &Bound<'_, PyAny>) {
        // Relaxed: told to the task or thread that sends.
        self.status.store(status, Ordering::Relaxed);
        let _ = self.headers.set(own.clone().unbind());
    }

    fn status(&self) -> Option<u16> {
        Some(self.status.load(Ordering::Relaxed)).filter(|status| *status != 0)
    }

    fn headers(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.headers.get().map(|headers| headers.clone_ref(py))
    }

    /// What the header fields are, and what they depend on.
    fn report(&self, shown: &PyDecision) -> (Profile, Nanos) {
        let others = (self.profile, self.unix_now);
        // Its own decision was made when the request came, which is nearer to what it says.
        let is_own = std::ptr::eq(shown, self.decision.get());
        if is_own { others } else { shown.report(others) }
    }

    /// The application's fields and ours.
    fn merged<'py>(
        &self,
        own: &Bound<'py, PyAny>,
        protocol: Protocol,
    ) -> PyResult<Bound<'py, PyAny>> {
        let shown = self.shown().clone_ref(own.py());
        let (profile, unix_now) = self.report(shown.get());
        if profile == Profile::NONE {
            return Ok(own.clone());
        }
        if profile == Profile::X_RATELIMIT
            && let Some(numbers) = shown.get().x_ratelimit(unix_now)
            && let Some(joined) = usual::behind(protocol, own, numbers)?
        {
            return Ok(joined.into_any());
        }
        let mut fields = Fields::new(own.py(), protocol);
        fields.push_report(shown.get(), profile, unix_now)?;
        Ok(fields.behind(own)?.into_any())
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.next)
    }
}

/// The `send` of an admitted request. Truthy when the request may go ahead at once.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct AsgiPassage {
    pub(crate) passage: Passage,
    /// When the short way was taken (`entry.rs`).
    course: Option<Course>,
    /// The note for what begins after the response, once that is complete.
    loose: Mutex<Option<Py<PyList>>>,
}

impl AsgiPassage {
    pub(crate) const fn new(passage: Passage, course: Option<Course>) -> Self {
        Self { passage, course, loose: Mutex::new(None) }
    }

    fn loose(&self) -> MutexGuard<'_, Option<Py<PyList>>> {
        self.loose.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is awaited; an error for a request that did not take the short way.
    pub(crate) fn course(&self) -> PyResult<&Course> {
        self.course.as_ref().ok_or_else(|| PyTypeError::new_err("this passage cannot be awaited"))
    }

    pub(crate) fn next(&self, py: Python<'_>) -> Py<PyAny> {
        self.passage.next.clone_ref(py)
    }
}

#[pymethods]
impl AsgiPassage {
    /// Whether the end of the request matters.
    #[getter]
    fn settles(&self) -> bool {
        self.passage.decision.get().settles()
    }

    /// What the gate decided.
    #[getter]
    fn decision(&self, py: Python<'_>) -> Py<PyDecision> {
        self.passage.decision(py)
    }

    /// True once the application has begun its response.
    #[getter]
    fn has_begun(&self) -> bool {
        self.passage.status().is_some()
    }

    /// The response's status; `None` before it has begun.
    #[getter]
    fn status(&self) -> Option<u16> {
        self.passage.status()
    }

    /// The application's own header fields, as it gave them; `None` before it has begun.
    #[getter]
    fn headers(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.passage.headers(py)
    }

    /// Takes a decision that was made further in for the one whose header fields the response
    /// gets, if it binds more; returns the one that they are of.
    fn consider(&self, decision: &Bound<'_, PyDecision>) -> Py<PyDecision> {
        self.passage.consider(decision)
    }

    /// Lets go of the request, which has ended: what began after its response finds it no more.
    pub(crate) fn let_go(&self, py: Python<'_>) -> PyResult<()> {
        // Not under the lock: what is let go may run Python code.
        let loose = self.loose().take();
        let Some(list) = loose else { return Ok(()) };
        let list = list.bind(py);
        // Quicker than to delete them, for which a slice is made.
        list.set_slice(0, list.len(), PyTuple::empty(py).as_any())
    }

    fn __bool__(&self) -> bool {
        self.passage.is_open()
    }

    /// Passes a message on to the server, the start of a response with our fields.
    #[pyo3(signature = (
        message: "collections.abc.MutableMapping[str, typing.Any]"
    ) -> "collections.abc.Awaitable[None]")]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        message: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let next = this.passage.next.bind(py);
        let part = Part::of(message);
        if part != Part::Start {
            if part == Part::Last {
                let loose = loosen(slf)?.map(Bound::unbind);
                let former = loose.and_then(|loose| this.loose().replace(loose));
                drop(former);
            }
            return call_one(next, message);
        }
        let name = intern!(py, "headers");
        // A new one: the application may send the same message again.
        let message = copy(message)?;
        let own = message.get_item(name)?.unwrap_or_else(|| py.None().into_bound(py));
        this.passage.begin(status_of(&message), &own);
        message.set_item(name, this.passage.merged(&own, Protocol::Asgi)?)?;
        call_one(next, &message)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.passage.traverse(&visit)?;
        // The collector runs between two steps of Python's, and none of them holds the lock.
        if let Ok(Some(loose)) = self.loose.try_lock().as_deref() {
            visit.call(loose)?;
        }
        self.course.as_ref().map_or(Ok(()), |course| course.traverse(&visit))
    }

    fn __clear__(&self) {
        let loose = self.loose().take();
        drop(loose);
        if let Some(course) = &self.course {
            course.clear();
        }
    }
}

/// What a message means for the response.
#[derive(PartialEq, Eq)]
enum Part {
    /// Header fields go out with it.
    Start,
    /// Nothing comes behind it.
    Last,
    Other,
}

impl Part {
    fn of(message: &Bound<'_, PyAny>) -> Self {
        let py = message.py();
        let get = |name| match message.cast::<PyDict>() {
            Ok(dict) => dict.get_item(name).ok().flatten(),
            Err(_) => message.get_item(name).ok(),
        };
        let Some(kind) = get(intern!(py, "type")) else { return Self::Other };
        // Frameworks write both as literals, which are the same objects.
        let is_body = kind.is(intern!(py, "http.response.body"));
        if !is_body && kind.is(intern!(py, "http.response.start")) {
            return Self::Start;
        }
        if is_body || is_text(&kind, "http.response.body") {
            let more = get(intern!(py, "more_body"));
            let has_more = more.is_some_and(|more| more.is_truthy().unwrap_or(true));
            return if has_more { Self::Other } else { Self::Last };
        }
        let starts = ["http.response.start", "websocket.accept", "websocket.http.response.start"];
        if starts.iter().any(|it| is_text(&kind, it)) { Self::Start } else { Self::Other }
    }
}

/// The status of a message that starts a response; that of an accepted WebSocket is 101.
fn status_of(message: &Bound<'_, PyDict>) -> u16 {
    const SWITCHING_PROTOCOLS: u16 = 101;
    let status = message.get_item(intern!(message.py(), "status")).ok().flatten();
    status.and_then(|status| status.extract().ok()).unwrap_or(SWITCHING_PROTOCOLS)
}

/// The number at the beginning of a status line.
fn status_of_line(line: &Bound<'_, PyAny>) -> Option<u16> {
    line.cast::<PyString>().ok()?.to_str().ok()?.get(..3)?.parse().ok()
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
pub(crate) struct WsgiPassage {
    pub(crate) passage: Passage,
    pub(crate) gate: Py<PyGate>,
}

#[pymethods]
impl WsgiPassage {
    /// Whether the end of the request matters.
    #[getter]
    fn settles(&self) -> bool {
        self.passage.decision.get().settles()
    }

    /// What the gate decided.
    #[getter]
    fn decision(&self, py: Python<'_>) -> Py<PyDecision> {
        self.passage.decision(py)
    }

    /// The gate that decided.
    #[getter]
    fn gate(&self, py: Python<'_>) -> Py<PyGate> {
        self.gate.clone_ref(py)
    }

    /// The response's status; `None` before it has begun.
    #[getter]
    fn status(&self) -> Option<u16> {
        self.passage.status()
    }

    /// The application's own header fields, as it gave them; `None` before it has begun.
    #[getter]
    fn headers(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.passage.headers(py)
    }

    /// Takes a decision that was made further in for the one whose header fields the response
    /// gets, if it binds more; returns the one that they are of.
    fn consider(&self, decision: &Bound<'_, PyDecision>) -> Py<PyDecision> {
        self.passage.consider(decision)
    }

    fn __bool__(&self) -> bool {
        self.passage.is_open()
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
        let next = self.passage.next.bind(status.py());
        self.passage.begin(status_of_line(status).unwrap_or_default(), headers);
        let merged = self.passage.merged(headers, Protocol::Wsgi)?;
        match exc_info {
            None => call_two(next, [status, &merged]),
            Some(exc_info) => next.call1((status, merged, exc_info)),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.passage.traverse(&visit)
    }
}
