//! How decisions that a thread brings get to an event loop.
//!
//! Every loop has a hub: a list of decisions that have come, and a socket that wakes the loop.
//! The thread that brings a decision leaves it in the list, and wakes the loop if the list was
//! empty; it never touches Python. The loop then hands out all that has come. So one wake-up
//! serves as many decisions as have come meanwhile.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    os::{fd::AsRawFd as _, unix::net::UnixStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pyo3::{
    exceptions::PyRuntimeError,
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyBool, PyCFunction, PyDict, PyString, PyTuple, PyWeakrefReference},
};
use tidegate::{Clock, Decided, Decision, Error, Outcome, fields::Profile};

use crate::{decision::PyDecision, errors::from_engine, fastcall::call_method, origin::Maker};

/// The hub of one event loop.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct Hub {
    inbox: Arc<Inbox>,
    waiting: Mutex<Waiting>,
}

/// Where threads leave decisions.
struct Inbox {
    come: Mutex<Vec<(usize, News)>>,
    /// What a thread rings, and where the loop listens. Both ends are here, so that there is
    /// somebody to ring for whatever becomes of the loop: to write to nobody is a signal, which
    /// may end the process.
    ring: UnixStream,
    bell: UnixStream,
}

/// A decision on its way, as much of it as is wanted: what is moved from one list to the next
/// had better be small.
enum News {
    Short(Outcome),
    Whole(Result<Box<Decision>, Box<Error>>),
}

impl News {
    fn of(decided: Result<Decision, Error>, is_short: bool) -> Self {
        match decided {
            // Without the store, a decision is more than its outcome.
            Ok(decision) if is_short && !decision.degraded => Self::Short(decision.outcome()),
            decided => Self::Whole(decided.map(Box::new).map_err(Box::new)),
        }
    }
}

/// Those whose decision has not come, by the number of their question. A number is free again
/// when its decision has come.
#[derive(Default)]
struct Waiting {
    waiters: Vec<Option<Waiter>>,
    free: Vec<usize>,
}

impl Waiting {
    fn add(&mut self, waiter: Waiter) -> usize {
        let waiter = Some(waiter);
        if let Some(number) = self.free.pop() {
            self.waiters[number] = waiter;
            return number;
        }
        self.waiters.push(waiter);
        self.waiters.len() - 1
    }

    fn take(&mut self, number: usize) -> Option<Waiter> {
        let waiter = self.waiters.get_mut(number)?.take()?;
        self.free.push(number);
        Some(waiter)
    }
}

/// Who waits for a decision, and what becomes of it.
struct Waiter {
    future: Py<PyAny>,
    made: Made,
}

/// What a caller wants to be told.
pub(crate) enum Made {
    /// Yes or no.
    Bool,
    /// The decision under one limit.
    Short { maker: Py<Maker>, key: Py<PyString> },
    /// The decision, with what belongs to it in Python.
    Decision { clock: Arc<dyn Clock>, key: Option<Py<PyString>>, profile: Option<Profile> },
}

impl Made {
    pub(crate) fn make(
        self,
        py: Python<'_>,
        decided: Result<Decision, Error>,
    ) -> PyResult<Bound<'_, PyAny>> {
        let decision = decided.map_err(|error| from_engine(&error))?;
        match self {
            Self::Bool => Ok(PyBool::new(py, decision.allowed).to_owned().into_any()),
            Self::Short { maker, key } => {
                let decision = PyDecision::new(decision, &maker.get().clock, Some(key));
                Ok(Bound::new(py, decision)?.into_any())
            }
            Self::Decision { clock, key, profile } => {
                let decision = PyDecision::new(decision, &clock, key).shown_in(profile);
                Ok(Bound::new(py, decision)?.into_any())
            }
        }
    }

    /// Whether a decision's outcome is all that it takes.
    fn is_short(&self) -> bool {
        matches!(self, Self::Bool | Self::Short { .. })
    }

    fn make_of(self, py: Python<'_>, news: News) -> PyResult<Bound<'_, PyAny>> {
        match (self, news) {
            (made, News::Whole(decided)) => made.make(py, decided.map(|it| *it).map_err(|it| *it)),
            (Self::Bool, News::Short(outcome)) => {
                Ok(PyBool::new(py, outcome.is_allowed()).to_owned().into_any())
            }
            (Self::Short { maker, key }, News::Short(outcome)) => {
                Ok(Bound::new(py, PyDecision::short(outcome, maker, key))?.into_any())
            }
            // Nobody asks for an outcome that cannot do with one; see `is_short`.
            (Self::Decision { .. }, News::Short(_)) => {
                Err(PyRuntimeError::new_err("a decision came without its limits"))
            }
        }
    }
}

impl Inbox {
    fn leave(&self, number: usize, news: News) {
        let mut come = self.come.lock().unwrap_or_else(PoisonError::into_inner);
        come.push((number, news));
        let is_first = come.len() == 1;
        drop(come);
        if is_first {
            // Full means that the loop has been woken and has not come yet.
            let _ = (&self.ring).write(&[1]);
        }
    }
}

