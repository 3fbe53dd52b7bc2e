//! Python's two ways to describe a request, as the gate's facts.
//!
//! Reads only what is asked for, and that once.

use std::{borrow::Cow, cell::OnceCell, net::IpAddr, sync::Arc};

use pyo3::{
    intern,
    prelude::*,
    types::{PyBytes, PyMapping, PyString, PyTuple},
};
use tidegate::{Facts, Lines};

use crate::{
    answers::Known,
    convert::Units,
    lookup::{Text, asgi_header, item, latin1_bytes, wide_bytes, wsgi_header},
};

/// The field that servers may take the peer's address from.
pub(crate) const FORWARDED_FOR: &str = "x-forwarded-for";

/// What the adapter knows besides the request.
#[derive(Default)]
pub(crate) struct Given<'py> {
    /// What callables say.
    pub(crate) keys: Option<Known<'py>>,
    pub(crate) address: Option<String>,
    pub(crate) cost: Option<Units>,
    /// The template of the route, instead of the noted one.
    pub(crate) route: Option<Bound<'py, PyString>>,
}

/// Where the facts of one request come from.
#[derive(Clone)]
pub(crate) enum Source<'a, 'py> {
    /// An ASGI connection scope, and its `receive`, which may know the socket.
    Asgi(&'a Bound<'py, PyMapping>, Option<&'a Bound<'py, PyAny>>),
    /// A WSGI environment.
    Wsgi(&'a Bound<'py, PyMapping>),
    /// No request.
    Nothing,
}

/// One request.
pub(crate) struct PyFacts<'a, 'py> {
    source: Source<'a, 'py>,
    given: Given<'py>,
    /// The one rule that is to be applied.
    rule: Option<Arc<str>>,
    peer: OnceCell<Option<Text<'py>>>,
    method: OnceCell<Option<Text<'py>>>,
    /// The lines of X-Forwarded-For in an ASGI scope, for which two may ask.
    forwarded_for: OnceCell<Lines<'static>>,
}

impl<'a, 'py> PyFacts<'a, 'py> {
    pub(crate) fn new(source: Source<'a, 'py>, given: Given<'py>) -> Self {
        let (peer, method, forwarded_for) = Default::default();
        Self { source, given, rule: None, peer, method, forwarded_for }
    }

    /// The same for one rule.
    pub(crate) fn only(self, rule: Option<Arc<str>>) -> Self {
        Self { rule, ..self }
    }

    /// What an adapter has put beside the request.
    fn noted(
        &self,
        name: impl Fn(Python<'py>) -> &'py Bound<'py, PyString>,
    ) -> Option<Bound<'py, PyAny>> {
        match &self.source {
            Source::Asgi(request, _) | Source::Wsgi(request) => item(request, name(request.py())),
            Source::Nothing => None,
        }
    }

    fn find_peer(&self) -> Option<Text<'py>> {
        let peer = match &self.source {
            Source::Asgi(scope, receive) => self.asgi_peer(scope, *receive),
            Source::Wsgi(environ) => {
                item(environ, intern!(environ.py(), "REMOTE_ADDR")).and_then(Text::new)
            }
            Source::Nothing => None,
        };
        peer.filter(|peer| !peer.as_str().is_empty())
    }

    /// The other end of the connection.
    ///
    /// A server may replace it in the scope by an address out of X-Forwarded-For before
    /// anybody looks; uvicorn does, by default, for peers on loopback. Whoever wrote the
    /// field then chose the address, so it is not taken for the peer's: the socket is asked,
    /// and if nobody knows the socket there is no address at all.
    fn asgi_peer(
        &self,
        scope: &Bound<'py, PyMapping>,
        receive: Option<&Bound<'py, PyAny>>,
    ) -> Option<Text<'py>> {
        let client = item(scope, intern!(scope.py(), "client"))?;
        let peer = match client.cast::<PyTuple>() {
            Ok(pair) => pair.get_item(0),
            Err(_) => client.get_item(0),
        };
        let peer = Text::new(peer.ok()?)?;
        let lines = self.forwarded_for(scope);
        // What is no address at all was made of the field too: no socket has such a peer.
        let is_claimed = !lines.is_empty()
            && (peer.as_str().parse::<IpAddr>().is_err()
                || lines.iter().any(|line| contains(line, peer.as_str().as_bytes())));
        if is_claimed { receive.and_then(socket_peer) } else { Some(peer) }
    }

    fn forwarded_for(&self, scope: &Bound<'py, PyMapping>) -> &Lines<'static> {
        self.forwarded_for.get_or_init(|| asgi_header(scope, FORWARDED_FOR))
    }

    fn find_method(&self) -> Option<Text<'py>> {
        let value = match &self.source {
            Source::Asgi(scope, _) => item(scope, intern!(scope.py(), "method")),
            Source::Wsgi(environ) => item(environ, intern!(environ.py(), "REQUEST_METHOD")),
            Source::Nothing => None,
        };
        value.and_then(Text::new)
    }
}

