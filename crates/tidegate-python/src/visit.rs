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

/// Where a request keeps the gates that it has passed, in its scope or environment.
fn passed_gates<'py>(request: &Bound<'py, PyMapping>) -> Option<Bound<'py, PyList>> {
    item(request, intern!(request.py(), "tidegate.gates"))?.cast_into().ok()
}

/// True when the request has passed `gate` already.
pub(crate) fn has_passed(gate: &Bound<'_, PyGate>, request: &Bound<'_, PyMapping>) -> bool {
    passed_gates(request).is_some_and(|gates| gates.iter().any(|passed| passed.is(gate)))
}

/// Marks the request as one that passes `gate`; false when it has done so before.
pub(crate) fn is_first(gate: &Bound<'_, PyGate>, request: &Bound<'_, PyMapping>) -> PyResult<bool> {
    let py = request.py();
    let Some(gates) = passed_gates(request) else {
        request.set_item(intern!(py, "tidegate.gates"), PyList::new(py, [gate])?)?;
        return Ok(true);
    };
    if gates.iter().any(|passed| passed.is(gate)) {
        return Ok(false);
    }
    gates.append(gate)?;
    Ok(true)
}

/// True for what is no request, and for a CORS preflight.
pub(crate) fn is_free_asgi(scope: &Bound<'_, PyMapping>) -> PyResult<bool> {
    let py = scope.py();
    let kind = scope.get_item(intern!(py, "type"))?;
    if !["http", "websocket"].iter().any(|known| is_text(&kind, known)) {
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

/// True when `value` is a `str` that reads `text`.
pub(crate) fn is_text(value: &Bound<'_, PyAny>, text: &str) -> bool {
    value.cast::<PyString>().is_ok_and(|value| value.to_str().is_ok_and(|it| it == text))
}
