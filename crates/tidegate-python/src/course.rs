//! An admitted request on its way through an ASGI application: what the server awaits.
//!
//! It goes on as the application's own coroutine does. When that has ended, the note about the
//! request is taken back; and where the end matters, the middleware has the last word. Python's
//! own coroutine would do the same, for the price of a frame on every step.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::{PyGeneratorExit, PyRuntimeError, PyStopIteration, PyTypeError},
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyMapping, PyTuple, PyType, iterator::PySendResult},
};

use crate::{
    entry::AsgiEntry, errors::RateLimitExceeded, fastcall::send, noted::Note, passage::AsgiPassage,
};

/// Where one request is.
pub(crate) struct Course {
    entry: Py<AsgiEntry>,
    scope: Py<PyMapping>,
    receive: Py<PyAny>,
    stage: Mutex<Stage>,
}

enum Stage {
    /// Nobody has awaited it.
    Ahead,
    /// What is awaited: the application, or, without a note, the middleware at the end.
    Running(Py<PyAny>, Option<Note>),
    Over,
}

impl Course {
    pub(crate) fn new(
        entry: &Bound<'_, AsgiEntry>,
        scope: &Bound<'_, PyMapping>,
        receive: &Bound<'_, PyAny>,
    ) -> Self {
        let (entry, scope) = (entry.clone().unbind(), scope.clone().unbind());
        let (receive, stage) = (receive.clone().unbind(), Mutex::new(Stage::Ahead));
        Self { entry, scope, receive, stage }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is awaited now. `None` when everything has ended.
    fn awaited<'py>(
        &self,
        passage: &Bound<'py, AsgiPassage>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = passage.py();
        match &*self.stage() {
            Stage::Ahead => {}
            Stage::Running(awaited, _) => return Ok(Some(awaited.bind(py).clone())),
            Stage::Over => return Ok(None),
        }
        self.begun(passage)
    }

    /// Calls the application.
    // Not inlined, and neither is `ended`: what they need of the stack would lie below every step
    // of the application, which would run on lines that nobody else has touched.
    #[inline(never)]
    fn begun<'py>(&self, passage: &Bound<'py, AsgiPassage>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = passage.py();
        // Not under the lock of the stage: the application may come back here.
        let (scope, receive) = (self.scope.bind(py), self.receive.bind(py));
        match self.entry.get().call(scope, receive, passage) {
            Ok((awaited, note)) => {
                *self.stage() = Stage::Running(awaited.clone().unbind(), Some(note));
                Ok(Some(awaited))
            }
            Err(error) => {
                *self.stage() = Stage::Over;
                self.last_word(passage, Some(error))
            }
        }
    }

    /// Follows up the end of what was awaited: returns what is to be awaited then, if anything.
    #[inline(never)]
    fn ended<'py>(
        &self,
        passage: &Bound<'py, AsgiPassage>,
        error: Option<PyErr>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let ended = std::mem::replace(&mut *self.stage(), Stage::Over);
        let Stage::Running(_, Some(note)) = ended else {
            return error.map_or(Ok(None), Err);
        };
        note.forget(passage.py());
        passage.get().let_go(passage.py())?;
        self.last_word(passage, error)
    }

    /// What the middleware awaits at the end, if the end matters.
    fn last_word<'py>(
        &self,
        passage: &Bound<'py, AsgiPassage>,
        error: Option<PyErr>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = passage.py();
        let (scope, receive) = (self.scope.bind(py), self.receive.bind(py));
        let is_refusal =
            error.as_ref().is_some_and(|error| error.is_instance_of::<RateLimitExceeded>(py));
        if !is_refusal && !scope.contains(intern!(py, "tidegate.ends"))? {
            return error.map_or(Ok(None), Err);
        }
        let next = passage.get().next(py);
        let end = self.entry.get().end(py).call1((scope, receive, next, passage, error))?;
        let awaited = iterator_of(end)?;
        *self.stage() = Stage::Running(awaited.clone().unbind(), None);
        Ok(Some(awaited))
    }

    /// Goes on by `step`, and then by sending nothing. Returns what was yielded; `None` at the
    /// end.
    fn go_on<'py>(
        &self,
        passage: &Bound<'py, AsgiPassage>,
        step: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<PySendResult<'py>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(awaited) = self.awaited(passage)? else { return Ok(None) };
        let mut went = step(&awaited);
        loop {
            let error = match went {
                Ok(PySendResult::Next(yielded)) => return Ok(Some(yielded)),
                Ok(PySendResult::Return(_)) => None,
                Err(error) => Some(error),
            };
            let Some(next) = self.ended(passage, error)? else { return Ok(None) };
            went = send(&next, passage.py().None().bind(passage.py()));
        }
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.entry)?;
        visit.call(&self.scope)?;
        visit.call(&self.receive)?;
        // The collector runs between two steps of Python's, and none of them holds the lock.
        match self.stage.try_lock().as_deref() {
            Ok(Stage::Running(awaited, _)) => visit.call(awaited),
            _ => Ok(()),
        }
    }

    pub(crate) fn clear(&self) {
        let stage = std::mem::replace(&mut *self.stage(), Stage::Over);
        // Not under the lock: what is let go may run Python code.
        drop(stage);
    }
}

