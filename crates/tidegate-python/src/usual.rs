//! The three header fields that nearly every response gets, put behind the application's own on
//! the shortest way.
//!
//! Decides nothing: whatever is not as usual is left to `headers`, whose fields are the same.

use std::sync::Mutex;

use pyo3::{
    prelude::*,
    types::{PyBytes, PyList, PyString, PyTuple},
};
use tidegate::fields::Value;

use crate::headers::{NAMES, Protocol};

/// The names of the fields, in their order, as the profile has them.
const USUAL: [&str; 3] = [NAMES[0], NAMES[1], NAMES[2]];

/// What the responses of one second have in common.
struct Common {
    limit: u64,
    reset: u64,
    /// The fields of both, and the name of the one between them.
    fields: [Py<PyTuple>; 2],
    name: Py<PyAny>,
}

/// A new list of the application's fields and those of `numbers`: the limit, what remains, and
/// the time of the reset. `None` when `headers` has to look closer.
pub(crate) fn behind<'py>(
    protocol: Protocol,
    own: &Bound<'py, PyAny>,
    numbers: [u64; 3],
) -> PyResult<Option<Bound<'py, PyList>>> {
    let Ok(own) = own.cast_exact::<PyList>() else { return Ok(None) };
    if own.iter().any(|field| !is_other(protocol, &field)) {
        return Ok(None);
    }
    let Some([limit, name, reset]) = common(own.py(), protocol, numbers)? else { return Ok(None) };
    let remaining = protocol.new_field(own.py(), name, Value::Number(numbers[1]))?;
    let joined = own.get_slice(0, own.len());
    joined.append(limit)?;
    joined.append(remaining)?;
    joined.append(reset)?;
    Ok(Some(joined))
}

/// The field of the limit, the name of what remains, and the field of the reset. `None` while
/// another thread is here.
fn common(
    py: Python<'_>,
    protocol: Protocol,
    [limit, _, reset]: [u64; 3],
) -> PyResult<Option<[Bound<'_, PyAny>; 3]>> {
    static ASGI: Mutex<Option<Common>> = Mutex::new(None);
    static WSGI: Mutex<Option<Common>> = Mutex::new(None);
    let last = match protocol {
        Protocol::Asgi => &ASGI,
        Protocol::Wsgi => &WSGI,
    };
    let Ok(known) = last.try_lock() else { return Ok(None) };
    if let Some(common) = &*known
        && (common.limit, common.reset) == (limit, reset)
    {
        let [limit, reset] = &common.fields;
        let parts = [limit.as_any(), &common.name, reset.as_any()];
        return Ok(Some(parts.map(|part| part.bind(py).clone())));
    }
    drop(known);
    let [of_limit, of_remaining, of_reset] = USUAL;
    let first = protocol.field(py, of_limit, Value::Number(limit))?;
    let between = protocol.name(py, of_remaining, Some(1));
    let third = protocol.field(py, of_reset, Value::Number(reset))?;
    let fields = [first.clone().unbind(), third.clone().unbind()];
    let made = Common { limit, reset, fields, name: between.clone().unbind() };
    let former = last.try_lock().map(|mut known| known.replace(made));
    // Not under the lock: what is let go may run Python code.
    drop(former);
    Ok(Some([first.into_any(), between, third.into_any()]))
}

/// Whether a field of the application's is certainly none of these: by the length of its name,
/// which is that of few others.
fn is_other(protocol: Protocol, field: &Bound<'_, PyAny>) -> bool {
    let Ok(pair) = field.cast::<PyTuple>() else { return false };
    let Ok(name) = pair.get_borrowed_item(0) else { return false };
    let length = match protocol {
        Protocol::Asgi => name.cast::<PyBytes>().ok().map(|name| name.as_bytes().len()),
        Protocol::Wsgi => name.cast::<PyString>().ok().and_then(|name| name.len().ok()),
    };
    length.is_some_and(|length| USUAL.iter().all(|name| name.len() != length))
}
