//! `Rule`: a named limit, whom it counts and when, and what follows a breach.

use pyo3::{
    prelude::*,
    types::{PyList, PyString, PyTuple},
};
use tidegate::{Key, Limits, Rule};

use crate::{
    applies::{self, matching, shadow, statuses},
    convert::{Seconds, Units},
    errors::{ConfigError, from_engine, wrong_type},
    store,
};

/// A named limit, and whom it counts.
///
/// `key` is "global", "ip", "user", "path", "route", "method", "host", or "header", "cookie",
/// "query" or "form" with a name such as "header:x-api-key"; a callable that is given the
/// framework's request and returns the key; or a list of several of these. `cost`, too, may be a
/// callable. `limit_for` is given the key and the request, and returns a limit string or `None`
/// for the rule's own, which is kept for `limit_ttl` seconds; `exempt_when` is given the request, and returns whether the rule leaves it
/// alone.
///
/// `match` picks the requests: a mapping with any of "path", "exclude", "route", "methods" and
/// "hosts". With `mode` "shadow" the rule counts and refuses nothing. `block` is for how long, or
/// a list of for how long, a key is kept out after a breach; a strike is forgotten after each
/// `block_decay`. With `charge_on`, statuses such as "401" or "4xx", or a callable that is given
/// the response, only some requests are charged for.
///
/// `on_store_error` is "open", "closed" or "local": what becomes of a request when the store gives
/// no answer. `lease` is for how many seconds units may be taken from the store in advance.
#[pyclass(frozen, name = "Rule", module = "tidegate")]
pub(crate) struct PyRule {
    pub(crate) rule: Rule,
    /// The callables of its key, in order.
    pub(crate) keys: Vec<Py<PyAny>>,
    pub(crate) cost_callable: Option<Py<PyAny>>,
    pub(crate) limit_for: Option<Py<PyAny>>,
    limit_ttl: f64,
    pub(crate) exempt_when: Option<Py<PyAny>>,
    pub(crate) charge_on: Option<Py<PyAny>>,
    key: Py<PyAny>,
    cost: u32,
}

impl PyRule {
    /// A rule of a configuration, which has no callables.
    pub(crate) fn of_engine(py: Python<'_>, rule: &Rule) -> PyResult<Self> {
        let key = match rule.counts() {
            Key::Several(parts) => {
                PyList::new(py, parts.iter().map(ToString::to_string))?.into_any()
            }
            key => PyString::new(py, &key.to_string()).into_any(),
        };
        Ok(Self {
            rule: rule.clone(),
            keys: Vec::new(),
            cost_callable: None,
            limit_for: None,
            limit_ttl: 0.0,
            exempt_when: None,
            charge_on: None,
            key: key.unbind(),
            cost: rule.units(),
        })
    }
}

