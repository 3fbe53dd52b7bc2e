//! `Gate`: what every request passes.

mod decide;
mod keys;

use std::sync::Arc;

use pyo3::{
    intern,
    prelude::*,
    types::{PyDict, PyList, PyMapping},
};
use tidegate::{Clock, Gate, fields::Profile};

use crate::{
    clock::{self, PyClock},
    convert::{ProfileArg, Units},
    decision::PyDecision,
    errors::from_engine,
    facts::{Given, PyFacts, Source},
    headers::Protocol,
    notices::Notices,
    passage::{AsgiPassage, WsgiPassage},
    refusal::{PyRefusal, WsgiResponse, field_text},
    rule::PyRule,
    setup::{resolver, rule_list},
    store::{of_user, stats},
    visit,
};

/// What every request passes: who is calling, then the rules, all or nothing.
#[pyclass(frozen, name = "Gate", module = "tidegate")]
pub(crate) struct PyGate {
    gate: Arc<Gate>,
    rules: Vec<Py<PyRule>>,
    profile: Profile,
    clock: Arc<dyn Clock>,
    notices: Notices,
    /// Whether decisions may have to wait for a server.
    waits: bool,
    /// Whether the store is the user's own, which can only be awaited in a thread.
    is_own: bool,
}

#[pymethods]
impl PyGate {
    /// Raises `ConfigError` when the rules, the store or the trust make no sense.
    #[new]
    #[pyo3(signature = (
        rules: "collections.abc.Sequence[Rule]",
        *,
        store: "str | tidegate.stores.StateStore | None" = None,
        trusted_proxies: "collections.abc.Iterable[str] | int | None" = None,
        forwarded_header: "str" = "x-forwarded-for",
        ipv6_prefix: "int" = 64,
        headers: "str | collections.abc.Sequence[str]" = ProfileArg::default(),
        clock: "Clock | None" = None,
    ))]
    fn new(
        rules: &Bound<'_, PyAny>,
        store: Option<&Bound<'_, PyAny>>,
        trusted_proxies: Option<&Bound<'_, PyAny>>,
        forwarded_header: &str,
        ipv6_prefix: i64,
        headers: ProfileArg,
        clock: Option<&Bound<'_, PyClock>>,
    ) -> PyResult<Self> {
        let rules = rule_list(rules)?;
        let clock = clock::choose(clock);
        let (store, is_own) = of_user(store)?;
        let mut builder = Gate::builder()
            .shared_store(store)
            .clock(Arc::clone(&clock))
            .resolver(resolver(trusted_proxies, forwarded_header, ipv6_prefix)?);
        for rule in &rules {
            builder = builder.rule(rule.get().rule.clone());
        }
        let gate = builder.build().map_err(|error| from_engine(&error))?;
        let (notices, waits) = (Notices::new(gate.store_name()), gate.waits());
        let (gate, waits) = (Arc::new(gate), is_own || waits);
        Ok(Self { gate, rules, profile: headers.0, clock, notices, waits, is_own })
    }

    /// The rules, in order.
    #[getter]
    fn rules(&self, py: Python<'_>) -> Vec<Py<PyRule>> {
        self.rules.iter().map(|rule| rule.clone_ref(py)).collect()
    }

    /// The rules with a callable for a key: the rule's position, and its callable.
    #[getter]
    fn key_callables(&self, py: Python<'_>) -> Vec<(usize, Py<PyAny>)> {
        let callable = |rule: &Py<PyRule>| Some(rule.get().callable.as_ref()?.clone_ref(py));
        let rules = self.rules.iter().enumerate();
        rules.filter_map(|(index, rule)| Some((index, callable(rule)?))).collect()
    }

    /// Decides the request of an ASGI connection scope, and takes its cost if allowed.
    ///
    /// `receive` is asked for the other end of the socket when the server has put another
    /// address in the scope.
    #[pyo3(signature = (
        scope: "collections.abc.Mapping[str, typing.Any]",
        *,
        receive: "collections.abc.Callable[[], typing.Any] | None" = None,
        keys: "collections.abc.Mapping[int, str] | None" = None,
        address: "str | None" = None,
        cost: "int | None" = None,
    ))]
    fn admit_asgi(
        &self,
        scope: &Bound<'_, PyMapping>,
        receive: Option<&Bound<'_, PyAny>>,
        keys: Option<Bound<'_, PyMapping>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<PyDecision> {
        let facts = PyFacts::new(Source::Asgi(scope, receive), Given { keys, address, cost });
        self.decide(scope.py(), &facts)
    }

    /// Decides as `admit_asgi`, to be awaited. A store in this process answers without suspending.
    #[pyo3(signature = (
        scope: "collections.abc.Mapping[str, typing.Any]",
        *,
        receive: "collections.abc.Callable[[], typing.Any] | None" = None,
        keys: "collections.abc.Mapping[int, str] | None" = None,
        address: "str | None" = None,
        cost: "int | None" = None,
    ) -> "collections.abc.Awaitable[Decision]")]
    fn aadmit_asgi<'py>(
        &self,
        scope: &Bound<'py, PyMapping>,
        receive: Option<&Bound<'py, PyAny>>,
        keys: Option<Bound<'py, PyMapping>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let facts = PyFacts::new(Source::Asgi(scope, receive), Given { keys, address, cost });
        self.expected(scope.py(), &facts)
    }

    /// Decides as `admit_wsgi`, to be awaited.
    #[pyo3(signature = (
        environ: "collections.abc.Mapping[str, typing.Any]",
        *,
        keys: "collections.abc.Mapping[int, str] | None" = None,
        address: "str | None" = None,
        cost: "int | None" = None,
    ) -> "collections.abc.Awaitable[Decision]")]
    fn aadmit_wsgi<'py>(
        &self,
        environ: &Bound<'py, PyMapping>,
        keys: Option<Bound<'py, PyMapping>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let facts = PyFacts::new(Source::Wsgi(environ), Given { keys, address, cost });
        self.expected(environ.py(), &facts)
    }

    /// Decides as `admit`, to be awaited.
    #[pyo3(signature = (
        *,
        keys: "collections.abc.Mapping[int, str] | None" = None,
        address: "str | None" = None,
        cost: "int | None" = None,
    ) -> "collections.abc.Awaitable[Decision]")]
    fn aadmit<'py>(
        &self,
        py: Python<'py>,
        keys: Option<Bound<'py, PyMapping>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.expected(py, &PyFacts::new(Source::Nothing, Given { keys, address, cost }))
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
        stats(py, &**self.gate.store())
    }

    /// Gives back what was paid for in advance, and closes connections. A later request opens
    /// what it needs again.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.gate.close());
    }

    /// Begins what `enter_asgi` does, for a middleware that awaits the decision: true when the
    /// request is counted, and is here for the first time.
    #[pyo3(signature = (scope: "collections.abc.MutableMapping[str, typing.Any]"))]
    fn begin_asgi(slf: &Bound<'_, Self>, scope: &Bound<'_, PyMapping>) -> PyResult<bool> {
        Ok(!visit::is_free_asgi(scope)? && visit::is_first(slf, scope)?)
    }

    /// Ends what `begin_asgi` began.
    #[pyo3(signature = (
        scope: "collections.abc.MutableMapping[str, typing.Any]",
        send: "collections.abc.Callable[[typing.Any], collections.abc.Awaitable[None]]",
        decision: "Decision",
        /,
    ))]
    fn passage_asgi(
        &self,
        scope: &Bound<'_, PyMapping>,
        send: Bound<'_, PyAny>,
        decision: Py<PyDecision>,
    ) -> PyResult<AsgiPassage> {
        scope.set_item(intern!(scope.py(), "tidegate"), &decision)?;
        Ok(AsgiPassage::new(self.passage_of(scope.py(), decision, send)))
    }

    /// Decides the request of a WSGI environment, and takes its cost if allowed.
    #[pyo3(signature = (environ: "collections.abc.Mapping[str, typing.Any]", *, keys: "collections.abc.Mapping[int, str] | None" = None, address: "str | None" = None, cost: "int | None" = None))]
    fn admit_wsgi(
        &self,
        environ: &Bound<'_, PyMapping>,
        keys: Option<Bound<'_, PyMapping>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<PyDecision> {
        let facts = PyFacts::new(Source::Wsgi(environ), Given { keys, address, cost });
        self.decide(environ.py(), &facts)
    }

    /// Decides a call outside any request, and takes its cost if allowed.
    #[pyo3(signature = (*, keys: "collections.abc.Mapping[int, str] | None" = None, address: "str | None" = None, cost: "int | None" = None))]
    fn admit(
        &self,
        py: Python<'_>,
        keys: Option<Bound<'_, PyMapping>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<PyDecision> {
        self.decide(py, &PyFacts::new(Source::Nothing, Given { keys, address, cost }))
    }

    /// The client's address by this gate's trust, from an ASGI connection scope.
    #[pyo3(signature = (
        scope: "collections.abc.Mapping[str, typing.Any]",
        *,
        receive: "collections.abc.Callable[[], typing.Any] | None" = None,
    ))]
    fn address_asgi(
        &self,
        scope: &Bound<'_, PyMapping>,
        receive: Option<&Bound<'_, PyAny>>,
    ) -> String {
        self.address(Source::Asgi(scope, receive))
    }

    /// The client's address by this gate's trust, from a WSGI environment.
    #[pyo3(signature = (environ: "collections.abc.Mapping[str, typing.Any]"))]
    fn address_wsgi(&self, environ: &Bound<'_, PyMapping>) -> String {
        self.address(Source::Wsgi(environ))
    }

    /// Lets the request of an ASGI connection scope in, for a middleware: decides it, and puts
    /// the decision in the scope. `None` for what is not counted: a connection that is no
    /// request, a CORS preflight, and a request that has been here before.
    #[pyo3(signature = (
        scope: "collections.abc.MutableMapping[str, typing.Any]",
        receive: "collections.abc.Callable[[], typing.Any]",
        send: "collections.abc.Callable[[typing.Any], collections.abc.Awaitable[None]]",
        keys: "collections.abc.Mapping[int, str] | None" = None,
        /,
    ))]
    fn enter_asgi(
        slf: &Bound<'_, Self>,
        scope: &Bound<'_, PyMapping>,
        receive: &Bound<'_, PyAny>,
        send: Bound<'_, PyAny>,
        keys: Option<Bound<'_, PyMapping>>,
    ) -> PyResult<Option<AsgiPassage>> {
        if visit::is_free_asgi(scope)? || !visit::is_first(slf, scope)? {
            return Ok(None);
        }
        let given = Given { keys, ..Given::default() };
        let facts = PyFacts::new(Source::Asgi(scope, Some(receive)), given);
        let passage = slf.get().passage(&facts, send)?;
        scope.set_item(intern!(scope.py(), "tidegate"), &passage.decision)?;
        Ok(Some(AsgiPassage::new(passage)))
    }

    /// Lets the request of a WSGI environment in, as `enter_asgi` does.
    #[pyo3(signature = (
        environ: "collections.abc.MutableMapping[str, typing.Any]",
        start_response: "collections.abc.Callable[..., typing.Any]",
        keys: "collections.abc.Mapping[int, str] | None" = None,
        /,
    ))]
    fn enter_wsgi(
        slf: &Bound<'_, Self>,
        environ: &Bound<'_, PyMapping>,
        start_response: Bound<'_, PyAny>,
        keys: Option<Bound<'_, PyMapping>>,
    ) -> PyResult<Option<WsgiPassage>> {
        if visit::is_free_wsgi(environ) || !visit::is_first(slf, environ)? {
            return Ok(None);
        }
        let given = Given { keys, ..Given::default() };
        let facts = PyFacts::new(Source::Wsgi(environ), given);
        let passage = slf.get().passage(&facts, start_response)?;
        environ.set_item(intern!(environ.py(), "tidegate.decision"), &passage.decision)?;
        Ok(Some(WsgiPassage(passage)))
    }

    /// True when `enter_asgi` would decide this connection.
    #[pyo3(signature = (scope: "collections.abc.Mapping[str, typing.Any]"))]
    fn counts_asgi(slf: &Bound<'_, Self>, scope: &Bound<'_, PyMapping>) -> PyResult<bool> {
        Ok(!visit::is_free_asgi(scope)? && !visit::has_passed(slf, scope))
    }

    /// True when `enter_wsgi` would decide this request.
    #[pyo3(signature = (environ: "collections.abc.Mapping[str, typing.Any]"))]
    fn counts_wsgi(slf: &Bound<'_, Self>, environ: &Bound<'_, PyMapping>) -> bool {
        !visit::is_free_wsgi(environ) && !visit::has_passed(slf, environ)
    }

    /// The response to a request that may not go ahead. `accept` is its Accept header field.
    #[pyo3(signature = (decision: "Decision", accept: "str | bytes | None" = None))]
    fn refusal(
        &self,
        py: Python<'_>,
        decision: &PyDecision,
        accept: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyRefusal> {
        let accept = accept.and_then(field_text);
        let (decision, report) = (decision.decision(), self.report());
        PyRefusal::new(py, Protocol::Wsgi, decision, report, accept.as_deref())
    }

    /// The messages that refuse the connection of `scope`.
    #[pyo3(signature = (
        scope: "collections.abc.Mapping[str, typing.Any]",
        decision: "Decision",
    ) -> "list[dict[str, typing.Any]]")]
    fn refusal_asgi<'py>(
        &self,
        scope: &Bound<'py, PyMapping>,
        decision: &PyDecision,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        PyRefusal::asgi(scope, decision.decision(), self.report())
    }

    /// The status line, the header fields and the body that refuse the request of `environ`.
    #[pyo3(signature = (
        environ: "collections.abc.Mapping[str, typing.Any]",
        decision: "Decision",
    ) -> "tuple[str, list[tuple[str, str]], list[bytes]]")]
    fn refusal_wsgi(
        &self,
        environ: &Bound<'_, PyMapping>,
        decision: &PyDecision,
    ) -> PyResult<WsgiResponse> {
        PyRefusal::wsgi(environ, decision.decision(), self.report())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let rules = PyList::new(py, self.rules.iter().map(|rule| rule.clone_ref(py)))?;
        Ok(format!("Gate({})", rules.repr()?))
    }
}