impl Facts for PyFacts<'_, '_> {
    fn is_request(&self) -> bool {
        !matches!(self.source, Source::Nothing)
    }

    fn peer(&self) -> Option<&str> {
        self.peer.get_or_init(|| self.find_peer()).as_ref().map(Text::as_str)
    }

    fn method(&self) -> &str {
        // A WebSocket handshake has no method in its scope; on the wire it is a GET.
        self.method.get_or_init(|| self.find_method()).as_ref().map_or("GET", Text::as_str)
    }

    fn path(&self) -> Cow<'_, [u8]> {
        let path = match &self.source {
            Source::Asgi(scope, _) => {
                item(scope, intern!(scope.py(), "path")).and_then(|path| wide_bytes(&path))
            }
            Source::Wsgi(environ) => item(environ, intern!(environ.py(), "PATH_INFO"))
                .and_then(|path| latin1_bytes(&path)),
            Source::Nothing => None,
        };
        Cow::Owned(path.unwrap_or_default())
    }

    fn header(&self, name: &str) -> Lines<'_> {
        match &self.source {
            Source::Asgi(scope, _) if name == FORWARDED_FOR => {
                self.forwarded_for(scope).iter().map(|line| Cow::Borrowed(&**line)).collect()
            }
            Source::Asgi(scope, _) => asgi_header(scope, name),
            Source::Wsgi(environ) => {
                wsgi_header(environ, name).into_iter().map(Cow::Owned).collect()
            }
            Source::Nothing => Lines::new(),
        }
    }

    fn query(&self) -> Cow<'_, [u8]> {
        let query = match &self.source {
            Source::Asgi(scope, _) => item(scope, intern!(scope.py(), "query_string"))
                .and_then(|query| Some(query.cast_into::<PyBytes>().ok()?.as_bytes().to_vec())),
            Source::Wsgi(environ) => item(environ, intern!(environ.py(), "QUERY_STRING"))
                .and_then(|query| latin1_bytes(&query)),
            Source::Nothing => None,
        };
        Cow::Owned(query.unwrap_or_default())
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        if let Some(route) = &self.given.route {
            return Some(route.to_string_lossy());
        }
        let route = self.noted(|py| intern!(py, "tidegate.route"))?;
        Some(Cow::Owned(route.cast::<PyString>().ok()?.to_string_lossy().into_owned()))
    }

    fn user(&self) -> Option<Cow<'_, [u8]>> {
        let user = self.noted(|py| intern!(py, "tidegate.user"));
        let user = user.filter(|user| !user.is_none()).or_else(|| match &self.source {
            // Set by a server that signs users in itself; no client can send it.
            Source::Wsgi(environ) => item(environ, intern!(environ.py(), "REMOTE_USER")),
            _ => None,
        })?;
        wide_bytes(&user).filter(|user| !user.is_empty()).map(Cow::Owned)
    }

    fn form(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let form = self.noted(|py| intern!(py, "tidegate.form"))?;
        wide_bytes(&form.get_item(name).ok()?).map(Cow::Owned)
    }

    fn key(&self, number: usize) -> Option<Cow<'_, [u8]>> {
        self.given.keys.as_ref()?.key(number).map(Cow::Owned)
    }

    fn limit(&self, rule: usize) -> Option<Cow<'_, str>> {
        self.given.keys.as_ref()?.limit(rule).map(Cow::Borrowed)
    }

    fn is_exempt(&self, rule: usize) -> bool {
        self.given.keys.as_ref().is_some_and(|known| known.is_exempt(rule))
    }

    fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    fn address(&self) -> Option<&str> {
        self.given.address.as_deref()
    }

    fn cost(&self) -> Option<u32> {
        let of_callable = || self.given.keys.as_ref().and_then(Known::cost);
        self.given.cost.map(|cost| cost.0).or_else(of_callable)
    }
}

/// Whether `part`, an address, stands anywhere in `line`: a server may have cut it out by rules of
/// its own.
fn contains(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|piece| piece == part)
}

/// The other end of the socket behind uvicorn's `receive`, a method of the object that has the
/// transport.
fn socket_peer<'py>(receive: &Bound<'py, PyAny>) -> Option<Text<'py>> {
    let py = receive.py();
    let connection = receive.getattr(intern!(py, "__self__")).ok()?;
    let transport = connection.getattr(intern!(py, "transport")).ok()?;
    let name = transport.call_method1(intern!(py, "get_extra_info"), ("peername",)).ok()?;
    Text::new(name.cast::<PyTuple>().ok()?.get_item(0).ok()?)
}
