//! A gate that a configuration file describes, and that follows the file.

use std::{path::PathBuf, sync::Arc};

use pyo3::{
    prelude::*,
    types::{PyDict, PyString},
};
use tidegate::{Watch, config::Watch as Files};

use super::{
    PyGate,
    live::{Found, Live},
};
use crate::{
    clock::{self, PyClock},
    errors::{ConfigError, from_engine},
    notices::Notices,
    store,
};

#[allow(clippy::needless_pass_by_value, reason = "arguments made by extraction are ours")]
#[pymethods]
impl PyGate {
    /// The gate that a configuration file describes: TOML or YAML, by the ending of its name.
    ///
    /// Raises `ConfigError` with every mistake in it, each with file, line, column and field.
    /// What is only probably not meant is returned beside the gate, to be told to somebody.
    #[staticmethod]
    #[pyo3(signature = (
        path: "str",
        *,
        clock: "Clock | None" = None,
        on_breach: "collections.abc.Callable[..., typing.Any] | None" = None,
        template: "str | None" = None,
    ) -> "tuple[Gate, list[str]]")]
    fn configured(
        py: Python<'_>,
        path: PathBuf,
        clock: Option<&Bound<'_, PyClock>>,
        on_breach: Option<Py<PyAny>>,
        template: Option<String>,
    ) -> PyResult<(Self, Vec<String>)> {
        let (watch, loaded) = py
            .detach(|| Files::open(&path))
            .map_err(|problems| ConfigError::new_err(problems.to_string()))?;
        let clock = clock::choose(clock);
        let store = store::open(loaded.store_url())?;
        let mut builder = loaded.builder().shared_store(store).clock(Arc::clone(&clock));
        if loaded.config.admin.is_some() {
            builder = builder.watched(Arc::new(Watch::new()));
        }
        let gate = builder.build().map_err(|error| from_engine(&error))?;
        let (notices, waits) = (Arc::new(Notices::following(gate.store_name())), gate.waits());
        let live = Arc::new(Live::of(watch, &loaded, gate));
        let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
        let (rules, only, is_own) = (Vec::new(), None, false);
        let callers = None;
        let made =
            Self { live, rules, only, clock, notices, callers, waits, is_own, on_breach, template };
        Ok((made, warnings))
    }

    /// Reads the configuration again if its file has changed, or in any case with `force`, and
    /// goes on with it; counts are kept. Returns what is to be said about it, or `None` when
    /// nothing has changed.
    ///
    /// Raises `ConfigError` when something is wrong with it, once for each mistake; the rules stay
    /// as they are then.
    #[pyo3(signature = (*, force: "bool" = false) -> "list[str] | None")]
    fn reload(&self, py: Python<'_>, force: bool) -> PyResult<Option<Vec<String>>> {
        match py.detach(|| self.live.reload(force)) {
            Found::Nothing => Ok(None),
            Found::Changed(remarks) => Ok(Some(remarks)),
            Found::Wrong(wrong) => Err(ConfigError::new_err(wrong)),
        }
    }

    /// This gate for one rule of the configuration, whether or not the rule is one that is only
    /// applied by name. Raises `ConfigError` when there is none of this name.
    #[pyo3(signature = (rule: "str") -> "Gate")]
    fn named(&self, py: Python<'_>, rule: &Bound<'_, PyString>) -> PyResult<Self> {
        let rule: Arc<str> = rule.to_cow()?.as_ref().into();
        self.live.name(&rule).map_err(|error| from_engine(&error))?;
        Ok(Self {
            live: Arc::clone(&self.live),
            rules: Vec::new(),
            only: Some(rule),
            clock: Arc::clone(&self.clock),
            callers: None,
            notices: Arc::clone(&self.notices),
            waits: self.waits,
            is_own: self.is_own,
            on_breach: self.on_breach.as_ref().map(|callable| callable.clone_ref(py)),
            template: self.template.clone(),
        })
    }

    /// Answers whoever may ask, at the admin socket that the configuration names, if it does; from
    /// now on, in this process. Raises `ConfigError` when no socket can be made there.
    fn open_admin(&self) -> PyResult<()> {
        #[cfg(unix)]
        return self.live.open_admin().map_err(ConfigError::new_err);
        #[cfg(not(unix))]
        Ok(())
    }

    /// Answers nobody any more.
    fn close_admin(&self) {
        #[cfg(unix)]
        self.live.close_admin();
    }

    /// Looks whether the configuration has changed before the next decision: called when the
    /// process has been forked, and nobody is there any more to look.
    /// What the parent had counted for whoever may ask is not this process's.
    fn unsettle(&self) {
        if let Some(watch) = self.live.face().gate.watch() {
            watch.clear();
        }
        self.notices.unsettle();
    }

    /// How often the rules have been replaced; `None` for a gate whose rules stay.
    #[getter]
    fn version(&self) -> Option<u64> {
        self.live.changes().then(|| self.live.face().version)
    }

    /// What the configuration says for limits that code makes beside it, as keywords of `Gate`:
    /// this gate as their store, the trust, the header fields. As it was read first.
    #[pyo3(signature = () -> "dict[str, typing.Any]")]
    fn defaults<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(slf.py());
        found.set_item("store", slf)?;
        slf.get().live.with_source(|source| {
            let config = &source.config;
            if let Some(trusted) = &config.trusted_proxies {
                match &trusted.texts().collect::<Vec<_>>()[..] {
                    [hops] if hops.bytes().all(|byte| byte.is_ascii_digit()) => {
                        found.set_item("trusted_proxies", hops.parse::<u8>().unwrap_or(u8::MAX))?;
                    }
                    networks => found.set_item("trusted_proxies", networks)?,
                }
            }
            if let Some(header) = &config.forwarded_header {
                found.set_item("forwarded_header", header.text())?;
            }
            found.set_item("ipv6_prefix", config.ipv6_prefix)?;
            let headers = config.headers.as_ref().map(|it| it.texts().collect::<Vec<_>>());
            headers.map_or(Ok(()), |headers| found.set_item("headers", headers))
        });
        Ok(found)
    }

    /// The configuration that this gate follows: its file, when it was taken over, in seconds
    /// since 1970, how many times a reload failed, and why the last one did. `None` when there is
    /// none.
    #[pyo3(signature = () -> "dict[str, typing.Any] | None")]
    fn configuration<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let told = self.live.with_source(|source| {
            let told = PyDict::new(py);
            told.set_item("file", source.file.as_os_str())?;
            told.set_item("loaded_at", source.loaded_at)?;
            told.set_item("failures", source.failures)?;
            told.set_item("error", source.error.as_deref())?;
            told.set_item("admin", source.admin())?;
            Ok(told)
        });
        told.transpose()
    }
}
