//! `Gate`: what every request passes.

mod admit;
mod configured;
pub(crate) mod decide;
mod enter;
mod keys;
mod live;
mod respond;
mod settle;
mod within;

use std::{collections::HashSet, sync::Arc};

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use tidegate::{Clock, Gate, Rule, address::Trust};

use self::live::Live;

use crate::{
    callers::Callers,
    clock::{self, PyClock},
    convert::ProfileArg,
    errors::from_engine,
    notices::Notices,
    rule::PyRule,
    setup::{networks, resolver, rule_list},
    store::{of_user, stats},
};

/// What every request passes: who is calling, then the rules, all or nothing.
#[pyclass(frozen, weakref, name = "Gate", module = "tidegate")]
pub(crate) struct PyGate {
    live: Arc<Live>,
    /// The rules that Python made; a configuration's are made when they are asked for.
    rules: Vec<Py<PyRule>>,
    /// The one rule that this gate is for, if it is for one.
    only: Option<Arc<str>>,
    clock: Arc<dyn Clock>,
    notices: Arc<Notices>,
    /// When the peer's address is all that it wants to know.
    callers: Option<Callers>,
    /// Whether decisions may have to wait for a server.
    waits: bool,
    /// Whether the store is the user's own, which can only be awaited in a thread.
    is_own: bool,
    /// Known to Python alone, which makes the responses.
    on_breach: Option<Py<PyAny>>,
    template: Option<String>,
}

#[pymethods]
impl PyGate {
    /// Raises `ConfigError` when the rules, the store or the trust make no sense.
    #[new]
    #[pyo3(signature = (
        rules: "collections.abc.Sequence[Rule]",
        *,
        store: "str | tidegate.stores.StateStore | Gate | None" = None,
        trusted_proxies: "collections.abc.Iterable[str] | int | None" = None,
        forwarded_header: "str" = "x-forwarded-for",
        ipv6_prefix: "int" = 64,
        headers: "str | collections.abc.Sequence[str] | None" = None,
        clock: "Clock | None" = None,
        allow: "collections.abc.Iterable[str] | None" = None,
        deny: "collections.abc.Iterable[str] | None" = None,
        on_breach: "collections.abc.Callable[..., typing.Any] | None" = None,
        template: "str | None" = None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "each is a keyword of its own")]
    fn new(
        py: Python<'_>,
        rules: &Bound<'_, PyAny>,
        store: Option<&Bound<'_, PyAny>>,
        trusted_proxies: Option<&Bound<'_, PyAny>>,
        forwarded_header: &str,
        ipv6_prefix: i64,
        headers: Option<ProfileArg>,
        clock: Option<&Bound<'_, PyClock>>,
        allow: Option<&Bound<'_, PyAny>>,
        deny: Option<&Bound<'_, PyAny>>,
        on_breach: Option<Py<PyAny>>,
        template: Option<String>,
    ) -> PyResult<Self> {
        let rules = rule_list(rules)?;
        let clock = clock::choose(clock);
        let (store, is_own) = of_user(store)?;
        let mut builder = Gate::builder()
            .shared_store(store)
            .clock(Arc::clone(&clock))
            .allow(networks("allow", allow)?)
            .deny(networks("deny", deny)?)
            .resolver(resolver(trusted_proxies, forwarded_header, ipv6_prefix)?);
        for rule in &rules {
            builder = builder.rule(rule.get().rule.clone());
        }
        let gate = builder.build().map_err(|error| from_engine(&error))?;
        let (notices, waits) = (Arc::new(Notices::new(gate.store_name())), gate.waits());
        let profile = headers.map(|it| it.0);
        let (live, waits) = (Arc::new(Live::fixed(gate, profile)), is_own || waits);
        let callers =
            if waits { None } else { Callers::new(py, &live.face().gate, profile, &clock) };
        let only = None;
        Ok(Self { live, rules, only, clock, notices, callers, waits, is_own, on_breach, template })
    }

    /// What answers a request that may not go ahead, instead of the gate; `None` for the gate.
    #[getter]
    fn on_breach(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.on_breach.as_ref().map(|callable| callable.clone_ref(py))
    }

    /// The text that such an answer has for a body, with places to fill in; `None` for the gate's.
    #[getter]
    fn template(&self) -> Option<&str> {
        self.template.as_deref()
    }

    /// The rules, in order.
    #[getter]
    fn rules(&self, py: Python<'_>) -> PyResult<Vec<Py<PyRule>>> {
        if !self.live.changes() {
            return Ok(self.rules.iter().map(|rule| rule.clone_ref(py)).collect());
        }
        let is_meant = |rule: &&Rule| self.only.as_ref().is_none_or(|it| **it == *rule.name());
        let face = self.live.face();
        let rules = face.gate.rules().iter().filter(is_meant);
        rules.map(|rule| Py::new(py, PyRule::of_engine(py, rule)?)).collect()
    }

    /// What the rules ask of callables: what it is for, "key", "cost", "limit", "exempt" or
    /// "charge"; a number, counted over all rules for a key and the rule's position otherwise;
    /// the rule's position; and the callable.
    #[getter]
    fn callables(&self, py: Python<'_>) -> Vec<(&'static str, usize, usize, Py<PyAny>)> {
        let (mut all, mut number) = (Vec::new(), 0);
        for (position, rule) in self.rules.iter().enumerate() {
            let rule = rule.get();
            for key in &rule.keys {
                all.push(("key", number, position, key.clone_ref(py)));
                number += 1;
            }
            let others = [
                ("cost", &rule.cost_callable),
                ("limit", &rule.limit_for),
                ("exempt", &rule.exempt_when),
                ("charge", &rule.charge_on),
            ];
            for (kind, callable) in others {
                if let Some(callable) = callable {
                    all.push((kind, position, position, callable.clone_ref(py)));
                }
            }
        }
        all
    }

    /// What adapters have to find out for the rules: "user", "route", "form".
    #[getter]
    fn needs(&self) -> HashSet<&'static str> {
        self.live.face().gate.needs().collect()
    }

    /// Whether anybody is believed about other addresses than the peer's.
    #[getter]
    pub(crate) fn believes(&self) -> bool {
        *self.live.face().gate.resolver().trust() != Trust::Nobody
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
        stats(py, &**self.live.face().gate.store())
    }

    /// Gives back what was paid for in advance, and closes connections. A later request opens
    /// what it needs again.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.live.face().gate.close());
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let rules = PyList::new(py, self.rules(py)?)?;
        Ok(format!("Gate({})", rules.repr()?))
    }
}
