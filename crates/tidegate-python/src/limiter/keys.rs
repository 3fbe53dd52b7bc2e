//! The keys that a limiter's store holds counts of.

use pyo3::prelude::*;

use super::PyLimiter;
use crate::counted::{Most, Prefix, PyCountedKey};

#[allow(clippy::needless_pass_by_value, reason = "arguments made by extraction are ours")]
#[pymethods]
impl PyLimiter {
    /// The keys that this limiter counts and that begin with `prefix`, at most `limit`, sorted.
    ///
    /// Reads a store in a server in pages, and never holds it up; a key that comes or goes
    /// meanwhile may be there or not. Raises `ConfigError` for other stores, which keep no text
    /// of their keys; `StoreError` when the server gives no answer.
    #[pyo3(signature = (prefix: "str" = Prefix::default(), *, limit: "int" = Most::default()) -> "list[CountedKey]")]
    fn keys(&self, prefix: Prefix<'_>, limit: Most) -> PyResult<Vec<PyCountedKey>> {
        let found = self.in_peace(|| self.limiter.keys(&prefix.0, limit.0))?;
        // As it was given to `check`, which takes a backslash for one.
        let shown = |key: &[u8]| match std::str::from_utf8(key) {
            Ok(text) => text.to_owned(),
            Err(_) => tidegate::subject_text(key).into_owned(),
        };
        Ok(found.into_iter().map(|found| PyCountedKey::new(found, shown)).collect())
    }
}
