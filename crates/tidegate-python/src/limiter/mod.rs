//! `Limiter`: one rule, and a key that the caller names.

mod decide;
mod keys;
mod quick;

use std::sync::Arc;

use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyDict, PyList, PyString},
};
use tidegate::{Clock, Limiter, Nanos, Rule};

use crate::{
    clock::{self, PyClock},
    convert::{KeyArg, Seconds, Units},
    decision::PyDecision,
    errors::from_engine,
    hub::Made,
    many::Keys,
    notices::Notices,
    origin::Maker,
    ready::{ready, ready_bool},
    rule::parse_limits,
    store::{mode, of_user, stats},
};

/// Limits, and the store that counts. Safe to share between threads and tasks.
#[pyclass(frozen, subclass, name = "Limiter", module = "tidegate._native")]
pub(crate) struct PyLimiter {
    limiter: Limiter,
    clock: Arc<dyn Clock>,
    /// What decisions refer to; with several limits, they hold all that they need.
    maker: Option<Py<Maker>>,
    notices: Notices,
    /// Whether decisions may have to wait for a server.
    waits: bool,
    /// Whether the store is the user's own, which can only be awaited in a thread.
    is_own: bool,
}

#[allow(clippy::needless_pass_by_value, reason = "arguments made by extraction are ours")]
#[pymethods]
impl PyLimiter {
    /// Raises `ConfigError` when the limit or the store makes no sense.
    #[new]
    #[pyo3(signature = (
        limit: "str",
        *,
        name: "str" = "default",
        store: "str | tidegate.stores.StateStore | None" = None,
        on_store_error: "str" = "local",
        lease: "float | datetime.timedelta | None" = None,
        clock: "Clock | None" = None,
    ) -> "typing_extensions.Self")]
    fn new(
        py: Python<'_>,
        limit: &str,
        name: &str,
        store: Option<&Bound<'_, PyAny>>,
        on_store_error: &str,
        lease: Option<Seconds>,
        clock: Option<&Bound<'_, PyClock>>,
    ) -> PyResult<Self> {
        let clock = clock::choose(clock);
        let rule = Rule::new(name, parse_limits(limit)?).on_store_error(mode(on_store_error)?);
        let rule = match lease {
            Some(validity) => rule.lease(validity.0),
            None => rule,
        };
        let (store, is_own) = of_user(store)?;
        let limiter = Limiter::builder()
            .rule(rule)
            .shared_store(store)
            .clock(Arc::clone(&clock))
            .build()
            .map_err(|error| from_engine(&error))?;
        let maker = limiter.one_limit().map(|limit| Maker { limit, clock: Arc::clone(&clock) });
        let maker = maker.map(|maker| Py::new(py, maker)).transpose()?;
        let notices = Notices::new(limiter.store_name());
        let waits = is_own || limiter.waits();
        Ok(Self { limiter, clock, maker, notices, waits, is_own })
    }

    /// The rule's name, which tells its counts from those of others in the same store.
    #[getter]
    fn name(&self) -> &str {
        self.limiter.rules()[0].name()
    }

    /// Whether a decision may have to wait for a server.
    #[getter]
    fn waits(&self) -> bool {
        self.waits
    }

    /// What happened with the store in this process: its name, and for one in a server its
    /// health and counts.
    #[pyo3(signature = () -> "dict[str, str | int]")]
    fn store_stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        stats(py, &**self.limiter.store())
    }

    /// Gives back what was paid for in advance, and closes connections. A later check opens
    /// what it needs again.
    fn close(&self) -> PyResult<()> {
        self.in_peace(|| {
            self.limiter.close();
            Ok(())
        })
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

    /// Decides one request of each key, one after the other, as `check` for each would: a list
    /// with one decision for each key. Faster than so many calls.
    ///
    /// Nothing is taken when any key makes no sense.
    #[pyo3(signature = (keys: "collections.abc.Iterable[str]", *, cost: "int" = Units(1)) -> "list[Decision]")]
    fn check_many(&self, py: Python<'_>, keys: Keys<'_>, cost: Units) -> PyResult<Vec<PyDecision>> {
        self.check_each(py, keys, cost)
    }

    /// Like `check_many`, but tells only whether each request may go ahead.
    #[pyo3(signature = (keys: "collections.abc.Iterable[str]", *, cost: "int" = Units(1)) -> "list[bool]")]
    fn allow_many(&self, keys: Keys<'_>, cost: Units) -> PyResult<Vec<bool>> {
        self.allow_each(&keys, cost)
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
        self.in_peace(|| self.limiter.reset(&key.0))
    }

    /// Gives `cost` units back to `key`, at most until it is full.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "None")]
    fn refund(&self, key: KeyArg<'_>, cost: Units) -> PyResult<()> {
        self.in_peace(|| self.limiter.refund(&key.0, cost.0))
    }

    /// Takes `cost` units from `key` whether or not they are there: a penalty.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "None")]
    fn debit(&self, key: KeyArg<'_>, cost: Units) -> PyResult<()> {
        self.in_peace(|| self.limiter.debit(&key.0, cost.0))
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
        let charged_at = Nanos(charged_at_ns);
        self.in_peace(|| self.limiter.settle(&key.0, reserved.0, actual.0, charged_at))
    }

    /// Nanoseconds by this limiter's clock.
    fn now_ns(&self) -> u64 {
        self.limiter.now().0
    }

    /// `check`, to be awaited. A store in this process answers without suspending.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[Decision]")]
    fn acheck<'py>(&self, key: Bound<'py, PyAny>, cost: Units) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        if !self.waits {
            return ready(self.check(key, cost)?.into_bound_py_any(py)?);
        }
        let text: KeyArg<'_> = key.extract()?;
        if self.is_known(&text, cost) {
            return ready(self.check(key.clone(), cost)?.into_bound_py_any(py)?);
        }
        let owner = key.cast::<PyString>().ok().map(|key| key.clone().unbind());
        let made = Made::Decision { clock: Arc::clone(&self.clock), key: owner, profile: None };
        self.expected(py, &text, cost, made)
    }

    /// `allow`, to be awaited.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[bool]")]
    fn aallow<'py>(
        &self,
        py: Python<'py>,
        key: KeyArg<'_>,
        cost: Units,
    ) -> PyResult<Bound<'py, PyAny>> {
        if !self.waits {
            return ready_bool(py, self.allow(key, cost)?);
        }
        if self.is_known(&key, cost) {
            return ready_bool(py, false);
        }
        self.expected(py, &key, cost, Made::Bool)
    }

    /// `check_many`, to be awaited.
    #[pyo3(signature = (keys: "collections.abc.Iterable[str]", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[list[Decision]]")]
    fn acheck_many<'py>(
        &self,
        py: Python<'py>,
        keys: Keys<'py>,
        cost: Units,
    ) -> PyResult<Bound<'py, PyAny>> {
        ready(PyList::new(py, self.check_each(py, keys, cost)?)?.into_any())
    }

    /// `allow_many`, to be awaited.
    #[pyo3(signature = (keys: "collections.abc.Iterable[str]", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[list[bool]]")]
    fn aallow_many<'py>(
        &self,
        py: Python<'py>,
        keys: Keys<'py>,
        cost: Units,
    ) -> PyResult<Bound<'py, PyAny>> {
        ready(PyList::new(py, self.allow_each(&keys, cost)?)?.into_any())
    }

    /// `peek`, to be awaited.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[Decision]")]
    fn apeek<'py>(&self, key: Bound<'py, PyAny>, cost: Units) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        ready(self.peek(key, cost)?.into_bound_py_any(py)?)
    }

    /// `reset`, to be awaited.
    #[pyo3(signature = (key: "str") -> "collections.abc.Awaitable[None]")]
    fn areset<'py>(&self, py: Python<'py>, key: KeyArg<'_>) -> PyResult<Bound<'py, PyAny>> {
        self.reset(key)?;
        ready(py.None().into_bound(py))
    }

    /// `refund`, to be awaited.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[None]")]
    fn arefund<'py>(
        &self,
        py: Python<'py>,
        key: KeyArg<'_>,
        cost: Units,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.refund(key, cost)?;
        ready(py.None().into_bound(py))
    }

    /// `debit`, to be awaited.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[None]")]
    fn adebit<'py>(
        &self,
        py: Python<'py>,
        key: KeyArg<'_>,
        cost: Units,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.debit(key, cost)?;
        ready(py.None().into_bound(py))
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
