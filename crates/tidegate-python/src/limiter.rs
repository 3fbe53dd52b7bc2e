//! `Limiter`: one rule, and a key that the caller names.

use std::sync::Arc;

use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyBool, PyString},
};
use tidegate::{Clock, Decision, Limiter, Nanos, Rule, open_store};

use crate::{
    clock::{self, PyClock},
    convert::{KeyArg, Units},
    decision::PyDecision,
    errors::from_engine,
    ready::Ready,
    rule::parse_limits,
    switch,
};

/// Limits, and the store that counts. Safe to share between threads and tasks.
#[pyclass(frozen, subclass, name = "Limiter", module = "tidegate._native")]
pub(crate) struct PyLimiter {
    limiter: Limiter,
    clock: Arc<dyn Clock>,
}

impl PyLimiter {
    fn decide(&self, key: &KeyArg<'_>, cost: Units) -> PyResult<Decision> {
        if !switch::is_enabled() {
            return self.switched_off(key);
        }
        // No release of the interpreter: it costs more than the check.
        self.limiter.check_cost(&key.0, cost.0).map_err(|error| from_engine(&error))
    }

    fn look(&self, key: &KeyArg<'_>, cost: Units) -> PyResult<Decision> {
        if !switch::is_enabled() {
            return self.switched_off(key);
        }
        self.limiter.peek(&key.0, cost.0).map_err(|error| from_engine(&error))
    }

    fn switched_off(&self, key: &KeyArg<'_>) -> PyResult<Decision> {
        let decision = self.limiter.peek(&key.0, 0).map_err(|error| from_engine(&error))?;
        Ok(decision.into_allowed())
    }

    fn wrap(&self, decision: Decision, key: Bound<'_, PyAny>) -> PyDecision {
        let key = key.cast_into::<PyString>().ok().map(Bound::unbind);
        PyDecision::new(decision, &self.clock, key)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "arguments made by extraction are ours")]
#[pymethods]
impl PyLimiter {
    /// Raises `ConfigError` when the limit or the store makes no sense.
    #[new]
    #[pyo3(signature = (limit: "str", *, name: "str" = "default", store: "str" = "memory://", clock: "Clock | None" = None) -> "typing_extensions.Self")]
    fn new(
        limit: &str,
        name: &str,
        store: &str,
        clock: Option<&Bound<'_, PyClock>>,
    ) -> PyResult<Self> {
        let clock = clock::choose(clock);
        let limiter = Limiter::builder()
            .rule(Rule::new(name, parse_limits(limit)?))
            .shared_store(open_store(store).map_err(|error| from_engine(&error))?)
            .clock(Arc::clone(&clock))
            .build()
            .map_err(|error| from_engine(&error))?;
        Ok(Self { limiter, clock })
    }

    /// The rule's name, which tells its counts from those of others in the same store.
    #[getter]
    fn name(&self) -> &str {
        self.limiter.rules()[0].name()
    }

    /// The limits, in canonical spelling.
    #[getter]
    fn limit(&self) -> String {
        self.limiter.rules()[0].limits().to_string()
    }

    /// Decides one request of `key` that costs `cost` units, and takes them if it is allowed.
    ///
    /// A cost above what the limit ever lets pass at once is refused with the reason
    /// "never". Raises `ConfigError` for a key or cost that makes no sense.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "Decision")]
    fn check(&self, key: Bound<'_, PyAny>, cost: Units) -> PyResult<PyDecision> {
        let decision = self.decide(&key.extract()?, cost)?;
        Ok(self.wrap(decision, key))
    }

    /// Like `check`, but tells only whether the request may go ahead.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "bool")]
    fn allow(&self, key: KeyArg<'_>, cost: Units) -> PyResult<bool> {
        Ok(self.decide(&key, cost)?.allowed)
    }

