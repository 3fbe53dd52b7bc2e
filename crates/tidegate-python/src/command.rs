//! The command `tidegate`, as the Python package installs it.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command `tidegate`; returns its exit status. The first argument is the program's name.
///
/// For `python -m tidegate` and the script of that name: it writes to the process's own standard
/// output.
#[pyfunction]
#[pyo3(signature = (arguments: "collections.abc.Sequence[str]") -> "int")]
pub(crate) fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| tidegate_cli::run(arguments))
}
