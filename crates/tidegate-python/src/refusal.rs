//! `Refusal`: the response to a request that may not go ahead, and its shape for each protocol.

use pyo3::{
    intern,
    prelude::*,
    types::{PyBytes, PyDict, PyList, PyMapping, PyString},
};
use tidegate::{
    Nanos,
    fields::{Profile, Value},
};

use crate::{
    decision::PyDecision,
    errors::ConfigError,
    headers::{Fields, Protocol},
    lookup::{asgi_header, item},
    visit::is_text,
};

/// The extension that lets a refused WebSocket handshake have a response of its own.
const DENIAL: &str = "websocket.http.response";
/// Closes a WebSocket: the server cannot go on for now.
const TRY_AGAIN_LATER: u16 = 1013;

/// A status line, header fields and a body.
pub(crate) type WsgiResponse = (&'static str, Py<PyList>, Vec<Py<PyBytes>>);

/// The response to a request that may not go ahead.
#[pyclass(frozen, name = "Refusal", module = "tidegate._native")]
pub(crate) struct PyRefusal {
    status: u16,
    headers: Py<PyList>,
    body: Py<PyBytes>,
}

impl PyRefusal {
    /// `accept` is the request's Accept header field.
    pub(crate) fn new(
        py: Python<'_>,
        protocol: Protocol,
        decision: &PyDecision,
        report: (Profile, Nanos),
        accept: Option<&str>,
    ) -> PyResult<Self> {
        let Some((status, body)) = decision.decision().refusal(accept) else {
            return Err(ConfigError::new_err(
                "the request was allowed; there is nothing to refuse",
            ));
        };
        let (profile, unix_now) = decision.report(report);
        let mut fields = Fields::new(py, protocol);
        fields.push("Content-Type", Value::Text(body.media_type.content_type()))?;
        fields.push("Content-Length", Value::Number(body.text.len() as u64))?;
        fields.push_report(decision, profile, unix_now)?;
        let headers = fields.into_list()?.unbind();
        Ok(Self { status, headers, body: PyBytes::new(py, body.text.as_bytes()).unbind() })
    }

    /// The messages that refuse the connection of `scope`: a response, or the closing of a
    /// WebSocket whose server cannot send one.
    pub(crate) fn asgi<'py>(
        scope: &Bound<'py, PyMapping>,
        decision: &PyDecision,
        report: (Profile, Nanos),
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let py = scope.py();
        let is = |name, value: &str| item(scope, name).is_some_and(|it| is_text(&it, value));
        let (start, end) = if !is(intern!(py, "type"), "websocket") {
            (intern!(py, "http.response.start"), intern!(py, "http.response.body"))
        } else if has_denial(scope) {
            let start = intern!(py, "websocket.http.response.start");
            (start, intern!(py, "websocket.http.response.body"))
        } else {
            let close = message(intern!(py, "websocket.close"))?;
            close.set_item(intern!(py, "code"), TRY_AGAIN_LATER)?;
            return Ok(vec![close]);
        };
        let accept = asgi_header(scope, "accept").into_iter().next();
        let accept = accept.as_ref().map(|value| String::from_utf8_lossy(value));
        let refusal = Self::new(py, Protocol::Asgi, decision, report, accept.as_deref())?;
        let start = message(start)?;
        start.set_item(intern!(py, "status"), refusal.status)?;
        start.set_item(intern!(py, "headers"), refusal.headers)?;
        let end = message(end)?;
        let is_head = is(intern!(py, "method"), "HEAD");
        let body = if is_head { PyBytes::new(py, b"").unbind() } else { refusal.body };
        end.set_item(intern!(py, "body"), body)?;
        Ok(vec![start, end])
    }

    /// What refuses the request of `environ`.
    pub(crate) fn wsgi(
        environ: &Bound<'_, PyMapping>,
        decision: &PyDecision,
        report: (Profile, Nanos),
    ) -> PyResult<WsgiResponse> {
        let py = environ.py();
        let accept = item(environ, intern!(py, "HTTP_ACCEPT"));
        let accept = accept.as_ref().and_then(field_text);
        let refusal = Self::new(py, Protocol::Wsgi, decision, report, accept.as_deref())?;
        let line = match refusal.status {
            403 => "403 Forbidden",
            429 => "429 Too Many Requests",
            _ => "503 Service Unavailable",
        };
        let method = item(environ, intern!(py, "REQUEST_METHOD"));
        let is_head = method.is_some_and(|method| is_text(&method, "HEAD"));
        Ok((line, refusal.headers, if is_head { vec![] } else { vec![refusal.body] }))
    }
}

#[pymethods]
impl PyRefusal {
    /// The HTTP status: 429 for a limit.
    #[getter]
    fn status(&self) -> u16 {
        self.status
    }

    /// Content type and length, Retry-After, and the fields of the gate's profile.
    #[getter]
    fn headers(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        self.headers.bind(py).extract()
    }

    /// What to say, in the form that the client asked for.
    #[getter]
    fn body(&self, py: Python<'_>) -> Py<PyBytes> {
        self.body.clone_ref(py)
    }
}

fn message<'py>(kind: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyDict>> {
    let message = PyDict::new(kind.py());
    message.set_item(intern!(kind.py(), "type"), kind)?;
    Ok(message)
}

fn has_denial(scope: &Bound<'_, PyMapping>) -> bool {
    let extensions = item(scope, intern!(scope.py(), "extensions"));
    extensions.is_some_and(|extensions| extensions.contains(DENIAL).unwrap_or(false))
}

/// A field value as text. Bytes that are no UTF-8 match no media type, and need no error.
pub(crate) fn field_text(value: &Bound<'_, PyAny>) -> Option<String> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Some(String::from_utf8_lossy(bytes.as_bytes()).into_owned());
    }
    Some(value.cast::<PyString>().ok()?.to_string_lossy().into_owned())
}
