//! Deciding about a request of either protocol, or about a call outside of any.

use pyo3::{prelude::*, types::PyMapping};

use super::PyGate;
use crate::{
    answers::Known,
    convert::Units,
    decision::PyDecision,
    facts::{Given, Source},
};

#[pymethods]
impl PyGate {
    /// Decides the request of an ASGI connection scope, and takes its cost if allowed.
    ///
    /// `receive` is asked for the other end of the socket when the server has put another
    /// address in the scope.
    #[pyo3(signature = (
        scope: "collections.abc.Mapping[str, typing.Any]",
        *,
        receive: "collections.abc.Callable[[], typing.Any] | None" = None,
        keys: "collections.abc.Mapping[int, str] | Answers | None" = None,
        address: "str | None" = None,
        cost: "int | None" = None,
    ))]
    fn admit_asgi(
        &self,
        scope: &Bound<'_, PyMapping>,
        receive: Option<&Bound<'_, PyAny>>,
        keys: Option<Known<'_>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<PyDecision> {
        let facts = self
            .facts(Source::Asgi(scope, receive), Given { keys, address, cost, ..Given::default() });
        self.decide(scope.py(), &facts)
    }

    /// Decides as `admit_asgi`, to be awaited. A store in this process answers without suspending.
    #[pyo3(signature = (
        scope: "collections.abc.Mapping[str, typing.Any]",
        *,
        receive: "collections.abc.Callable[[], typing.Any] | None" = None,
        keys: "collections.abc.Mapping[int, str] | Answers | None" = None,
        address: "str | None" = None,
        cost: "int | None" = None,
    ) -> "collections.abc.Awaitable[Decision]")]
    fn aadmit_asgi<'py>(
        &self,
        scope: &Bound<'py, PyMapping>,
        receive: Option<&Bound<'py, PyAny>>,
        keys: Option<Known<'py>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let facts = self
            .facts(Source::Asgi(scope, receive), Given { keys, address, cost, ..Given::default() });
        self.expected(scope.py(), &facts)
    }

    /// Decides as `admit_wsgi`, to be awaited.
    #[pyo3(signature = (
        environ: "collections.abc.Mapping[str, typing.Any]",
        *,
        keys: "collections.abc.Mapping[int, str] | Answers | None" = None,
        address: "str | None" = None,
        cost: "int | None" = None,
    ) -> "collections.abc.Awaitable[Decision]")]
    fn aadmit_wsgi<'py>(
        &self,
        environ: &Bound<'py, PyMapping>,
        keys: Option<Known<'py>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let facts =
            self.facts(Source::Wsgi(environ), Given { keys, address, cost, ..Given::default() });
        self.expected(environ.py(), &facts)
    }

    /// Decides as `admit`, to be awaited.
    #[pyo3(signature = (
        *,
        keys: "collections.abc.Mapping[int, str] | Answers | None" = None,
        address: "str | None" = None,
        cost: "int | None" = None,
    ) -> "collections.abc.Awaitable[Decision]")]
    fn aadmit<'py>(
        &self,
        py: Python<'py>,
        keys: Option<Known<'py>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.expected(
            py,
            &self.facts(Source::Nothing, Given { keys, address, cost, ..Given::default() }),
        )
    }

    /// Decides the request of a WSGI environment, and takes its cost if allowed.
    #[pyo3(signature = (environ: "collections.abc.Mapping[str, typing.Any]", *, keys: "collections.abc.Mapping[int, str] | Answers | None" = None, address: "str | None" = None, cost: "int | None" = None))]
    fn admit_wsgi(
        &self,
        environ: &Bound<'_, PyMapping>,
        keys: Option<Known<'_>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<PyDecision> {
        let facts =
            self.facts(Source::Wsgi(environ), Given { keys, address, cost, ..Given::default() });
        self.decide(environ.py(), &facts)
    }

    /// Decides a call outside any request, and takes its cost if allowed.
    #[pyo3(signature = (*, keys: "collections.abc.Mapping[int, str] | Answers | None" = None, address: "str | None" = None, cost: "int | None" = None))]
    fn admit(
        &self,
        py: Python<'_>,
        keys: Option<Known<'_>>,
        address: Option<String>,
        cost: Option<Units>,
    ) -> PyResult<PyDecision> {
        self.decide(
            py,
            &self.facts(Source::Nothing, Given { keys, address, cost, ..Given::default() }),
        )
    }

    /// The client's address by this gate's trust, from an ASGI connection scope.
    #[pyo3(signature = (
        scope: "collections.abc.Mapping[str, typing.Any]",
        *,
        receive: "collections.abc.Callable[[], typing.Any] | None" = None,
    ))]
    fn address_asgi(
        &self,
        scope: &Bound<'_, PyMapping>,
        receive: Option<&Bound<'_, PyAny>>,
    ) -> String {
        self.address(Source::Asgi(scope, receive))
    }

    /// The client's address by this gate's trust, from a WSGI environment.
    #[pyo3(signature = (environ: "collections.abc.Mapping[str, typing.Any]"))]
    fn address_wsgi(&self, environ: &Bound<'_, PyMapping>) -> String {
        self.address(Source::Wsgi(environ))
    }

    /// The positions of the rules that apply to an ASGI connection.
    #[pyo3(signature = (scope: "collections.abc.Mapping[str, typing.Any]"))]
    fn applying_asgi(&self, scope: &Bound<'_, PyMapping>) -> Vec<usize> {
        let facts = self.facts(Source::Asgi(scope, None), Given::default());
        self.live.face().gate.applying(&facts).collect()
    }

    /// The positions of the rules that apply to a WSGI request.
    #[pyo3(signature = (environ: "collections.abc.Mapping[str, typing.Any]"))]
    fn applying_wsgi(&self, environ: &Bound<'_, PyMapping>) -> Vec<usize> {
        let facts = self.facts(Source::Wsgi(environ), Given::default());
        self.live.face().gate.applying(&facts).collect()
    }

    /// Whom the rule at a position counts on an ASGI connection.
    #[pyo3(signature = (
        scope: "collections.abc.Mapping[str, typing.Any]",
        rule: "int",
        *,
        receive: "collections.abc.Callable[[], typing.Any] | None" = None,
        keys: "collections.abc.Mapping[int, str] | Answers | None" = None,
        address: "str | None" = None,
    ))]
    fn subject_asgi(
        &self,
        scope: &Bound<'_, PyMapping>,
        rule: usize,
        receive: Option<&Bound<'_, PyAny>>,
        keys: Option<Known<'_>>,
        address: Option<String>,
    ) -> PyResult<String> {
        let given = Given { keys, address, ..Given::default() };
        self.subject(rule, &self.facts(Source::Asgi(scope, receive), given))
    }

    /// Whom the rule at a position counts in a WSGI request.
    #[pyo3(signature = (
        environ: "collections.abc.Mapping[str, typing.Any]",
        rule: "int",
        *,
        keys: "collections.abc.Mapping[int, str] | Answers | None" = None,
        address: "str | None" = None,
    ))]
    fn subject_wsgi(
        &self,
        environ: &Bound<'_, PyMapping>,
        rule: usize,
        keys: Option<Known<'_>>,
        address: Option<String>,
    ) -> PyResult<String> {
        let given = Given { keys, address, ..Given::default() };
        self.subject(rule, &self.facts(Source::Wsgi(environ), given))
    }
}