    /// Answers as `check` would, and takes nothing.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "Decision")]
    fn peek(&self, key: Bound<'_, PyAny>, cost: Units) -> PyResult<PyDecision> {
        let decision = self.look(&key.extract()?, cost)?;
        Ok(self.wrap(decision, key))
    }

    /// Forgets `key`: it starts again with full quota.
    #[pyo3(signature = (key: "str") -> "None")]
    fn reset(&self, key: KeyArg<'_>) -> PyResult<()> {
        self.limiter.reset(&key.0).map_err(|error| from_engine(&error))
    }

    /// Gives `cost` units back to `key`, at most until it is full.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "None")]
    fn refund(&self, key: KeyArg<'_>, cost: Units) -> PyResult<()> {
        self.limiter.refund(&key.0, cost.0).map_err(|error| from_engine(&error))
    }

    /// Takes `cost` units from `key` whether or not they are there: a penalty.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "None")]
    fn debit(&self, key: KeyArg<'_>, cost: Units) -> PyResult<()> {
        self.limiter.debit(&key.0, cost.0).map_err(|error| from_engine(&error))
    }

    /// Replaces `reserved` units, taken for the time `decision.charged_at_ns`, by the `actual`
    /// cost.
    #[pyo3(signature = (key: "str", *, reserved: "int", actual: "int", charged_at_ns: "int") -> "None")]
    fn settle(
        &self,
        key: KeyArg<'_>,
        reserved: Units,
        actual: Units,
        charged_at_ns: u64,
    ) -> PyResult<()> {
        self.limiter
            .settle(&key.0, reserved.0, actual.0, Nanos(charged_at_ns))
            .map_err(|error| from_engine(&error))
    }

    /// Nanoseconds by this limiter's clock.
    fn now_ns(&self) -> u64 {
        self.limiter.now().0
    }

    /// `check`, to be awaited. A store in this process answers without suspending.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[Decision]")]
    fn acheck(&self, key: Bound<'_, PyAny>, cost: Units) -> PyResult<Ready> {
        let py = key.py();
        Ok(Ready(self.check(key, cost)?.into_py_any(py)?))
    }

    /// `allow`, to be awaited.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[bool]")]
    fn aallow(&self, py: Python<'_>, key: KeyArg<'_>, cost: Units) -> PyResult<Ready> {
        let allowed = self.allow(key, cost)?;
        Ok(Ready(PyBool::new(py, allowed).to_owned().into_any().unbind()))
    }

    /// `peek`, to be awaited.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[Decision]")]
    fn apeek(&self, key: Bound<'_, PyAny>, cost: Units) -> PyResult<Ready> {
        let py = key.py();
        Ok(Ready(self.peek(key, cost)?.into_py_any(py)?))
    }

    /// `reset`, to be awaited.
    #[pyo3(signature = (key: "str") -> "collections.abc.Awaitable[None]")]
    fn areset(&self, py: Python<'_>, key: KeyArg<'_>) -> PyResult<Ready> {
        self.reset(key)?;
        Ok(Ready(py.None()))
    }

    /// `refund`, to be awaited.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[None]")]
    fn arefund(&self, py: Python<'_>, key: KeyArg<'_>, cost: Units) -> PyResult<Ready> {
        self.refund(key, cost)?;
        Ok(Ready(py.None()))
    }

    /// `debit`, to be awaited.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[None]")]
    fn adebit(&self, py: Python<'_>, key: KeyArg<'_>, cost: Units) -> PyResult<Ready> {
        self.debit(key, cost)?;
        Ok(Ready(py.None()))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (limit, name) = (PyString::new(py, &self.limit()), PyString::new(py, self.name()));
        Ok(format!("Limiter({}, name={})", limit.repr()?, name.repr()?))
    }
}

/// The canonical spelling of a limit string. Raises `ConfigError` when it makes no sense.
#[pyfunction]
pub(crate) fn canonical_limit(limit: &str) -> PyResult<String> {
    parse_limits(limit).map(|limits| limits.to_string())
}