#[pymethods]
impl Hub {
    /// Hands out the decisions that have come. Called by the loop when the bell rings.
    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        let mut rings = [0; 64];
        loop {
            match (&self.inbox.bell).read(&mut rings) {
                Ok(0) => break,
                Ok(count) if count < rings.len() => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let come = {
            let mut come = self.inbox.come.lock().unwrap_or_else(PoisonError::into_inner);
            // As many will come again.
            let room = Vec::with_capacity(come.len());
            std::mem::replace(&mut *come, room)
        };
        for (number, news) in come {
            let waiter = self.waiting().take(number);
            if let Some(waiter) = waiter {
                finish(py, waiter, news)?;
            }
        }
        Ok(())
    }
}

/// Resolves a future, unless its task was cancelled.
fn finish(py: Python<'_>, waiter: Waiter, news: News) -> PyResult<()> {
    let future = waiter.future.bind(py);
    let told = match waiter.made.make_of(py, news) {
        Ok(answer) => call_method(future, intern!(py, "set_result"), &answer),
        Err(error) => future.call_method1(intern!(py, "set_exception"), (error,)),
    };
    match told {
        // Asked only now: nearly every future is still open.
        Err(_) if future.call_method0(intern!(py, "done"))?.is_truthy()? => Ok(()),
        told => told.map(drop),
    }
}

impl Hub {
    fn new() -> std::io::Result<Self> {
        let (bell, ring) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ring.set_nonblocking(true)?;
        let inbox = Arc::new(Inbox { come: Mutex::default(), ring, bell });
        Ok(Self { inbox, waiting: Mutex::default() })
    }

    /// The hub of the running event loop, and the loop.
    pub(crate) fn of_running_loop(py: Python<'_>) -> PyResult<(Bound<'_, Self>, Bound<'_, PyAny>)> {
        static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let running = RUNNING.import(py, "asyncio", "get_running_loop")?.call0()?;
        if let Some(hub) = last_hub(py, &running) {
            return Ok((hub, running));
        }
        let hub = Self::find(py, &running)?;
        remember(&running, &hub);
        Ok((hub, running))
    }

    /// The hub of `running`, kept for as long as the loop is.
    fn find<'py>(py: Python<'py>, running: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        static HUBS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let make =
            || py.import("weakref")?.getattr("WeakKeyDictionary")?.call0().map(Bound::unbind);
        let hubs = HUBS.get_or_try_init(py, make)?.bind(py);
        let known = hubs.call_method1(intern!(py, "get"), (running,))?;
        if let Ok(hub) = known.cast_into::<Self>() {
            return Ok(hub);
        }
        forget_closed(hubs)?;
        let hub = Bound::new(py, Self::new()?)?;
        let descriptor = hub.get().inbox.bell.as_raw_fd();
        let drain = hub.getattr(intern!(py, "drain"))?;
        running.call_method1(intern!(py, "add_reader"), (descriptor, drain))?;
        hubs.set_item(running, &hub)?;
        Ok(hub)
    }

    /// A future of `running`, and what a thread is to call with the decision.
    pub(crate) fn expect<'py>(
        &self,
        running: &Bound<'py, PyAny>,
        made: Made,
    ) -> PyResult<(Bound<'py, PyAny>, Expected)> {
        let future = running.call_method0(intern!(running.py(), "create_future"))?;
        let is_short = made.is_short();
        let waiter = Waiter { future: future.clone().unbind(), made };
        let number = self.waiting().add(waiter);
        Ok((future, Expected { inbox: Arc::clone(&self.inbox), number, is_short }))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of the hubs of loops that are closed. Those that still expected decisions would stay
/// for ever: a hub refers to its futures, and these to their loop.
fn forget_closed(hubs: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = hubs.py();
    for running in
        hubs.call_method0(intern!(py, "keys"))?.try_iter()?.collect::<PyResult<Vec<_>>>()?
    {
        if running.call_method0(intern!(py, "is_closed"))?.is_truthy()? {
            hubs.call_method1(intern!(py, "pop"), (running, py.None()))?;
        }
    }
    Ok(())
}

/// A decision that a loop waits for.
pub(crate) struct Expected {
    inbox: Arc<Inbox>,
    number: usize,
    is_short: bool,
}

impl Expected {
    /// What to call with the decision, from any thread.
    pub(crate) fn into_done(self) -> Decided {
        Box::new(move |decided| self.inbox.leave(self.number, News::of(decided, self.is_short)))
    }
}

/// Does `work` in the loop's pool of threads, with the interpreter released.
pub(crate) fn in_executor(
    running: &Bound<'_, PyAny>,
    work: impl FnOnce() + Send + 'static,
) -> PyResult<()> {
    let py = running.py();
    let work = Mutex::new(Some(work));
    let call = move |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
        let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(work) = work {
            arguments.py().detach(work);
        }
    };
    let call = PyCFunction::new_closure(py, None, None, call)?;
    running.call_method1(intern!(py, "run_in_executor"), (py.None(), call))?;
    Ok(())
}

/// The loop that was asked for last, and its hub: nearly always the same again.
static LAST: Mutex<Option<(Py<PyWeakrefReference>, Py<Hub>)>> = Mutex::new(None);

fn last_hub<'py>(py: Python<'py>, running: &Bound<'py, PyAny>) -> Option<Bound<'py, Hub>> {
    let last = LAST.try_lock().ok()?;
    let (known, hub) = last.as_ref()?;
    let is_same = known.bind(py).upgrade().is_some_and(|known| known.is(running));
    is_same.then(|| hub.bind(py).clone())
}

fn remember(running: &Bound<'_, PyAny>, hub: &Bound<'_, Hub>) {
    let Ok(weak) = PyWeakrefReference::new(running) else { return };
    let new = Some((weak.unbind(), hub.clone().unbind()));
    if let Ok(mut last) = LAST.try_lock() {
        let old = std::mem::replace(&mut *last, new);
        drop(last);
        // Not under the lock: what is let go may run Python code.
        drop(old);
    }
}
