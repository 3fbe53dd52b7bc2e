//! A store written in Python, which keeps bytes and knows nothing of limits.

use std::sync::Mutex;

use pyo3::{
    exceptions::{PyException, PyRuntimeError, PyValueError},
    intern,
    prelude::*,
    types::{PyBytes, PyBytesMethods, PyList},
};
use tidegate::{
    Name, Nanos, RemoteError, StateStore,
    opaque::{self, Write},
};
use tidegate_core::Decision;

const NAME: &str = "custom";

/// A Python object with a method `transact`.
pub(crate) struct CustomStore {
    object: Py<PyAny>,
    /// The name of its class, for messages.
    class: String,
}

impl CustomStore {
    /// Wraps `object`; `None` when it has no such method.
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if !object.hasattr(intern!(object.py(), "transact"))? {
            return Ok(None);
        }
        let class = object.get_type().name()?.to_string();
        Ok(Some(Self { object: object.clone().unbind(), class }))
    }

    /// What it means that `transact` ended with `error`.
    fn raised(&self, py: Python<'_>, error: &PyErr) -> RemoteError {
        let reason = format!("{}.transact() raised {error}", self.class);
        // Not an error of the store, but the end of the program, or of a task.
        if error.is_instance_of::<PyException>(py) {
            RemoteError::Unavailable { store: NAME, reason }
        } else {
            RemoteError::Contract { store: NAME, reason }
        }
    }

    fn broken(&self, what: &str) -> RemoteError {
        RemoteError::Contract { store: NAME, reason: format!("{}.transact() {what}", self.class) }
    }
}

impl StateStore for CustomStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn transact(
        &self,
        names: &[Name],
        step: &opaque::Step,
    ) -> Result<(Vec<Decision>, Nanos), RemoteError> {
        Python::attach(|py| {
            let call = || {
                let keys = names.iter().map(|name| PyBytes::new(py, name.as_ref()));
                let keys = PyList::new(py, keys.collect::<Vec<_>>())?;
                let step = Bound::new(py, PyStep { step: step.clone(), last: Mutex::default() })?;
                let done =
                    self.object.bind(py).call_method1(intern!(py, "transact"), (keys, &step));
                Ok((done.map(drop), step))
            };
            let (done, step) = call().map_err(|error: PyErr| self.raised(py, &error))?;
            let last =
                step.get().last.lock().map_or(Last::Nothing, |mut last| std::mem::take(&mut *last));
            match (done, last) {
                // Whatever it made of that: no mode is to hide states that cannot be read.
                (_, Last::Refused(reason)) => Err(self.broken(&format!("gave {reason}"))),
                (Err(error), _) => Err(self.raised(py, &error)),
                (Ok(()), Last::Decided(decisions, now)) => Ok((decisions, now)),
                (Ok(()), Last::Nothing) => Err(self.broken("did not call `step`")),
            }
        })
    }
}

/// What a store calls in its transaction: from the states of the keys, as they are, and the time
/// in nanoseconds since 1970, to what to write.
#[pyclass(frozen, name = "Step", module = "tidegate._native")]
pub(crate) struct PyStep {
    step: opaque::Step,
    last: Mutex<Last>,
}

/// What came of the last call of a step.
#[derive(Default)]
enum Last {
    #[default]
    Nothing,
    Decided(Vec<Decision>, Nanos),
    Refused(String),
}

/// A state to write, and for how many seconds it means something.
type Written<'py> = (Bound<'py, PyBytes>, f64);

#[allow(clippy::needless_pass_by_value, reason = "arguments made by extraction are ours")]
#[pymethods]
impl PyStep {
    /// For each key what to write, and for how many seconds it means something; `None` where
    /// nothing changes. Has no effect of its own: a transaction that is repeated calls it again.
    #[pyo3(signature = (
        states: "collections.abc.Sequence[bytes | None]",
        now_ns: "int",
    ) -> "list[tuple[bytes, float] | None]")]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        states: Vec<Option<Bound<'py, PyBytes>>>,
        now_ns: u64,
    ) -> PyResult<Vec<Option<Written<'py>>>> {
        let read: Vec<Option<&[u8]>> =
            states.iter().map(|state| state.as_ref().map(PyBytesMethods::as_bytes)).collect();
        let panicked = |_| PyRuntimeError::new_err("a step panicked");
        let mut last = self.last.lock().map_err(panicked)?;
        let (decisions, writes) = match self.step.apply(&read, Nanos(now_ns)) {
            Ok(applied) => applied,
            Err(error) => {
                *last = Last::Refused(error.to_string());
                return Err(PyValueError::new_err(error.to_string()));
            }
        };
        *last = Last::Decided(decisions, Nanos(now_ns));
        let write = |write: Write| (PyBytes::new(py, &write.state), write.lives.as_secs_f64());
        Ok(writes.into_iter().map(|found| found.map(write)).collect())
    }
}
