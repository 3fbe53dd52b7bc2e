//! Rust errors to the Python classes in `tidegate/errors.py`.

use pyo3::{PyErr, PyTypeInfo, prelude::*};

// The classes are written in Python: type checkers read them as they are, and there is one
// list of them.
pyo3::import_exception!(tidegate.errors, ConfigError);
pyo3::import_exception!(tidegate.errors, ConfigTypeError);
pyo3::import_exception!(tidegate.errors, RateLimitExceeded);
pyo3::import_exception!(tidegate.errors, StoreError);

/// An error of the engine: of the store, or about how something was set up or called.
pub(crate) fn from_engine(error: &tidegate::Error) -> PyErr {
    use tidegate::{Error, RemoteError};

    match error {
        Error::Remote(RemoteError::Setup { .. }) => ConfigError::new_err(error.to_string()),
        Error::Remote(_) => StoreError::new_err(error.to_string()),
        Error::Store { source, .. } => StoreError::new_err(format!("{error}: {source}")),
        _ => ConfigError::new_err(error.to_string()),
    }
}

/// A value of the wrong type: names what it is for, what it is, and what would be right.
pub(crate) fn wrong_type(what: &str, value: &Bound<'_, PyAny>, expected: &str) -> PyErr {
    let kind = value.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
    ConfigTypeError::new_err(format!("{what} must be {expected}, got {kind}: {}", shown(value)))
}

/// A value of the right type that makes no sense.
pub(crate) fn wrong_value(what: &str, value: &Bound<'_, PyAny>, expected: &str) -> PyErr {
    ConfigError::new_err(format!("{what} must be {expected}, got {}", shown(value)))
}

/// `repr(value)`, at most 80 characters of it.
fn shown(value: &Bound<'_, PyAny>) -> String {
    const LONGEST: usize = 80;
    let text = value.repr().map_or_else(|_| "?".into(), |text| text.to_string_lossy().into_owned());
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Checks that `value` is an instance of `T`.
pub(crate) fn expect<'a, 'py, T: PyTypeInfo + 'py>(
    what: &str,
    value: &'a Bound<'py, PyAny>,
    expected: &str,
) -> PyResult<&'a Bound<'py, T>> {
    value.cast::<T>().map_err(|_| wrong_type(what, value, expected))
}
