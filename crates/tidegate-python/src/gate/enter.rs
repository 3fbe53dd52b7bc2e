//! Letting a request in, and past, for our own middlewares.

use pyo3::{intern, prelude::*, types::PyMapping};

use super::PyGate;
use crate::{
    answers::Known,
    decision::PyDecision,
    facts::{Given, Source},
    passage::{AsgiPassage, WsgiPassage},
    visit::{self, Visit},
};

#[pymethods]
impl PyGate {
    /// Begins what `enter_asgi` does, for a middleware that awaits the decision: true when the
    /// request is counted, and is here for the first time.
    #[pyo3(signature = (scope: "collections.abc.MutableMapping[str, typing.Any]"))]
    fn begin_asgi(slf: &Bound<'_, Self>, scope: &Bound<'_, PyMapping>) -> PyResult<bool> {
        Ok(!visit::is_free_asgi(scope)? && Visit::of(slf, scope)? != Visit::Again)
    }

    /// Ends what `begin_asgi` began.
    #[pyo3(signature = (
        scope: "collections.abc.MutableMapping[str, typing.Any]",
        send: "collections.abc.Callable[[typing.Any], collections.abc.Awaitable[None]]",
        decision: "Decision",
        /,
    ))]
    fn passage_asgi(
        &self,
        scope: &Bound<'_, PyMapping>,
        send: Bound<'_, PyAny>,
        decision: Py<PyDecision>,
    ) -> PyResult<AsgiPassage> {
        scope.set_item(intern!(scope.py(), "tidegate"), &decision)?;
        Ok(AsgiPassage::new(self.passage_of(scope.py(), decision, send), None))
    }

    /// Lets the request of an ASGI connection scope in, for a middleware: decides it, and puts
    /// the decision in the scope. `None` for what is not counted: a connection that is no
    /// request, a CORS preflight, and a request that has been here before.
    #[pyo3(signature = (
        scope: "collections.abc.MutableMapping[str, typing.Any]",
        receive: "collections.abc.Callable[[], typing.Any]",
        send: "collections.abc.Callable[[typing.Any], collections.abc.Awaitable[None]]",
        keys: "collections.abc.Mapping[int, str] | Answers | None" = None,
        /,
    ))]
    fn enter_asgi(
        slf: &Bound<'_, Self>,
        scope: &Bound<'_, PyMapping>,
        receive: &Bound<'_, PyAny>,
        send: Bound<'_, PyAny>,
        keys: Option<Known<'_>>,
    ) -> PyResult<Option<AsgiPassage>> {
        if visit::is_free_asgi(scope)? || Visit::of(slf, scope)? == Visit::Again {
            return Ok(None);
        }
        let given = Given { keys, ..Given::default() };
        let facts = slf.get().facts(Source::Asgi(scope, Some(receive)), given);
        let passage = slf.get().passage(&facts, send)?;
        scope.set_item(intern!(scope.py(), "tidegate"), passage.decision(scope.py()))?;
        Ok(Some(AsgiPassage::new(passage, None)))
    }

    /// Lets the request of a WSGI environment in, as `enter_asgi` does.
    #[pyo3(signature = (
        environ: "collections.abc.MutableMapping[str, typing.Any]",
        start_response: "collections.abc.Callable[..., typing.Any]",
        keys: "collections.abc.Mapping[int, str] | Answers | None" = None,
        /,
    ))]
    fn enter_wsgi(
        slf: &Bound<'_, Self>,
        environ: &Bound<'_, PyMapping>,
        start_response: Bound<'_, PyAny>,
        keys: Option<Known<'_>>,
    ) -> PyResult<Option<WsgiPassage>> {
        if visit::is_free_wsgi(environ) || Visit::of(slf, environ)? == Visit::Again {
            return Ok(None);
        }
        let given = Given { keys, ..Given::default() };
        let facts = slf.get().facts(Source::Wsgi(environ), given);
        let passage = slf.get().passage(&facts, start_response)?;
        let name = intern!(environ.py(), "tidegate.decision");
        environ.set_item(name, passage.decision(environ.py()))?;
        Ok(Some(WsgiPassage { passage, gate: slf.clone().unbind() }))
    }

    /// True when `enter_asgi` would decide this connection.
    #[pyo3(signature = (scope: "collections.abc.Mapping[str, typing.Any]"))]
    fn counts_asgi(slf: &Bound<'_, Self>, scope: &Bound<'_, PyMapping>) -> PyResult<bool> {
        Ok(!visit::is_free_asgi(scope)? && !visit::has_passed(slf, scope))
    }

    /// True when `enter_wsgi` would decide this request.
    #[pyo3(signature = (environ: "collections.abc.Mapping[str, typing.Any]"))]
    fn counts_wsgi(slf: &Bound<'_, Self>, environ: &Bound<'_, PyMapping>) -> bool {
        !visit::is_free_wsgi(environ) && !visit::has_passed(slf, environ)
    }
}
