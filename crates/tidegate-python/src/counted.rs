//! `CountedKey`: a key that a store holds a count of, and how it stands.

use std::borrow::Cow;

use pyo3::{
    Borrowed,
    prelude::*,
    types::{PyBool, PyInt, PyString},
};
use tidegate::{CountedKey, Subject, Verdict, subject_bytes};

use crate::{
    convert::text_bytes,
    errors::{wrong_type, wrong_value},
};

/// The most keys that one call lists.
const MOST: u32 = 1_000_000;

/// A key that a store holds a count of, and how it stands with the rule that counts it.
#[pyclass(frozen, eq, name = "CountedKey", module = "tidegate")]
#[derive(PartialEq)]
pub(crate) struct PyCountedKey {
    /// The rule that counts it.
    #[pyo3(get)]
    rule: String,
    /// Who is counted, as `inspect` and `reset` take it: empty when the rule counts everybody
    /// together, and bytes that are not UTF-8 escaped as `\xff`. `None` for a key that was too
    /// long to be kept.
    #[pyo3(get)]
    key: Option<String>,
    /// Of a key that was too long to be kept, the first 128 bits of its SHA-256, in hexadecimal.
    #[pyo3(get)]
    digest: Option<String>,
    /// Units that are spent and not yet back; `None` beside a digest, as all that follows.
    #[pyo3(get)]
    used: Option<u32>,
    /// Units that could be spent at once now; at most `limit`.
    #[pyo3(get)]
    remaining: Option<u32>,
    /// Units that a rested key can spend at once, under the binding limit of the rule.
    #[pyo3(get)]
    limit: Option<u32>,
    /// Seconds after which a request at the rule's own cost would be allowed: 0.0 when it would
    /// be now, infinity when it never will be.
    #[pyo3(get)]
    retry_after: Option<f64>,
    /// Seconds until the key is as if it had never been seen.
    #[pyo3(get)]
    reset_after: Option<f64>,
}

impl PyCountedKey {
    /// What a listing found. `shown` tells a key's text.
    pub(crate) fn new(found: CountedKey, shown: impl Fn(&[u8]) -> String) -> Self {
        let (key, digest) = match &found.subject {
            Subject::Plain(subject) => (Some(shown(subject)), None),
            Subject::Digest(digest) => {
                let digits = digest.iter().map(|byte| format!("{byte:02x}"));
                (None, Some(digits.collect()))
            }
        };
        let stands = found.decision.map(|decision| decision.outcome().answer);
        let wait = |verdict| match verdict {
            Verdict::Allowed => 0.0,
            Verdict::Denied { retry_after } => retry_after.as_secs_f64(),
            Verdict::Never => f64::INFINITY,
        };
        Self {
            rule: found.rule,
            key,
            digest,
            used: stands.map(|stands| stands.limit.saturating_sub(stands.remaining)),
            remaining: stands.map(|stands| stands.remaining),
            limit: stands.map(|stands| stands.limit),
            retry_after: stands.map(|stands| wait(stands.verdict)),
            reset_after: stands.map(|stands| stands.reset_after.as_secs_f64()),
        }
    }
}

#[pymethods]
impl PyCountedKey {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let name = self.key.as_ref().or(self.digest.as_ref()).map_or("", String::as_str);
        let (name, rule) = (PyString::new(py, name).repr()?, PyString::new(py, &self.rule).repr()?);
        let what = if self.key.is_some() { "" } else { "digest " };
        let counts = match (self.used, self.limit) {
            (Some(used), Some(limit)) => format!(", used={used} of {limit}"),
            _ => String::new(),
        };
        Ok(format!("<CountedKey {what}{name}{counts}, rule={rule}>"))
    }
}

/// How many keys to list: an `int` from 1 to 1000000.
pub(crate) struct Most(pub(crate) usize);

impl<'a, 'py> FromPyObject<'a, 'py> for Most {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
            return Err(wrong_type("limit", &value, "an int"));
        }
        match value.extract::<u32>() {
            Ok(number @ 1..=MOST) => Ok(Self(number as usize)),
            _ => Err(wrong_value("limit", &value, "from 1 to 1000000 keys")),
        }
    }
}

impl Default for Most {
    fn default() -> Self {
        Self(1_000)
    }
}

/// A subject by the text that a decision shows.
#[derive(Default)]
pub(crate) struct SubjectArg<'a>(pub(crate) Cow<'a, [u8]>);

impl<'a, 'py> FromPyObject<'a, 'py> for SubjectArg<'a> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if value.is_none() {
            return Ok(Self(Cow::Borrowed(b"")));
        }
        let Ok(text) = value.cast::<PyString>() else {
            return Err(wrong_type("key", &value, "a str, or None for everybody together"));
        };
        Ok(Self(match text.extract::<&'a str>() {
            Ok(text) => subject_bytes(text),
            // With surrogates: no decision shows any.
            Err(_) => text_bytes(text)?,
        }))
    }
}

/// What the keys to be listed begin with.
#[derive(Default)]
pub(crate) struct Prefix<'a>(pub(crate) Cow<'a, [u8]>);

impl<'a, 'py> FromPyObject<'a, 'py> for Prefix<'a> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match value.cast::<PyString>() {
            Ok(text) => text_bytes(text).map(Self),
            Err(_) => Err(wrong_type("prefix", &value, "a str")),
        }
    }
}
