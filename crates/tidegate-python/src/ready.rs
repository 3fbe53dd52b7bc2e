//! An awaitable whose answer is already there.

use pyo3::{exceptions::PyStopIteration, prelude::*};

/// An answer that is already there: awaiting it never suspends.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct Ready(pub(crate) Py<PyAny>);

#[pymethods]
impl Ready {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        // How a generator returns: the value of the `await` expression.
        Err(PyStopIteration::new_err((self.0.clone_ref(py),)))
    }
}
