//! Asking a gate from inside an application that another gate stands around.
//!
//! One call for what the adapters of frameworks would otherwise ask one after the other.

use pyo3::{
    prelude::*,
    types::{PyMapping, PyString},
};

use super::PyGate;
use crate::{
    convert::Units,
    decision::PyDecision,
    facts::{Given, Source},
    noted::{Current, Noted},
    visit,
};

#[allow(clippy::needless_pass_by_value, reason = "arguments made by extraction are ours")]
#[pymethods]
impl PyGate {
    /// Decides the request of an ASGI connection scope, and tells the middleware around the
    /// application; `None` for what is not counted: a CORS preflight, and what this gate has let
    /// in already.
    ///
    /// `noted` is what the middleware has noted, and `asks_outer` whether its gate knows whom to
    /// believe. `route` stands in for the scope's.
    #[pyo3(signature = (
        scope: "collections.abc.Mapping[str, typing.Any]",
        receive: "collections.abc.Callable[[], typing.Any] | None",
        noted: "collections.abc.Sequence[typing.Any] | None",
        asks_outer: "bool",
        route: "str | None",
        /,
    ) -> "Decision | None")]
    fn ask_asgi<'py>(
        slf: &Bound<'py, Self>,
        scope: &Bound<'py, PyMapping>,
        receive: Option<&Bound<'py, PyAny>>,
        noted: Current<'py>,
        asks_outer: bool,
        route: Option<Bound<'py, PyString>>,
    ) -> PyResult<Option<Bound<'py, PyDecision>>> {
        if visit::is_free_asgi(scope)? || visit::has_passed(slf, scope) {
            return Ok(None);
        }
        let Current(noted) = noted;
        let address = noted.as_ref().filter(|_| asks_outer).and_then(Noted::outer_address);
        let given = Given { address, route, ..Given::default() };
        let source = Source::Asgi(scope, receive);
        slf.get().ask(scope.py(), source, given, noted.as_ref()).map(Some)
    }

    /// Decides the request of a WSGI environment, as `ask_asgi` does. `cost` stands in for the
    /// rules' own.
    #[pyo3(signature = (
        environ: "collections.abc.Mapping[str, typing.Any]",
        noted: "collections.abc.Sequence[typing.Any] | None",
        asks_outer: "bool",
        route: "str | None",
        cost: "int | None",
        /,
    ) -> "Decision | None")]
    fn ask_wsgi<'py>(
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyMapping>,
        noted: Current<'py>,
        asks_outer: bool,
        route: Option<Bound<'py, PyString>>,
        cost: Option<Units>,
    ) -> PyResult<Option<Bound<'py, PyDecision>>> {
        if visit::is_free_wsgi(environ) || visit::has_passed(slf, environ) {
            return Ok(None);
        }
        let Current(noted) = noted;
        let noted = noted.or_else(|| Noted::kept(environ));
        let address = noted.as_ref().filter(|_| asks_outer).and_then(Noted::outer_address);
        let given = Given { address, cost, route, ..Given::default() };
        slf.get().ask(environ.py(), Source::Wsgi(environ), given, noted.as_ref()).map(Some)
    }
}

impl PyGate {
    fn ask<'py>(
        &self,
        py: Python<'py>,
        source: Source<'_, 'py>,
        given: Given<'py>,
        noted: Option<&Noted<'py>>,
    ) -> PyResult<Bound<'py, PyDecision>> {
        let known = match self.settled_callers() {
            // A route makes no difference to a gate that knows callers.
            Some(callers) if given.address.is_none() && given.cost.is_none() => {
                callers.decide(py, &source)?
            }
            _ => None,
        };
        let decision = match known {
            Some(decision) => decision,
            None => self.decide(py, &self.facts(source, given))?,
        };
        let decision = Bound::new(py, decision)?;
        if let Some(noted) = noted {
            noted.consider(&decision)?;
        }
        Ok(decision)
    }
}
