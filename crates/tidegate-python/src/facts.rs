//! Python's two ways to describe a request, as the gate's facts.
//!
//! Reads only what is asked for. Whatever has an unexpected shape counts as absent: servers
//! and clients fill these in, and neither must be able to raise an error here.

use std::borrow::Cow;

use pyo3::{
    Borrowed, intern,
    prelude::*,
    types::{PyBytes, PyDict, PyIterator, PyMapping, PyString, PyTuple},
};
use tidegate::{Facts, Lines};

use crate::convert::{Units, text_bytes};

/// What the adapter knows besides the request.
pub(crate) struct Given<'py> {
    /// Keys by position of their rule, for rules with a callable.
    pub(crate) keys: Option<Bound<'py, PyMapping>>,
    pub(crate) address: Option<String>,
    pub(crate) cost: Option<Units>,
}

/// Where the facts of one request come from.
pub(crate) enum Source<'py> {
    /// An ASGI connection scope, and its `receive`, which may know the socket.
    Asgi(Bound<'py, PyMapping>, Option<Bound<'py, PyAny>>),
    /// A WSGI environment.
    Wsgi(Bound<'py, PyMapping>),
    /// No request.
    Nothing,
}

/// One request.
pub(crate) struct PyFacts<'py> {
    source: Source<'py>,
    given: Given<'py>,
    peer: Option<String>,
    method: String,
}

impl<'py> PyFacts<'py> {
    pub(crate) fn new(source: Source<'py>, given: Given<'py>) -> Self {
        let (peer, method) = match &source {
            Source::Asgi(scope, receive) => {
                (asgi_peer(scope, receive.as_ref()), item(scope, "method"))
            }
            Source::Wsgi(environ) => {
                let peer = item(environ, "REMOTE_ADDR").and_then(|peer| text(&peer));
                (peer, item(environ, "REQUEST_METHOD"))
            }
            Source::Nothing => (None, None),
        };
        // A WebSocket handshake has no method in its scope; on the wire it is a GET.
        let method = method.and_then(|value| text(&value)).unwrap_or_else(|| "GET".to_owned());
        let peer = peer.filter(|peer| !peer.is_empty());
        Self { source, given, peer, method }
    }
}

impl Facts for PyFacts<'_> {
    fn is_request(&self) -> bool {
        !matches!(self.source, Source::Nothing)
    }

    fn peer(&self) -> Option<&str> {
        self.peer.as_deref()
    }

    fn method(&self) -> &str {
        &self.method
    }

    fn path(&self) -> Cow<'_, [u8]> {
        let path = match &self.source {
            Source::Asgi(scope, _) => item(scope, "path").and_then(|path| wide_bytes(&path)),
            Source::Wsgi(environ) => {
                item(environ, "PATH_INFO").and_then(|path| latin1_bytes(&path))
            }
            Source::Nothing => None,
        };
        Cow::Owned(path.unwrap_or_default())
    }

    fn header(&self, name: &str) -> Lines<'_> {
        match &self.source {
            Source::Asgi(scope, _) => asgi_header(scope, name).unwrap_or_default(),
            Source::Wsgi(environ) => {
                wsgi_header(environ, name).into_iter().map(Cow::Owned).collect()
            }
            Source::Nothing => Lines::new(),
        }
    }

    fn key(&self, rule: usize) -> Option<Cow<'_, [u8]>> {
        let key = self.given.keys.as_ref()?.get_item(rule).ok()?;
        wide_bytes(&key).filter(|key| !key.is_empty()).map(Cow::Owned)
    }

    fn address(&self) -> Option<&str> {
        self.given.address.as_deref()
    }

    fn cost(&self) -> Option<u32> {
        self.given.cost.map(|cost| cost.0)
    }
}

/// `mapping[name]`, or `None`.
fn item<'py>(mapping: &Bound<'py, PyMapping>, name: &str) -> Option<Bound<'py, PyAny>> {
    match mapping.cast::<PyDict>() {
        Ok(dict) => dict.get_item(name).ok().flatten(),
        Err(_) => mapping.get_item(name).ok(),
    }
}

