//! Looking at the counts of one rule, and letting a key begin anew.

use pyo3::{
    intern,
    prelude::*,
    types::{PyBytes, PyDict, PyTuple},
};
use tidegate::{Error, subject_text};

use super::PyGate;
use crate::{
    counted::{Most, Prefix, PyCountedKey, SubjectArg},
    decision::PyDecision,
    errors::from_engine,
    ready::ready,
};

#[allow(clippy::needless_pass_by_value, reason = "arguments made by extraction are ours")]
#[pymethods]
impl PyGate {
    /// The keys that rules of this gate count and that begin with `prefix`, at most `limit`; by
    /// rule, and then by key.
    ///
    /// Reads a store in a server in pages, and never holds it up; a key that comes or goes
    /// meanwhile may be there or not. Raises `ConfigError` for other stores, which keep no text
    /// of their keys; `StoreError` when the server gives no answer.
    #[pyo3(signature = (prefix: "str" = Prefix::default(), *, limit: "int" = Most::default()) -> "list[CountedKey]")]
    fn keys(&self, py: Python<'_>, prefix: Prefix<'_>, limit: Most) -> PyResult<Vec<PyCountedKey>> {
        let found = self.at_ease(py, || self.live.face().gate.keys(&prefix.0, limit.0))?;
        let shown = |key: &[u8]| subject_text(key).into_owned();
        Ok(found.into_iter().map(|found| PyCountedKey::new(found, shown)).collect())
    }

    /// `keys`, to be awaited.
    #[pyo3(signature = (prefix: "str" = Prefix::default(), *, limit: "int" = Most::default()) -> "collections.abc.Awaitable[list[CountedKey]]")]
    fn akeys<'py>(
        slf: &Bound<'py, Self>,
        prefix: Prefix<'_>,
        limit: Most,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let prefix =
            PyBytes::new(py, &prefix.0).call_method1("decode", ("utf-8", "surrogatepass"))?;
        let options = PyDict::new(py);
        options.set_item(intern!(py, "limit"), limit.0)?;
        in_thread(slf, "keys", &[Some(prefix)], Some(&options))
    }

    /// How `key` stands with the rule of this name: the decision on a request at the rule's own
    /// cost, by that rule alone. Takes nothing.
    ///
    /// `key` is what `Decision.key` and `CountedKey.key` show; `None` or empty for a rule that
    /// counts everybody together. Raises `ConfigError` for a rule that there is not; `StoreError`
    /// when a server gives no answer, whatever `on_store_error` says.
    #[pyo3(signature = (rule_name: "str", key: "str | None" = None) -> "Decision")]
    fn inspect(
        &self,
        py: Python<'_>,
        rule_name: &str,
        key: Option<SubjectArg<'_>>,
    ) -> PyResult<PyDecision> {
        let key = key.unwrap_or_default();
        let decision = self.at_ease(py, || self.live.face().gate.inspect(rule_name, &key.0))?;
        Ok(PyDecision::new(decision, &self.clock, None).shown_in(self.live.face().profile))
    }

    /// `inspect`, to be awaited.
    #[pyo3(signature = (rule_name: "str", key: "str | None" = None) -> "collections.abc.Awaitable[Decision]")]
    fn ainspect<'py>(
        slf: &Bound<'py, Self>,
        rule_name: Bound<'py, PyAny>,
        key: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        in_thread(slf, "inspect", &[Some(rule_name), key], None)
    }

    /// Lets the rule of this name forget `key`, which starts again with full quota. Raises as
    /// `inspect` does.
    #[pyo3(signature = (rule_name: "str", key: "str | None" = None) -> "None")]
    fn reset(&self, py: Python<'_>, rule_name: &str, key: Option<SubjectArg<'_>>) -> PyResult<()> {
        let key = key.unwrap_or_default();
        self.at_ease(py, || self.live.face().gate.reset(rule_name, &key.0))
    }

    /// `reset`, to be awaited.
    #[pyo3(signature = (rule_name: "str", key: "str | None" = None) -> "collections.abc.Awaitable[None]")]
    fn areset<'py>(
        slf: &Bound<'py, Self>,
        rule_name: Bound<'py, PyAny>,
        key: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        in_thread(slf, "reset", &[Some(rule_name), key], None)
    }
}

impl PyGate {
    /// Calls the engine, with the interpreter released if it may wait for a server.
    fn at_ease<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce() -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let done = if self.waits { py.detach(work) } else { work() };
        done.map_err(|error| from_engine(&error))
    }
}

/// Calls a method: here when the store is in this process, else in the loop's pool of threads.
fn in_thread<'py>(
    gate: &Bound<'py, PyGate>,
    method: &str,
    arguments: &[Option<Bound<'py, PyAny>>],
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = gate.py();
    let method = gate.getattr(method)?;
    let arguments = PyTuple::new(py, arguments)?;
    if !gate.get().waits {
        return ready(method.call(arguments, options)?);
    }
    let whole = PyTuple::new(py, [method])?;
    let whole = whole.as_sequence().concat(arguments.as_sequence())?.to_tuple()?;
    py.import("asyncio")?.getattr("to_thread")?.call(whole, options)
}