#[pymethods]
impl PyRule {
    /// Raises `ConfigError` when an argument makes no sense.
    #[new]
    #[pyo3(signature = (
        name: "str",
        limit: "str",
        *,
        key: "str | collections.abc.Callable[..., typing.Any] | collections.abc.Sequence[str | collections.abc.Callable[..., typing.Any]] | None" = None,
        cost: "int | collections.abc.Callable[[typing.Any], typing.Any]" = CostArg::Units(1),
        on_store_error: "str" = "local",
        lease: "float | datetime.timedelta | None" = None,
        r#match: "collections.abc.Mapping[str, str | collections.abc.Sequence[str]] | None" = None,
        mode: "str" = "enforce",
        block: "float | datetime.timedelta | str | collections.abc.Sequence[float | datetime.timedelta | str] | None" = None,
        block_decay: "float | datetime.timedelta | str | None" = None,
        extend_on_attempt: "bool" = false,
        charge_on: "str | int | collections.abc.Sequence[str | int] | collections.abc.Callable[[typing.Any], typing.Any] | None" = None,
        limit_for: "collections.abc.Callable[[str, typing.Any], typing.Any] | None" = None,
        limit_ttl: "float | datetime.timedelta" = Seconds::from_secs(60),
        exempt_when: "collections.abc.Callable[[typing.Any], typing.Any] | None" = None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "each is a keyword of its own")]
    fn new(
        name: &str,
        limit: &str,
        key: Option<Bound<'_, PyAny>>,
        cost: CostArg,
        on_store_error: &str,
        lease: Option<Seconds>,
        r#match: Option<&Bound<'_, PyAny>>,
        mode: &str,
        block: Option<&Bound<'_, PyAny>>,
        block_decay: Option<&Bound<'_, PyAny>>,
        extend_on_attempt: bool,
        charge_on: Option<Bound<'_, PyAny>>,
        limit_for: Option<Bound<'_, PyAny>>,
        limit_ttl: Seconds,
        exempt_when: Option<Bound<'_, PyAny>>,
        py: Python<'_>,
    ) -> PyResult<Self> {
        let key = key.unwrap_or_else(|| PyString::new(py, "global").into_any());
        let (source, keys) = key_of(&key)?;
        let (cost, cost_callable) = match cost {
            CostArg::Units(cost) => (cost, None),
            CostArg::Callable(callable) => (1, Some(callable)),
        };
        let mut rule = Rule::new(name, parse_limits(limit)?)
            .key(source)
            .cost(cost)
            .on_store_error(store::mode(on_store_error)?)
            .matching(matching(r#match)?)
            .shadow(shadow(mode)?);
        if let Some(block) = applies::block(block, block_decay, extend_on_attempt)? {
            rule = rule.block(block);
        }
        if let Some(validity) = lease {
            if validity.0.is_zero() {
                return Err(ConfigError::new_err("`lease` must be above 0 seconds, got 0"));
            }
            rule = rule.lease(validity.0);
        }
        let charge_on = match charge_on {
            Some(callable) if callable.is_callable() => {
                rule = rule.settled_by_caller(true);
                Some(callable.unbind())
            }
            Some(told) => {
                rule = rule.charge_on(statuses(&told)?);
                None
            }
            None => None,
        };
        // Checked by itself now: a gate of it must not be the first to find out.
        tidegate::Gate::builder()
            .rule(rule.clone())
            .build()
            .map_err(|error| from_engine(&error))?;
        let limit_for = callable("limit_for", limit_for)?;
        let exempt_when = callable("exempt_when", exempt_when)?;
        let key = key.unbind();
        Ok(Self {
            rule,
            keys,
            cost_callable,
            limit_for,
            limit_ttl: limit_ttl.0.as_secs_f64(),
            exempt_when,
            charge_on,
            key,
            cost,
        })
    }

    /// For how many seconds an answer of `limit_for` is kept for its key.
    #[getter]
    const fn limit_ttl(&self) -> f64 {
        self.limit_ttl
    }

    /// The rule's name.
    #[getter]
    fn name(&self) -> &str {
        self.rule.name()
    }

    /// The rule's limits, in canonical spelling.
    #[getter]
    fn limit(&self) -> String {
        self.rule.limits().to_string()
    }

    /// Whether the rule applies only where code names it: a configuration's `apply = "by_name"`.
    #[getter]
    const fn by_name(&self) -> bool {
        self.rule.is_by_name()
    }

    /// Whom the rule counts.
    #[getter]
    fn key(&self, py: Python<'_>) -> Py<PyAny> {
        self.key.clone_ref(py)
    }

    /// Units that a request costs.
    #[getter]
    fn cost(&self) -> u32 {
        self.cost
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let key = self.key.bind(py).repr()?;
        let (name, limit) = (PyString::new(py, self.name()), PyString::new(py, &self.limit()));
        Ok(format!("Rule({}, {}, key={key}, cost={})", name.repr()?, limit.repr()?, self.cost))
    }
}

/// Units, or what tells them.
pub(crate) enum CostArg {
    Units(u32),
    Callable(Py<PyAny>),
}

impl<'a, 'py> FromPyObject<'a, 'py> for CostArg {
    type Error = PyErr;

    fn extract(value: pyo3::Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if value.is_callable() {
            return Ok(Self::Callable(value.to_owned().unbind()));
        }
        value.extract::<Units>().map(|units| Self::Units(units.0))
    }
}

/// A key, and the callables in it.
fn key_of(key: &Bound<'_, PyAny>) -> PyResult<(Key, Vec<Py<PyAny>>)> {
    if !key.is_instance_of::<PyList>() && !key.is_instance_of::<PyTuple>() {
        let (key, callable) = part_of(key)?;
        return Ok((key, callable.into_iter().collect()));
    }
    let (mut parts, mut callables) = (Vec::new(), Vec::new());
    for part in key.try_iter()? {
        let (part, callable) = part_of(&part?)?;
        parts.push(part);
        callables.extend(callable);
    }
    Ok((Key::Several(parts), callables))
}

fn part_of(key: &Bound<'_, PyAny>) -> PyResult<(Key, Option<Py<PyAny>>)> {
    match key.cast::<PyString>() {
        Ok(text) => Ok((text.to_cow()?.parse().map_err(|error| from_engine(&error))?, None)),
        Err(_) if key.is_callable() => Ok((Key::Custom, Some(key.clone().unbind()))),
        Err(_) => Err(wrong_type("key", key, "a str or a callable, or a list of these")),
    }
}

fn callable(name: &str, value: Option<Bound<'_, PyAny>>) -> PyResult<Option<Py<PyAny>>> {
    match value {
        Some(value) if !value.is_callable() => Err(wrong_type(name, &value, "a callable")),
        value => Ok(value.map(Bound::unbind)),
    }
}

/// Limits of a limit string.
pub(crate) fn parse_limits(text: &str) -> PyResult<Limits> {
    text.parse::<Limits>().map_err(|error| from_engine(&error.into()))
}
