//! Opening stores by their URLs, what the log hears of them, and what they tell of themselves.

use std::sync::Arc;

use pyo3::{
    prelude::*,
    types::{PyDict, PyString},
};
use tidegate::{Event, Health, Listener, OnStoreError, StateKeeper, Store, open_store_with};

use crate::{
    custom::CustomStore,
    errors::{ConfigError, from_engine, wrong_type},
    gate::PyGate,
};

/// The store that a user gave, by its URL, one of his own, or that of another gate; and whether it is his own, which
/// may wait for anything. In memory if none was given.
pub(crate) fn of_user(store: Option<&Bound<'_, PyAny>>) -> PyResult<(Arc<dyn Store>, bool)> {
    let Some(store) = store else { return Ok((open("memory://")?, false)) };
    if let Ok(url) = store.cast::<PyString>() {
        return Ok((open(&url.to_cow()?)?, false));
    }
    if let Ok(gate) = store.cast::<PyGate>() {
        return Ok((gate.get().store(), false));
    }
    match CustomStore::new(store)? {
        Some(custom) => Ok((Arc::new(StateKeeper::new(custom, listener("custom"))), true)),
        None => {
            Err(wrong_type("store", store, "a URL, or an object with `transact` (tidegate.stores)"))
        }
    }
}

/// Opens the store that `url` names. Outages go to the log.
pub(crate) fn open(url: &str) -> PyResult<Arc<dyn Store>> {
    let scheme = url.split(':').next().unwrap_or_default();
    open_store_with(url, listener(scheme)).map_err(|error| from_engine(&error))
}

/// Tells the log of outages of the store `name`.
fn listener(name: &str) -> Listener {
    let name = name.to_owned();
    Arc::new(move |event| tell(&name, event))
}

/// Writes a line in the log. Whoever noticed may be a thread that Python knows nothing of, and
/// the interpreter may be on its way out.
fn tell(scheme: &str, event: &Event) {
    let error = match event {
        Event::Down(error) => Some(error.to_string()),
        Event::Up => None,
        _ => return,
    };
    Python::try_attach(|py| {
        let said = py
            .import("tidegate._store")
            .and_then(|module| module.getattr("tell")?.call1((scheme, error)));
        if let Err(error) = said {
            error.write_unraisable(py, None);
        }
    });
}

/// What becomes of a request when the store gives no answer.
pub(crate) fn mode(text: &str) -> PyResult<OnStoreError> {
    text.parse().map_err(|_| {
        ConfigError::new_err(format!(
            "`on_store_error` must be \"open\", \"closed\" or \"local\", got {text:?}"
        ))
    })
}

/// The SQL that makes the schema of a store in PostgreSQL, for those who have
/// `auto_migrate=false` in its URL. It may be run again.
#[pyfunction]
#[pyo3(signature = (schema: "str" = "tidegate", *, unlogged: "bool" = true))]
pub(crate) fn postgres_schema(schema: &str, unlogged: bool) -> PyResult<String> {
    tidegate::postgres_schema(schema, unlogged).map_err(|error| from_engine(&error))
}

/// What happened with a store in this process.
pub(crate) fn stats<'py>(py: Python<'py>, store: &dyn Store) -> PyResult<Bound<'py, PyDict>> {
    let stats = PyDict::new(py);
    stats.set_item("store", store.name())?;
    let Some(remote) = store.remote() else { return Ok(stats) };
    let health = match remote.health() {
        Health::Up => "up",
        Health::Down => "down",
    };
    let counts = remote.stats();
    stats.set_item("health", health)?;
    stats.set_item("exchanges", counts.exchanges)?;
    stats.set_item("decided", counts.decided)?;
    stats.set_item("coalesced", counts.coalesced)?;
    stats.set_item("known", counts.known)?;
    stats.set_item("failures", counts.failures)?;
    stats.set_item("timeouts", counts.timeouts)?;
    stats.set_item("outages", counts.outages)?;
    Ok(stats)
}
