//! A store written in Python, which keeps bytes and knows nothing of limits.

use std::sync::Mutex;

use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    intern,
    prelude::*,
    types::{PyBytes, PyBytesMethods, PyList},
};
use tidegate::{
    Error, Nanos, Store,
    opaque::{self, Write},
};
use tidegate_core::{Adjustment, Charge, Decision};

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

    /// Runs one step as a transaction of the store; the decisions of its last try.
    fn transact(&self, keys: &[String], step: opaque::Step) -> Result<Vec<Decision>, Error> {
        let done = Python::attach(|py| {
            let keys = keys.iter().map(|key| PyBytes::new(py, key.as_bytes()));
            let keys = PyList::new(py, keys.collect::<Vec<_>>())?;
            let step = Bound::new(py, PyStep { step, decided: Mutex::new(None) })?;
            self.object.bind(py).call_method1(intern!(py, "transact"), (keys, &step))?;
            let decided = step.get().decided.lock();
            let decided = decided.map_err(|_| PyRuntimeError::new_err("a step panicked"))?.take();
            decided.ok_or_else(|| {
                let class = &self.class;
                PyRuntimeError::new_err(format!("{class}.transact() did not call `step`"))
            })
        });
        done.map_err(|error: PyErr| Error::Store {
            store: self.class.clone(),
            source: Box::new(error),
        })
    }
}

fn keys_of<'a>(keys: impl Iterator<Item = tidegate_core::Key<'a>>) -> Vec<String> {
    keys.map(|key| tidegate::Name::new(&key).to_string()).collect()
}

impl Store for CustomStore {
    fn name(&self) -> &'static str {
        "custom"
    }

    fn check(
        &self,
        charges: &[Charge<'_>],
        _now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        let keys = keys_of(charges.iter().map(|charge| charge.key));
        decisions.copy_from_slice(&self.transact(&keys, opaque::Step::check(charges))?);
        Ok(())
    }

    fn peek(
        &self,
        charges: &[Charge<'_>],
        _now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        let keys = keys_of(charges.iter().map(|charge| charge.key));
        decisions.copy_from_slice(&self.transact(&keys, opaque::Step::peek(charges))?);
        Ok(())
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>], _now: Nanos) -> Result<(), Error> {
        let keys = keys_of(adjustments.iter().map(|adjustment| adjustment.key));
        self.transact(&keys, opaque::Step::adjust(adjustments)).map(drop)
    }
}

/// What a store calls in its transaction: from the states of the keys, as they are, and the time
/// in nanoseconds since 1970, to what to write.
#[pyclass(frozen, name = "Step", module = "tidegate._native")]
pub(crate) struct PyStep {
    step: opaque::Step,
    decided: Mutex<Option<Vec<Decision>>>,
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
        let applied = self.step.apply(&read, Nanos(now_ns));
        let (decisions, writes) =
            applied.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let mut decided =
            self.decided.lock().map_err(|_| PyRuntimeError::new_err("a step panicked"))?;
        *decided = Some(decisions);
        let write = |write: Write| (PyBytes::new(py, &write.state), write.lives.as_secs_f64());
        Ok(writes.into_iter().map(|found| found.map(write)).collect())
    }
}
