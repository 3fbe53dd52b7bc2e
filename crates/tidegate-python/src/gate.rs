//! `Gate`: what every request passes.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use pyo3::{
    prelude::*,
    types::{PyBool, PyBytes, PyInt, PyList, PyMapping, PySequence, PyString},
};
use tidegate::{
    Clock, Decision, Gate,
    address::{ForwardedHeader, Resolver, Trust},
    fields::Profile,
    open_store,
};

use crate::{
    clock::{self, PyClock},
    convert::{ProfileArg, Units},
    decision::PyDecision,
    errors::{ConfigError, expect, from_engine, wrong_type, wrong_value},
    facts::{Given, PyFacts, Source},
    refusal::PyRefusal,
    rule::PyRule,
    switch,
};

/// What every request passes: who is calling, then the rules, all or nothing.
#[pyclass(frozen, name = "Gate", module = "tidegate")]
pub(crate) struct PyGate {
    gate: Gate,
    rules: Vec<Py<PyRule>>,
    profile: Profile,
    clock: Arc<dyn Clock>,
    ignored: Ignored,
}

/// Whether a forwarding header field was disregarded, and whether that was told.
#[derive(Default)]
struct Ignored {
    /// Set once; read on every request, so not part of the lock.
    seen: AtomicBool,
    /// The peer that sent it, until somebody asks.
    peer: Mutex<Option<String>>,
}

impl Ignored {
    fn note(&self, decision: &Decision) {
        let Some(client) = decision.client.as_ref().filter(|client| client.ignored) else { return };
        if !self.seen.swap(true, Ordering::Relaxed) {
            let mut peer = self.peer.lock().unwrap_or_else(PoisonError::into_inner);
            *peer = Some(client.address.to_string());
        }
    }
}

impl PyGate {
    fn decide(&self, facts: &PyFacts<'_>) -> PyResult<PyDecision> {
        let decision = if switch::is_enabled() {
            self.gate.admit(facts)
        } else {
            self.gate.peek(facts).map(Decision::into_allowed)
        };
        let decision = decision.map_err(|error| from_engine(&error))?;
        self.ignored.note(&decision);
        Ok(PyDecision::new(decision, &self.clock, None))
    }

    fn address(&self, source: Source<'_>) -> String {
        let given = Given { keys: None, address: None, cost: None };
        self.gate.identify(&PyFacts::new(source, given)).address.to_string()
    }
}

#[pymethods]
impl PyGate {
    /// Raises `ConfigError` when the rules, the store or the trust make no sense.
    #[new]
    #[pyo3(signature = (
        rules: "collections.abc.Sequence[Rule]",
        *,
        store: "str" = "memory://",
        trusted_proxies: "collections.abc.Iterable[str] | int | None" = None,
        forwarded_header: "str" = "x-forwarded-for",
        ipv6_prefix: "int" = 64,
        headers: "str | collections.abc.Sequence[str]" = ProfileArg::default(),
        clock: "Clock | None" = None,
    ))]
    fn new(
        rules: &Bound<'_, PyAny>,
        store: &str,
        trusted_proxies: Option<&Bound<'_, PyAny>>,
        forwarded_header: &str,
        ipv6_prefix: i64,
        headers: ProfileArg,
        clock: Option<&Bound<'_, PyClock>>,
    ) -> PyResult<Self> {
        let rules = rule_list(rules)?;
        let clock = clock::choose(clock);
        let mut builder = Gate::builder()
            .shared_store(open_store(store).map_err(|error| from_engine(&error))?)
            .clock(Arc::clone(&clock))
            .resolver(resolver(trusted_proxies, forwarded_header, ipv6_prefix)?);
        for rule in &rules {
            builder = builder.rule(rule.get().rule.clone());
        }
        let gate = builder.build().map_err(|error| from_engine(&error))?;
        Ok(Self { gate, rules, profile: headers.0, clock, ignored: Ignored::default() })
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
        scope: Bound<'_, PyMapping>,
        receive: Option<Bound<'_, PyAny>>,
        keys: Option<Bound<'_, PyMapping>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<PyDecision> {
        self.decide(&PyFacts::new(Source::Asgi(scope, receive), Given { keys, address, cost }))
    }

    /// Decides the request of a WSGI environment, and takes its cost if allowed.
    #[pyo3(signature = (environ: "collections.abc.Mapping[str, typing.Any]", *, keys: "collections.abc.Mapping[int, str] | None" = None, address: "str | None" = None, cost: "int | None" = None))]
    fn admit_wsgi(
        &self,
        environ: Bound<'_, PyMapping>,
        keys: Option<Bound<'_, PyMapping>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<PyDecision> {
        self.decide(&PyFacts::new(Source::Wsgi(environ), Given { keys, address, cost }))
    }

    /// Decides a call outside any request, and takes its cost if allowed.
    #[pyo3(signature = (*, keys: "collections.abc.Mapping[int, str] | None" = None, address: "str | None" = None, cost: "int | None" = None))]
    fn admit(
        &self,
        keys: Option<Bound<'_, PyMapping>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<PyDecision> {
        self.decide(&PyFacts::new(Source::Nothing, Given { keys, address, cost }))
    }

    /// The client's address by this gate's trust, from an ASGI connection scope.
    #[pyo3(signature = (
        scope: "collections.abc.Mapping[str, typing.Any]",
        *,
        receive: "collections.abc.Callable[[], typing.Any] | None" = None,
    ))]
    fn address_asgi(
        &self,
        scope: Bound<'_, PyMapping>,
        receive: Option<Bound<'_, PyAny>>,
    ) -> String {
        self.address(Source::Asgi(scope, receive))
    }

    /// The client's address by this gate's trust, from a WSGI environment.
    #[pyo3(signature = (environ: "collections.abc.Mapping[str, typing.Any]"))]
    fn address_wsgi(&self, environ: Bound<'_, PyMapping>) -> String {
        self.address(Source::Wsgi(environ))
    }

    /// The header fields that stand on every response to the request.
    #[pyo3(signature = (decision: "Decision") -> "list[tuple[str, str]]")]
    fn response_headers(&self, decision: &PyDecision) -> Vec<(&'static str, String)> {
        decision.fields(self.profile)
    }

    /// The same, as ASGI wants them: byte strings, names in lower case.
    #[pyo3(signature = (decision: "Decision") -> "list[tuple[bytes, bytes]]")]
    fn asgi_headers<'py>(
        &self,
        py: Python<'py>,
        decision: &PyDecision,
    ) -> PyResult<Bound<'py, PyList>> {
        asgi_list(py, &self.response_headers(decision))
    }

    /// The response to a request that may not go ahead. `accept` is its Accept header field.
    #[pyo3(signature = (decision: "Decision", accept: "str | bytes | None" = None))]
    fn refusal(
        &self,
        decision: &PyDecision,
        accept: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyRefusal> {
        PyRefusal::new(decision, self.profile, accept)
    }

    /// The peer whose forwarding header field was disregarded because nobody said that it is
    /// to be trusted. Told once; `None` before and after.
    fn ignored_forwarding(&self) -> Option<String> {
        if !self.ignored.seen.load(Ordering::Relaxed) {
            return None;
        }
        self.ignored.peer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let rules = PyList::new(py, self.rules.iter().map(|rule| rule.clone_ref(py)))?;
        Ok(format!("Gate({})", rules.repr()?))
    }
}

