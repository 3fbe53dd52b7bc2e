//! `Rule`: a named limit, and whom it counts.

use pyo3::{prelude::*, types::PyString};
use tidegate::{Key, Limits, Rule};

use crate::{
    convert::{Seconds, Units},
    errors::{ConfigError, from_engine, wrong_type},
    store::mode,
};

/// A named limit, or several, and whom they count.
///
/// `key` is "global", "ip", "path", "method" or "header:NAME", or a callable that is given
/// the framework's request and returns the key. `on_store_error` is "open", "closed" or "local":
/// what becomes of a request when the store gives no answer. `lease` is for how many seconds units
/// may be taken from the store in advance.
#[pyclass(frozen, name = "Rule", module = "tidegate")]
pub(crate) struct PyRule {
    pub(crate) rule: Rule,
    pub(crate) callable: Option<Py<PyAny>>,
    key: Py<PyAny>,
    cost: u32,
}

#[pymethods]
impl PyRule {
    /// Raises `ConfigError` when the name, the limit, the key or the cost makes no sense.
    #[new]
    #[pyo3(signature = (
        name: "str",
        limit: "str",
        *,
        key: "str | collections.abc.Callable[[typing.Any], typing.Any] | None" = None,
        cost: "int" = Units(1),
        on_store_error: "str" = "local",
        lease: "float | datetime.timedelta | None" = None,
    ))]
    fn new(
        name: &str,
        limit: &str,
        key: Option<Bound<'_, PyAny>>,
        cost: Units,
        on_store_error: &str,
        lease: Option<Seconds>,
        py: Python<'_>,
    ) -> PyResult<Self> {
        let key = key.unwrap_or_else(|| PyString::new(py, "global").into_any());
        let limits = parse_limits(limit)?;
        let (source, callable) = match key.cast::<PyString>() {
            Ok(text) => (text.to_cow()?.parse::<Key>().map_err(|error| from_engine(&error))?, None),
            Err(_) if key.is_callable() => (Key::Custom, Some(key.clone().unbind())),
            Err(_) => return Err(wrong_type("key", &key, "a str or a callable")),
        };
        let rule = Rule::new(name, limits).key(source).cost(cost.0);
        let rule = rule.on_store_error(mode(on_store_error)?);
        let rule = match lease {
            Some(validity) if validity.0.is_zero() => {
                return Err(ConfigError::new_err("`lease` must be above 0 seconds, got 0"));
            }
            Some(validity) => rule.lease(validity.0),
            None => rule,
        };
        // Checked by itself now: a gate of it must not be the first to find out.
        tidegate::Gate::builder()
            .rule(rule.clone())
            .build()
            .map_err(|error| from_engine(&error))?;
        Ok(Self { rule, callable, key: key.unbind(), cost: cost.0 })
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

/// Limits of a limit string.
pub(crate) fn parse_limits(text: &str) -> PyResult<Limits> {
    text.parse::<Limits>().map_err(|error| from_engine(&error.into()))
}
