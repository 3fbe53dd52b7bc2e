//! Whether a request is counted when it comes to a gate, by what its middleware knows of it.

use pyo3::{
    intern,
    prelude::*,
    types::{PyList, PyMapping, PyString},
};

use crate::{
    gate::PyGate,
    lookup::{asgi_header, item},
};

/// The gates that a request has passed, as its scope or environment keeps them: nearly always it
/// is one, and then no list is made for it.
enum Passed<'py> {
    None,
    One(Bound<'py, PyGate>),
    Several(Bound<'py, PyList>),
}

impl<'py> Passed<'py> {
    fn of(request: &Bound<'py, PyMapping>) -> Self {
        let Some(kept) = item(request, intern!(request.py(), "tidegate.gates")) else {
            return Self::None;
        };
        match kept.cast_into::<PyGate>() {
            Ok(gate) => Self::One(gate),
            Err(other) => other.into_inner().cast_into().map_or(Self::None, Self::Several),
        }
    }

    fn has(&self, gate: &Bound<'_, PyGate>) -> bool {
        match self {
            Self::None => false,
            Self::One(passed) => passed.is(gate),
            Self::Several(gates) => gates.iter().any(|passed| passed.is(gate)),
        }
    }
}

/// True when the request has passed `gate` already.
pub(crate) fn has_passed(gate: &Bound<'_, PyGate>, request: &Bound<'_, PyMapping>) -> bool {
    Passed::of(request).has(gate)
}

/// Marks the request as one that passes `gate`; false when it has done so before.
pub(crate) fn is_first(gate: &Bound<'_, PyGate>, request: &Bound<'_, PyMapping>) -> PyResult<bool> {
    let py = request.py();
    let passed = Passed::of(request);
    if passed.has(gate) {
        return Ok(false);
    }
    let name = intern!(py, "tidegate.gates");
    match passed {
        Passed::None => request.set_item(name, gate)?,
        Passed::One(first) => request.set_item(name, PyList::new(py, [&first, gate])?)?,
        Passed::Several(gates) => gates.append(gate)?,
    }
    Ok(true)
}

/// True for what is no request, and for a CORS preflight.
pub(crate) fn is_free_asgi(scope: &Bound<'_, PyMapping>) -> PyResult<bool> {
    let py = scope.py();
    let name = intern!(py, "type");
    let kind = item(scope, name).map_or_else(|| scope.get_item(name), Ok)?;
    if !is_word(&kind, intern!(py, "http")) && !is_word(&kind, intern!(py, "websocket")) {
        return Ok(true);
    }
    let is_options = item(scope, intern!(py, "method")).is_some_and(|it| is_text(&it, "OPTIONS"));
    let asks = || asgi_header(scope, "access-control-request-method").into_iter().next();
    Ok(is_options && asks().is_some_and(|method| !method.is_empty()))
}

/// True for a CORS preflight.
pub(crate) fn is_free_wsgi(environ: &Bound<'_, PyMapping>) -> bool {
    let py = environ.py();
    item(environ, intern!(py, "REQUEST_METHOD")).is_some_and(|it| is_text(&it, "OPTIONS"))
        && item(environ, intern!(py, "HTTP_ACCESS_CONTROL_REQUEST_METHOD")).is_some()
}

/// True when `value` is a `str` that reads as `word`, which is interned.
fn is_word(value: &Bound<'_, PyAny>, word: &Bound<'_, PyString>) -> bool {
    // Servers write such words as literals, which are the same objects.
    value.is(word) || word.to_str().is_ok_and(|word| is_text(value, word))
}

/// True when `value` is a `str` that reads `text`.
pub(crate) fn is_text(value: &Bound<'_, PyAny>, text: &str) -> bool {
    value.cast::<PyString>().is_ok_and(|value| value.to_str().is_ok_and(|it| it == text))
}