/// Header fields as ASGI wants them.
pub(crate) fn asgi_list<'py>(
    py: Python<'py>,
    fields: &[(&'static str, String)],
) -> PyResult<Bound<'py, PyList>> {
    let bytes = |(name, value): &(&str, String)| {
        let name = PyBytes::new(py, name.to_ascii_lowercase().as_bytes());
        (name, PyBytes::new(py, value.as_bytes()))
    };
    PyList::new(py, fields.iter().map(bytes))
}

fn rule_list(rules: &Bound<'_, PyAny>) -> PyResult<Vec<Py<PyRule>>> {
    const EXPECTED: &str = "a list of Rule";
    let sequence = rules.cast::<PySequence>().map_err(|_| wrong_type("rules", rules, EXPECTED))?;
    let mut list = Vec::new();
    for rule in sequence.try_iter()? {
        let rule = rule?;
        list.push(expect::<PyRule>("every rule", &rule, "a Rule")?.clone().unbind());
    }
    Ok(list)
}

fn resolver(
    trusted: Option<&Bound<'_, PyAny>>,
    header: &str,
    ipv6_prefix: i64,
) -> PyResult<Resolver> {
    let trust = trusted.map_or(Ok(Trust::Nobody), trust)?;
    let header: ForwardedHeader = header
        .parse()
        .map_err(|error| ConfigError::new_err(format!("forwarded_header: {error}")))?;
    let bits = u8::try_from(ipv6_prefix).unwrap_or(u8::MAX);
    Resolver::new(trust).with_header(header).with_ipv6_prefix(bits).map_err(|_| {
        let range = Resolver::IPV6_PREFIXES;
        let (low, high) = (range.start(), range.end());
        ConfigError::new_err(format!("ipv6_prefix must be from {low} to {high}, got {ipv6_prefix}"))
    })
}

/// Whom `trusted_proxies` names: networks, or a number of hops.
fn trust(trusted: &Bound<'_, PyAny>) -> PyResult<Trust> {
    const EXPECTED: &str = "a list of networks such as [\"10.0.0.0/8\"], or the number of proxies";
    if trusted.is_instance_of::<PyInt>() && !trusted.is_instance_of::<PyBool>() {
        let hops = trusted.extract().map_err(|_| {
            wrong_value("trusted_proxies, as a number of proxies,", trusted, "from 0 to 255")
        })?;
        return Ok(Trust::hops(hops));
    }
    let text = |value: &Bound<'_, PyAny>| -> PyResult<String> {
        let text = expect::<PyString>("every trusted proxy", value, "a str")?;
        Ok(text.to_cow()?.into_owned())
    };
    let words: Vec<String> = if trusted.is_instance_of::<PyString>() {
        vec![text(trusted)?]
    } else {
        let wrong = |_| wrong_type("trusted_proxies", trusted, EXPECTED);
        trusted.try_iter().map_err(wrong)?.map(|word| text(&word?)).collect::<PyResult<_>>()?
    };
    Trust::from_words(words.iter().map(String::as_str))
        .map_err(|error| ConfigError::new_err(format!("trusted_proxies: {error}")))
}
