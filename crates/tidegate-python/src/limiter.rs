//! `Limiter`: one rule, and a key that the caller names.

use std::sync::Arc;

use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyBool, PyList, PyString},
};
use tidegate::{Clock, Decision, Limiter, Nanos, Outcome, Rule, open_store};

use crate::{
    clock::{self, PyClock},
    convert::{KeyArg, MAX_KEY_BYTES, Units},
    decision::{Maker, PyDecision},
    errors::from_engine,
    fastcall::{Plain, Quick},
    many::Keys,
    notices::Notices,
    ready::{ready, ready_bool},
    rule::parse_limits,
    switch,
};

/// Limits, and the store that counts. Safe to share between threads and tasks.
#[pyclass(frozen, subclass, name = "Limiter", module = "tidegate._native")]
pub(crate) struct PyLimiter {
    limiter: Limiter,
    clock: Arc<dyn Clock>,
    /// What decisions refer to; with several limits, they hold all that they need.
    maker: Option<Py<Maker>>,
    notices: Notices,
}

impl PyLimiter {
    /// Warns of workers that count for themselves, before the first decision.
    fn look_around(&self) {
        if !self.notices.is_settled() {
            Python::attach(|py| self.notices.before(py));
        }
    }

    fn decide(&self, key: &KeyArg<'_>, cost: Units) -> PyResult<Decision> {
        self.look_around();
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

    fn check_each(&self, py: Python<'_>, keys: Keys<'_>, cost: Units) -> PyResult<Vec<PyDecision>> {
        self.look_around();
        let bytes = keys.bytes()?;
        if let (Some(maker), true) = (&self.maker, switch::is_enabled()) {
            let outcomes = self.limiter.outcome_many(&bytes, cost.0);
            let outcomes = outcomes.map_err(|error| from_engine(&error))?;
            drop(bytes);
            let pairs = outcomes.into_iter().zip(keys.into_strs()?);
            let short = |(outcome, key)| PyDecision::short(outcome, maker.clone_ref(py), key);
            return Ok(pairs.map(short).collect());
        }
        let decisions =
            bytes.iter().map(|key| self.decide(key, cost)).collect::<PyResult<Vec<_>>>();
        let decisions = decisions?;
        drop(bytes);
        let pairs = decisions.into_iter().zip(keys.into_strs()?);
        let whole = |(decision, key)| PyDecision::new(decision, &self.clock, Some(key));
        Ok(pairs.map(whole).collect())
    }

    fn allow_each(&self, keys: &Keys<'_>, cost: Units) -> PyResult<Vec<bool>> {
        self.look_around();
        let bytes = keys.bytes()?;
        if !switch::is_enabled() {
            return Ok(vec![true; bytes.len()]);
        }
        self.limiter.allow_many(&bytes, cost.0).map_err(|error| from_engine(&error))
    }
}

/// The calls that the interpreter passes on as they lie on its stack.
impl PyLimiter {
    /// Whether a call with this key can be answered at once.
    #[inline]
    fn is_quick(call: &Plain<'_, '_>) -> bool {
        (1..=MAX_KEY_BYTES).contains(&call.text.len())
            && switch::is_enabled()
            && call.limiter.get().notices.is_settled()
    }

    #[inline]
    fn quick_bool(call: &Plain<'_, '_>) -> Quick<bool> {
        if !Self::is_quick(call) {
            return Quick::Behind;
        }
        match call.limiter.get().limiter.allow_cost(call.text, call.cost) {
            Ok(allowed) => Quick::Done(allowed),
            Err(error) => Quick::failed(from_engine(&error)),
        }
    }

    #[inline]
    pub(crate) fn quick_allow<'py>(call: &Plain<'_, 'py>) -> Quick<Bound<'py, PyAny>> {
        match Self::quick_bool(call) {
            Quick::Done(allowed) => {
                Quick::Done(PyBool::new(call.key.py(), allowed).to_owned().into_any())
            }
            Quick::Failed(error) => Quick::Failed(error),
            Quick::Behind => Quick::Behind,
        }
    }

    #[inline]
    pub(crate) fn quick_check<'py>(call: &Plain<'_, 'py>) -> Quick<Bound<'py, PyAny>> {
        let (py, limiter) = (call.key.py(), call.limiter.get());
        let Some(maker) = limiter.maker.as_ref().filter(|_| Self::is_quick(call)) else {
            return Quick::Behind;
        };
        let mut outcome = Outcome::UNDECIDED;
        if let Err(error) = limiter.limiter.outcome_into(&mut outcome, call.text, call.cost) {
            return Quick::failed(from_engine(&error));
        }
        let key = call.key.to_owned().unbind();
        match Bound::new(py, PyDecision::short(outcome, maker.clone_ref(py), key)) {
            Ok(decision) => Quick::Done(decision.into_any()),
            Err(error) => Quick::failed(error),
        }
    }

    #[inline]
    pub(crate) fn quick_aallow<'py>(call: &Plain<'_, 'py>) -> Quick<Bound<'py, PyAny>> {
        match Self::quick_bool(call) {
            Quick::Done(allowed) => ready_bool(call.key.py(), allowed).into(),
            Quick::Failed(error) => Quick::Failed(error),
            Quick::Behind => Quick::Behind,
        }
    }

    #[inline]
    pub(crate) fn quick_acheck<'py>(call: &Plain<'_, 'py>) -> Quick<Bound<'py, PyAny>> {
        match Self::quick_check(call) {
            Quick::Done(decision) => ready(decision).into(),
            other => other,
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "arguments made by extraction are ours")]
#[pymethods]
impl PyLimiter {
    /// Raises `ConfigError` when the limit or the store makes no sense.
    #[new]
    #[pyo3(signature = (limit: "str", *, name: "str" = "default", store: "str" = "memory://", clock: "Clock | None" = None) -> "typing_extensions.Self")]
    fn new(
        py: Python<'_>,
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
        let maker = limiter.one_limit().map(|limit| Maker { limit, clock: Arc::clone(&clock) });
        let maker = maker.map(|maker| Py::new(py, maker)).transpose()?;
        let notices = Notices::new(limiter.store_name());
        Ok(Self { limiter, clock, maker, notices })
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
    fn acheck<'py>(&self, key: Bound<'py, PyAny>, cost: Units) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        ready(self.check(key, cost)?.into_bound_py_any(py)?)
    }

    /// `allow`, to be awaited.
    #[pyo3(signature = (key: "str", *, cost: "int" = Units(1)) -> "collections.abc.Awaitable[bool]")]
    fn aallow<'py>(
        &self,
        py: Python<'py>,
        key: KeyArg<'_>,
        cost: Units,
    ) -> PyResult<Bound<'py, PyAny>> {
        ready_bool(py, self.allow(key, cost)?)
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
