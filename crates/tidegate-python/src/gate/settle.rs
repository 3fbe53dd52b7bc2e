//! The end of a request: what its rules do not charge for is given back.

use pyo3::{
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyMapping},
};
use tidegate::Ending;

use super::PyGate;
use crate::{convert::Units, decision::PyDecision, errors::from_engine, ready::ready};

#[pymethods]
impl PyGate {
    /// Whether the end of any request matters, and is to be told to `settle`.
    #[getter]
    fn settles(&self) -> bool {
        // What does not matter now may matter after a change.
        self.live.changes() || self.live.face().gate.settles()
    }

    /// Tells the end of a request: gives back what its rules do not charge for. Only the first
    /// call for a decision does anything.
    ///
    /// `status` is the response's, `None` when the handler raised; `cost` is what the request
    /// cost in the end; `charges` tells for rules, by position, whether they charge.
    #[pyo3(signature = (
        decision: "Decision",
        status: "int | None" = None,
        *,
        cost: "int | None" = None,
        charges: "collections.abc.Mapping[int, bool] | None" = None,
    ))]
    fn settle(
        &self,
        py: Python<'_>,
        decision: &PyDecision,
        status: Option<u16>,
        cost: Option<Units>,
        charges: Option<&Bound<'_, PyMapping>>,
    ) -> PyResult<()> {
        let told = charges.map(told).transpose()?;
        let charge = |rule: usize| {
            let told = told.as_ref()?;
            told.iter().find(|(of, _)| *of == rule).map(|(_, charges)| *charges)
        };
        let decision = decision.decision();
        let ending = |charges| Ending { status, cost: cost.map(|cost| cost.0), charges };
        let settled = if self.waits {
            py.detach(|| self.live.face().gate.settle(decision, &ending(Some(&charge))))
        } else {
            self.live.face().gate.settle(decision, &ending(Some(&charge)))
        };
        settled.map_err(|error| from_engine(&error))
    }

    /// Tells the end of a request as `settle` does, to be awaited.
    #[pyo3(signature = (
        decision: "Decision",
        status: "int | None" = None,
        *,
        cost: "int | None" = None,
        charges: "collections.abc.Mapping[int, bool] | None" = None,
    ) -> "collections.abc.Awaitable[None]")]
    fn asettle<'py>(
        slf: &Bound<'py, Self>,
        decision: &Bound<'py, PyDecision>,
        status: Option<u16>,
        cost: Option<Units>,
        charges: Option<&Bound<'py, PyMapping>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if !slf.get().waits {
            slf.get().settle(py, decision.get(), status, cost, charges)?;
            return ready(py.None().into_bound(py));
        }
        let options = PyDict::new(py);
        options.set_item(intern!(py, "cost"), cost.map(|cost| cost.0))?;
        options.set_item(intern!(py, "charges"), charges)?;
        let method = slf.getattr(intern!(py, "settle"))?;
        let partial = PARTIAL.import(py, "functools", "partial")?;
        let call = partial.call((method, decision, status), Some(&options))?;
        let running = RUNNING.import(py, "asyncio", "get_running_loop")?.call0()?;
        running.call_method1(intern!(py, "run_in_executor"), (py.None(), call))
    }
}

static PARTIAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn told(charges: &Bound<'_, PyMapping>) -> PyResult<Vec<(usize, bool)>> {
    charges.items()?.iter().map(|pair| pair.extract()).collect()
}
