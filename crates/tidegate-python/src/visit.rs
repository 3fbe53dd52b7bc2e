//! Whether a request is counted when it comes to a gate, by what its middleware knows of it; and what
//! is kept there of a request on its way.

use pyo3::{
    intern,
    prelude::*,
    types::{PyList, PyMapping, PyString},
};

use crate::{
    gate::PyGate,
    lookup::{asgi_header, item},
    passage::WsgiPassage,
};

/// The gates that a request has passed, as its scope or environment keeps them: nearly always it
/// is one, and then no list is made for it. For a gate, there may be the passage of a request that
/// is on its way.
enum Passed<'py> {
    None,
    One(Bound<'py, PyAny>),
    Several(Bound<'py, PyList>),
}

impl<'py> Passed<'py> {
    fn of(request: &Bound<'py, PyMapping>) -> Self {
        let Some(kept) = item(request, intern!(request.py(), GATES)) else {
            return Self::None;
        };
        match kept.cast_into::<PyList>() {
            Ok(list) => Self::Several(list),
            Err(other) => Self::One(other.into_inner()),
        }
    }

    fn has(&self, gate: &Bound<'_, PyGate>) -> bool {
        let is = |passed: &Bound<'_, PyAny>| {
            passed.is(gate)
                || passed.cast::<WsgiPassage>().is_ok_and(|passage| passage.get().gate.is(gate))
        };
        match self {
            Self::None => false,
            Self::One(passed) => is(passed),
            Self::Several(gates) => gates.iter().any(|passed| is(&passed)),
        }
    }
}

/// Where a request keeps them.
const GATES: &str = "tidegate.gates";

/// True when the request has passed `gate` already.
pub(crate) fn has_passed(gate: &Bound<'_, PyGate>, request: &Bound<'_, PyMapping>) -> bool {
    Passed::of(request).has(gate)
}

/// How a request comes to a gate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visit {
    /// It has passed none before.
    First,
    /// It has passed others.
    Further,
    /// It has passed this one.
    Again,
}

impl Visit {
    /// Marks the request as one that passes `gate`.
    pub(crate) fn of(gate: &Bound<'_, PyGate>, request: &Bound<'_, PyMapping>) -> PyResult<Self> {
        let py = request.py();
        let passed = Passed::of(request);
        if passed.has(gate) {
            return Ok(Self::Again);
        }
        let name = intern!(py, GATES);
        match passed {
            Passed::None => {
                request.set_item(name, gate)?;
                return Ok(Self::First);
            }
            Passed::One(first) => request.set_item(name, PyList::new(py, [&first, gate])?)?,
            Passed::Several(gates) => gates.append(gate)?,
        }
        Ok(Self::Further)
    }
}

/// Keeps a passage in its request's environment, in the place of the only gate that it has passed.
pub(crate) fn keep(
    environ: &Bound<'_, PyMapping>,
    passage: &Bound<'_, WsgiPassage>,
) -> PyResult<()> {
    environ.set_item(intern!(environ.py(), GATES), passage)
}

/// Takes it out again, and leaves its gate.
pub(crate) fn give_up(environ: &Bound<'_, PyMapping>, passage: &Bound<'_, WsgiPassage>) {
    let gate = passage.get().gate.bind(environ.py());
    // An application that has emptied its environment, or the list, has nothing to give back.
    let _ = match Passed::of(environ) {
        Passed::None => Ok(()),
        Passed::One(_) => environ.set_item(intern!(environ.py(), GATES), gate),
        Passed::Several(gates) => gates.index(passage).and_then(|at| gates.set_item(at, gate)),
    };
}

/// The passage that is kept of a request.
pub(crate) fn kept<'py>(environ: &Bound<'py, PyMapping>) -> Option<Bound<'py, WsgiPassage>> {
    match Passed::of(environ) {
        Passed::None => None,
        Passed::One(passed) => passed.cast_into().ok(),
        Passed::Several(gates) => gates.get_item(0).ok()?.cast_into().ok(),
    }
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
