//! `Refusal`: the response to a request that may not go ahead.

use pyo3::{
    prelude::*,
    types::{PyBytes, PyList, PyString},
};
use tidegate::fields::Profile;

use crate::{decision::PyDecision, errors::ConfigError, gate::asgi_list};

/// The response to a request that may not go ahead.
#[pyclass(frozen, name = "Refusal", module = "tidegate._native")]
pub(crate) struct PyRefusal {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl PyRefusal {
    pub(crate) fn new(
        decision: &PyDecision,
        profile: Profile,
        accept: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let accept = accept.and_then(field_text);
        let Some((status, body)) = decision.decision.refusal(accept.as_deref()) else {
            return Err(ConfigError::new_err(
                "the request was allowed; there is nothing to refuse",
            ));
        };
        let mut headers = vec![
            ("Content-Type", body.media_type.content_type().to_owned()),
            ("Content-Length", body.text.len().to_string()),
        ];
        headers.extend(decision.fields(profile));
        Ok(Self { status, headers, body: body.text })
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
    fn headers(&self) -> Vec<(&'static str, String)> {
        self.headers.clone()
    }

    /// The same, as ASGI wants them: byte strings, names in lower case.
    #[pyo3(signature = () -> "list[tuple[bytes, bytes]]")]
    fn asgi_headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        asgi_list(py, &self.headers)
    }

    /// What to say, in the form that the client asked for.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.body.as_bytes())
    }
}

/// A field value as text. Bytes that are no UTF-8 match no media type, and need no error.
fn field_text(value: &Bound<'_, PyAny>) -> Option<String> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Some(String::from_utf8_lossy(bytes.as_bytes()).into_owned());
    }
    Some(value.cast::<PyString>().ok()?.to_string_lossy().into_owned())
}
