//! Look-ups in an ASGI scope and a WSGI environment.
//!
//! Whatever has an unexpected shape counts as absent: servers and clients fill these in, and
//! neither must be able to raise an error here.

use std::borrow::Cow;

use pyo3::{
    Borrowed, intern,
    prelude::*,
    types::{PyBytes, PyDict, PyIterator, PyList, PyMapping, PyString, PyTuple},
};
use tidegate::Lines;

use crate::convert::text_bytes;

/// `mapping[name]`, or `None`.
pub(crate) fn item<'py>(
    mapping: &Bound<'py, PyMapping>,
    name: &Bound<'py, PyString>,
) -> Option<Bound<'py, PyAny>> {
    match mapping.cast::<PyDict>() {
        Ok(dict) => dict.get_item(name).ok().flatten(),
        Err(_) => mapping.get_item(name).ok(),
    }
}

/// The values of `name` among `scope["headers"]`, pairs of byte strings.
pub(crate) fn asgi_header<'a>(scope: &Bound<'_, PyMapping>, name: &str) -> Lines<'a> {
    let mut lines = Lines::new();
    let Some(headers) = item(scope, intern!(scope.py(), "headers")) else { return lines };
    let mut look = |pair: &Bound<'_, PyAny>| {
        if let Some(value) = value_of(pair, name.as_bytes()) {
            lines.push(Cow::Owned(value.as_bytes().to_vec()));
        }
    };
    if let Ok(list) = headers.cast::<PyList>() {
        list.iter().for_each(|pair| look(&pair));
    } else if let Ok(pairs) = PyIterator::from_object(&headers) {
        pairs.map_while(Result::ok).for_each(|pair| look(&pair));
    }
    lines
}

/// Whether `name` is among `scope["headers"]`. True as well for what is no list: who reads it knows.
pub(crate) fn has_asgi_header(scope: &Bound<'_, PyMapping>, name: &str) -> bool {
    let Some(headers) = item(scope, intern!(scope.py(), "headers")) else { return false };
    let Ok(headers) = headers.cast_into::<PyList>() else { return true };
    headers.iter().any(|pair| value_of(&pair, name.as_bytes()).is_some())
}

/// The value of a pair of byte strings, if its name is `name`.
fn value_of<'py>(pair: &Bound<'py, PyAny>, name: &[u8]) -> Option<Bound<'py, PyBytes>> {
    // Servers send names in lower case; test clients and middleware may not. The length tells
    // most names apart, and takes one call less to find out.
    let is_named = |key: &Bound<'py, PyBytes>| {
        key.len().is_ok_and(|it| it == name.len()) && key.as_bytes().eq_ignore_ascii_case(name)
    };
    // What every server sends, and cheaper to look into than the general case below.
    if let Ok(pair) = pair.cast_exact::<PyTuple>() {
        let key = pair.get_borrowed_item(0).ok()?.cast::<PyBytes>().ok()?;
        let found = is_named(&key);
        return if found { pair.get_item(1).ok()?.cast_into().ok() } else { None };
    }
    let key = pair.get_item(0).ok()?;
    let found = is_named(key.cast::<PyBytes>().ok()?);
    if found { pair.get_item(1).ok()?.cast_into().ok() } else { None }
}

/// The value of `name` in a WSGI environment, where a field sent several times is joined.
pub(crate) fn wsgi_header(environ: &Bound<'_, PyMapping>, name: &str) -> Option<Vec<u8>> {
    let py = environ.py();
    if name == "x-forwarded-for" {
        return latin1_bytes(&item(environ, intern!(py, "HTTP_X_FORWARDED_FOR"))?);
    }
    let name = name.to_ascii_uppercase().replace('-', "_");
    let key = match name.as_str() {
        "CONTENT_TYPE" | "CONTENT_LENGTH" => name,
        _ => format!("HTTP_{name}"),
    };
    latin1_bytes(&item(environ, &PyString::new(py, &key))?)
}

/// The bytes of a `str` outside of WSGI.
pub(crate) fn wide_bytes(value: &Bound<'_, PyAny>) -> Option<Vec<u8>> {
    let text = value.cast::<PyString>().ok()?;
    text_bytes(Borrowed::from(text)).ok().map(Cow::into_owned)
}

/// The bytes behind a `str` in which PEP 3333 keeps one byte in each character.
pub(crate) fn latin1_bytes(value: &Bound<'_, PyAny>) -> Option<Vec<u8>> {
    let text = value.cast::<PyString>().ok()?.to_string_lossy();
    let byte = |character: char| u8::try_from(u32::from(character)).unwrap_or(b'?');
    Some(text.chars().map(byte).collect())
}

/// A `str` whose text can be borrowed.
pub(crate) enum Text<'py> {
    /// As it is.
    Python(Bound<'py, PyString>),
    /// With something else in the place of its surrogates.
    Mended(String),
}

impl<'py> Text<'py> {
    /// `None` for what is no `str`.
    pub(crate) fn new(value: Bound<'py, PyAny>) -> Option<Self> {
        let text = value.cast_into::<PyString>().ok()?;
        Some(match text.to_str() {
            Ok(_) => Self::Python(text),
            Err(_) => Self::Mended(text.to_string_lossy().into_owned()),
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            // Python keeps the UTF-8 that it was asked for before, so this cannot fail now.
            Self::Python(text) => text.to_str().unwrap_or_default(),
            Self::Mended(text) => text,
        }
    }
}
