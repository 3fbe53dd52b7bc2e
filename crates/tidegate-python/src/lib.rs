//! The extension module `tidegate._native`: convert, call, convert.
//!
//! Every decision is made by the `tidegate` crate. Here Python values become its arguments,
//! its answers become Python objects, and its errors become the classes of
//! `tidegate/errors.py`. The one crate that names `pyo3`.

mod answers;
mod applies;
mod callers;
mod clock;
mod command;
mod convert;
mod counted;
mod course;
mod custom;
mod decision;
mod entry;
mod errors;
mod facts;
mod fastcall;
mod gate;
mod headers;
mod hub;
mod limiter;
mod lookup;
mod many;
mod noted;
mod notices;
mod origin;
mod passage;
mod pickle;
mod ready;
mod refusal;
mod rule;
mod setup;
mod store;
mod switch;
mod usual;
mod visit;

/// The compiled part of tidegate. Times are seconds unless a name says otherwise.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use super::answers::Answers;
    #[pymodule_export]
    use super::clock::{PyClock, set_default_clock};
    #[pymodule_export]
    use super::command::run_command;
    #[pymodule_export]
    use super::counted::PyCountedKey;
    #[pymodule_export]
    use super::custom::PyStep;
    #[pymodule_export]
    use super::decision::PyDecision;
    #[pymodule_export]
    use super::entry::{AsgiEntry, WsgiEntry};
    #[pymodule_export]
    use super::fastcall::quicken;
    #[pymodule_export]
    use super::gate::PyGate;
    #[pymodule_export]
    use super::limiter::{PyLimiter, canonical_limit};
    #[pymodule_export]
    use super::passage::{AsgiPassage, WsgiPassage};
    #[pymodule_export]
    use super::pickle::restore_decision;
    #[pymodule_export]
    use super::refusal::PyRefusal;
    #[pymodule_export]
    use super::rule::PyRule;
    #[pymodule_export]
    use super::store::postgres_schema;
    #[pymodule_export]
    use super::switch::set_enabled;
}