/// What steps are sent to.
pub(crate) fn iterator_of(awaitable: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    static COROUTINE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static GENERATOR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let (py, kind) = (awaitable.py(), awaitable.get_type());
    if kind.is(COROUTINE.import(py, "types", "CoroutineType")?)
        || kind.is(GENERATOR.import(py, "types", "GeneratorType")?)
    {
        return Ok(awaitable);
    }
    let Some(begin) = awaitable.getattr_opt(intern!(py, "__await__"))? else {
        let kind = kind.name()?;
        let message = format!("object {kind} can't be used in 'await' expression");
        return Err(PyTypeError::new_err(message));
    };
    begin.call0()
}

#[pymethods]
impl AsgiPassage {
    const fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let none = slf.py().None();
        slf.get().course()?.go_on(slf, |awaited| send(awaited, none.bind(slf.py())))
    }

    /// Goes on with the request, as a coroutine does.
    #[pyo3(name = "send", signature = (value: "typing.Any", /) -> "typing.Any")]
    fn send_value<'py>(
        slf: &Bound<'py, Self>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let yielded = slf.get().course()?.go_on(slf, |awaited| send(awaited, value))?;
        yielded.ok_or_else(|| PyStopIteration::new_err(()))
    }

    /// Raises an exception where the request is, as a coroutine does.
    #[pyo3(signature = (*exception: "typing.Any") -> "typing.Any")]
    fn throw<'py>(
        slf: &Bound<'py, Self>,
        exception: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let yielded = slf.get().course()?.go_on(slf, |awaited| throw(awaited, exception))?;
        yielded.ok_or_else(|| PyStopIteration::new_err(()))
    }

    /// Ends the request where it is, as a coroutine does.
    fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let course = slf.get().course()?;
        if matches!(&*course.stage(), Stage::Ahead) {
            course.clear();
        }
        let exception = PyTuple::new(py, [py.get_type::<PyGeneratorExit>()])?;
        match course.go_on(slf, |awaited| throw(awaited, &exception)) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(PyRuntimeError::new_err("coroutine ignored GeneratorExit")),
            Err(error) if error.is_instance_of::<PyGeneratorExit>(py) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Raises an exception in what is awaited. What knows no exceptions ends by it.
fn throw<'py>(
    awaited: &Bound<'py, PyAny>,
    exception: &Bound<'py, PyTuple>,
) -> PyResult<PySendResult<'py>> {
    let py = awaited.py();
    match awaited.call_method1(intern!(py, "throw"), exception) {
        Ok(yielded) => Ok(PySendResult::Next(yielded)),
        Err(error) if error.is_instance_of::<PyStopIteration>(py) => {
            Ok(PySendResult::Return(py.None().into_bound(py)))
        }
        Err(error) => Err(error),
    }
}
