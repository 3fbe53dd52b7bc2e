//! Arguments that more than one class takes.
//!
//! Each says what is wrong with a value in the same words, whatever method it was given to.

use std::{borrow::Cow, time::Duration};

use pyo3::{
    Borrowed, intern,
    prelude::*,
    types::{PyBool, PyBytes, PyDelta, PyDeltaAccess, PyFloat, PyInt, PyString},
};

use tidegate::fields::Profile;

use crate::errors::{ConfigError, wrong_type, wrong_value};

/// The longest key that a caller may name, in bytes of UTF-8. Longer ones are a mistake, or
/// an attack: digest them first.
pub(crate) const MAX_KEY_BYTES: usize = 1024;

/// A key: a `str` of 1 to 1024 bytes. Surrogates are kept apart, not refused.
pub(crate) struct KeyArg<'a>(pub(crate) Cow<'a, [u8]>);

impl<'a, 'py> FromPyObject<'a, 'py> for KeyArg<'a> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Self::named("key", value)
    }
}

impl<'a> KeyArg<'a> {
    /// A key that messages call `name`.
    pub(crate) fn named(name: &str, value: Borrowed<'a, '_, PyAny>) -> PyResult<Self> {
        let Ok(text) = value.cast::<PyString>() else {
            return Err(wrong_type(name, &value, "a str (use str(...) or an f-string)"));
        };
        let bytes = text_bytes(text)?;
        match bytes.len() {
            0 => Err(ConfigError::new_err(format!(
                "{name} must not be empty: everybody would share one count; use a rule with key=\"global\" or any fixed word for that"
            ))),
            length if length > MAX_KEY_BYTES => Err(ConfigError::new_err(format!(
                "{name} must have at most {MAX_KEY_BYTES} bytes, got {length}; use a digest of it"
            ))),
            _ => Ok(Self(bytes)),
        }
    }
}

impl AsRef<[u8]> for KeyArg<'_> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The bytes of a `str`: UTF-8, and surrogates as Python's `surrogatepass` writes them.
pub(crate) fn text_bytes<'a>(text: Borrowed<'a, '_, PyString>) -> PyResult<Cow<'a, [u8]>> {
    if let Ok(text) = text.extract::<&'a str>() {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let py = text.py();
    let bytes = text.call_method1(intern!(py, "encode"), ("utf-8", "surrogatepass"))?;
    Ok(Cow::Owned(bytes.cast::<PyBytes>()?.as_bytes().to_vec()))
}

/// A number of units: an `int` from 0 to 4294967295.
#[derive(Clone, Copy)]
pub(crate) struct Units(pub(crate) u32);

impl<'a, 'py> FromPyObject<'a, 'py> for Units {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
            return Err(wrong_type("a cost", &value, "an int"));
        }
        value
            .extract()
            .map(Self)
            .map_err(|_| wrong_value("a cost", &value, "from 0 to 4294967295 units"))
    }
}

/// A span of time: seconds as `int` or `float`, or a `timedelta`; not negative.
#[derive(Clone, Copy)]
pub(crate) struct Seconds(pub(crate) Duration);

impl Seconds {
    pub(crate) const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Seconds {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        const RANGE: &str = "a number of seconds from 0 to 1e10, or a timedelta of that";
        if let Ok(delta) = value.cast::<PyDelta>() {
            // A timedelta keeps only its days negative.
            let days = u64::try_from(delta.get_days())
                .map_err(|_| wrong_value("a duration", &value, RANGE))?;
            let seconds = u64::try_from(delta.get_seconds()).unwrap_or_default();
            let micros = u64::try_from(delta.get_microseconds()).unwrap_or_default();
            let whole = Duration::from_secs(days * 86_400 + seconds);
            return Ok(Self(whole + Duration::from_micros(micros)));
        }
        let number = value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>();
        if !number || value.is_instance_of::<PyBool>() {
            return Err(wrong_type("a duration", &value, RANGE));
        }
        let wrong = |_| wrong_value("a duration", &value, RANGE);
        let seconds: f64 = value.extract().map_err(wrong)?;
        // Rounded, because 0.1 + 0.2 seconds are meant to be 300 milliseconds.
        let in_range = (0.0..=1e10).contains(&seconds);
        let nanos = Duration::try_from_secs_f64(seconds).ok().filter(|_| in_range);
        nanos.map(Self).ok_or_else(|| wrong_value("a duration", &value, RANGE))
    }
}

/// Header profiles: one name, names joined by commas, or a sequence of names.
#[derive(Clone, Copy, Default)]
pub(crate) struct ProfileArg(pub(crate) Profile);

impl<'a, 'py> FromPyObject<'a, 'py> for ProfileArg {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        const EXPECTED: &str = "a str such as \"x-ratelimit\", or a list of them";
        let text = if let Ok(text) = value.cast::<PyString>() {
            text.to_string_lossy().into_owned()
        } else {
            let names: Vec<String> =
                value.extract().map_err(|_| wrong_type("headers", &value, EXPECTED))?;
            names.join(",")
        };
        let wrong = |error| ConfigError::new_err(format!("headers: {error}"));
        text.parse().map(Self).map_err(wrong)
    }
}
