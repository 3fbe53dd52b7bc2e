//! The response to a request that may not go ahead.

use pyo3::{
    prelude::*,
    types::{PyDict, PyMapping},
};
use tidegate::{Nanos, fields::Profile};

use super::PyGate;
use crate::{
    convert::ProfileArg,
    decision::PyDecision,
    headers::{Protocol, report},
    noted::Inside,
    refusal::{PyRefusal, WsgiResponse, field_text},
};

#[pymethods]
impl PyGate {
    /// The response to a request that may not go ahead. `accept` is its Accept header field.
    ///
    /// `default` is the profile of header fields that a limit without one of its own is shown in;
    /// if omitted, that of the middleware around.
    #[pyo3(signature = (
        decision: "Decision",
        accept: "str | bytes | None" = None,
        default: "str | collections.abc.Sequence[str] | None" = None,
    ))]
    fn refusal(
        &self,
        py: Python<'_>,
        decision: &PyDecision,
        accept: Option<&Bound<'_, PyAny>>,
        default: Option<ProfileArg>,
    ) -> PyResult<PyRefusal> {
        let accept = accept.and_then(field_text);
        let report = self.report_inside(py, Inside::Anything, default.map(|it| it.0))?;
        PyRefusal::new(py, Protocol::Wsgi, decision, report, accept.as_deref())
    }

    /// The messages that refuse the connection of `scope`.
    #[pyo3(signature = (
        scope: "collections.abc.Mapping[str, typing.Any]",
        decision: "Decision",
    ) -> "list[dict[str, typing.Any]]")]
    fn refusal_asgi<'py>(
        &self,
        scope: &Bound<'py, PyMapping>,
        decision: &PyDecision,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let report = self.report_inside(scope.py(), Inside::Asgi, None)?;
        PyRefusal::asgi(scope, decision, report)
    }

    /// The status line, the header fields and the body that refuse the request of `environ`.
    #[pyo3(signature = (
        environ: "collections.abc.Mapping[str, typing.Any]",
        decision: "Decision",
    ) -> "tuple[str, list[tuple[str, str]], list[bytes]]")]
    fn refusal_wsgi(
        &self,
        environ: &Bound<'_, PyMapping>,
        decision: &PyDecision,
    ) -> PyResult<WsgiResponse> {
        let report = self.report_inside(environ.py(), Inside::Wsgi(environ), None)?;
        PyRefusal::wsgi(environ, decision, report)
    }
}

impl PyGate {
    /// As `report`; a gate that was told nothing speaks as `default`, or as the middleware around
    /// it does.
    fn report_inside<'py>(
        &self,
        py: Python<'py>,
        inside: Inside<'_, 'py>,
        default: Option<Profile>,
    ) -> PyResult<(Profile, Nanos)> {
        let own = self.live.face().profile.or(default);
        let profile = own.map_or_else(|| inside.outer_profile(py), |own| Ok(Some(own)))?;
        Ok(report(profile.unwrap_or_default(), &*self.clock))
    }
}