/// The other end of the connection.
///
/// A server may replace it in the scope by an address out of X-Forwarded-For before anybody
/// looks; uvicorn does, by default, for peers on loopback. Whoever wrote the field then chose
/// the address, so it is not taken for the peer's: the socket is asked, and if nobody knows
/// the socket there is no address at all.
fn asgi_peer(scope: &Bound<'_, PyMapping>, receive: Option<&Bound<'_, PyAny>>) -> Option<String> {
    let peer = text(&item(scope, "client")?.get_item(0).ok()?)?;
    let is_claimed = |line: &Cow<'_, [u8]>| {
        line.split(|&byte| byte == b',').any(|element| {
            let element = element.trim_ascii_start();
            element.strip_prefix(b"[").unwrap_or(element).starts_with(peer.as_bytes())
        })
    };
    let lines = asgi_header(scope, "x-forwarded-for").unwrap_or_default();
    if lines.iter().any(is_claimed) { receive.and_then(socket_peer) } else { Some(peer) }
}

/// The other end of the socket behind uvicorn's `receive`, a method of the object that has the
/// transport.
fn socket_peer(receive: &Bound<'_, PyAny>) -> Option<String> {
    let py = receive.py();
    let connection = receive.getattr(intern!(py, "__self__")).ok()?;
    let transport = connection.getattr(intern!(py, "transport")).ok()?;
    let name = transport.call_method1(intern!(py, "get_extra_info"), ("peername",)).ok()?;
    text(&name.cast::<PyTuple>().ok()?.get_item(0).ok()?)
}

/// The values of `name` among `scope["headers"]`, pairs of byte strings.
fn asgi_header<'a>(scope: &Bound<'_, PyMapping>, name: &str) -> Option<Lines<'a>> {
    let mut lines = Lines::new();
    for pair in PyIterator::from_object(&item(scope, "headers")?).ok()? {
        let Some((key, value)) = pair.ok().and_then(|pair| byte_pair(&pair)) else { continue };
        // Servers send names in lower case; test clients and middleware may not.
        if key.as_bytes().eq_ignore_ascii_case(name.as_bytes()) {
            lines.push(Cow::Owned(value.as_bytes().to_vec()));
        }
    }
    Some(lines)
}

fn byte_pair<'py>(pair: &Bound<'py, PyAny>) -> Option<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    let (key, value) = match pair.cast::<PyTuple>() {
        Ok(pair) => (pair.get_item(0), pair.get_item(1)),
        Err(_) => (pair.get_item(0), pair.get_item(1)),
    };
    Some((key.ok()?.cast_into().ok()?, value.ok()?.cast_into().ok()?))
}

/// The value of `name` in a WSGI environment, where a field sent several times is joined.
fn wsgi_header(environ: &Bound<'_, PyMapping>, name: &str) -> Option<Vec<u8>> {
    let name = name.to_ascii_uppercase().replace('-', "_");
    let key = match name.as_str() {
        "CONTENT_TYPE" | "CONTENT_LENGTH" => name,
        _ => format!("HTTP_{name}"),
    };
    latin1_bytes(&item(environ, &key)?)
}

fn text(value: &Bound<'_, PyAny>) -> Option<String> {
    Some(value.cast::<PyString>().ok()?.to_string_lossy().into_owned())
}

fn wide_bytes(value: &Bound<'_, PyAny>) -> Option<Vec<u8>> {
    let text = value.cast::<PyString>().ok()?;
    text_bytes(Borrowed::from(text)).ok().map(Cow::into_owned)
}

/// The bytes behind a `str` in which PEP 3333 keeps one byte in each character.
fn latin1_bytes(value: &Bound<'_, PyAny>) -> Option<Vec<u8>> {
    let text = value.cast::<PyString>().ok()?.to_string_lossy();
    let byte = |character: char| u8::try_from(u32::from(character)).unwrap_or(b'?');
    Some(text.chars().map(byte).collect())
}
