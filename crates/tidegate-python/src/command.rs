//! The program `tidegate`, for those who have it from the Python package.

use std::ffi::OsString;

use pyo3::{Python, pyfunction};

/// Runs the program `tidegate` with these arguments, the first of which is its name, and returns
/// its exit status.
///
/// What it says goes to the process's standard output and standard error, past `sys.stdout`. The
/// interpreter is released meanwhile; a signal is not looked at before the program has ended.
#[pyfunction]
#[pyo3(signature = (argv: "list[str]") -> "int")]
pub(crate) fn run_command(py: Python<'_>, argv: Vec<OsString>) -> u8 {
    py.detach(|| tidegate_cli::run(argv))
}
