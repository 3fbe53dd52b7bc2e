//! What a call from Python into an extension costs when nothing is done there.

use std::hint::black_box;

use pyo3::prelude::*;

/// Does nothing.
#[pyclass(frozen)]
struct Bare;

#[pymethods]
#[expect(clippy::unused_self, reason = "a method is what is measured")]
impl Bare {
    #[new]
    fn new() -> Self {
        Self
    }

    /// Takes a string and answers true.
    fn nothing(&self, key: &str) -> bool {
        black_box(key);
        true
    }
}

/// One class with one method.
#[pymodule]
mod bare {
    #[pymodule_export]
    use super::Bare;
}
