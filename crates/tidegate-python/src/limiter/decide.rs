//! How a limiter decides for Python: at once, with the interpreter released, or to be awaited.

use pyo3::{prelude::*, types::PyString};
use tidegate::Decision;

use super::PyLimiter;
use crate::{
    convert::{KeyArg, Units},
    decision::PyDecision,
    errors::from_engine,
    hub::{Hub, Made, in_executor},
    many::Keys,
    ready::ready,
    switch,
};

impl PyLimiter {
    /// Warns of workers that count for themselves, before the first decision.
    pub(super) fn look_around(&self) {
        if !self.notices.is_settled() {
            Python::attach(|py| self.notices.before(py));
        }
    }

    pub(super) fn decide(&self, key: &KeyArg<'_>, cost: Units) -> PyResult<Decision> {
        self.look_around();
        if !switch::is_enabled() {
            return self.switched_off(key);
        }
        self.in_peace(|| self.limiter.check_cost(&key.0, cost.0))
    }

    /// Calls the engine; with the interpreter released if it may wait for a server. Otherwise
    /// not: the release costs more than a check.
    pub(super) fn in_peace<T: Send>(
        &self,
        work: impl FnOnce() -> Result<T, tidegate::Error> + Send,
    ) -> PyResult<T> {
        let done = if self.waits { Python::attach(|py| py.detach(work)) } else { work() };
        done.map_err(|error| from_engine(&error))
    }

    /// A decision that is awaited from a server, of a request of which no denial is known.
    pub(super) fn expected<'py>(
        &self,
        py: Python<'py>,
        key: &KeyArg<'_>,
        cost: Units,
        made: Made,
    ) -> PyResult<Bound<'py, PyAny>> {
        if !switch::is_enabled() {
            return ready(made.make(py, Ok(self.switched_off(key)?))?);
        }
        let (hub, running) = Hub::of_running_loop(py)?;
        let (future, expected) = hub.get().expect(&running, made)?;
        if self.is_own {
            let (limiter, key) = (self.limiter.clone(), key.0.to_vec());
            in_executor(&running, move || limiter.start(&key, cost.0, expected.into_done()))?;
        } else {
            self.limiter.start_unknown(&key.0, cost.0, expected.into_done());
        }
        Ok(future)
    }

    /// A refusal that is known without asking, as an awaitable that is done.
    pub(super) fn is_known(&self, key: &KeyArg<'_>, cost: Units) -> bool {
        switch::is_enabled() && self.limiter.known_denial(&key.0, cost.0).is_some()
    }

    pub(super) fn look(&self, key: &KeyArg<'_>, cost: Units) -> PyResult<Decision> {
        if !switch::is_enabled() {
            return self.switched_off(key);
        }
        self.in_peace(|| self.limiter.peek(&key.0, cost.0))
    }

    pub(super) fn switched_off(&self, key: &KeyArg<'_>) -> PyResult<Decision> {
        Ok(self.in_peace(|| self.limiter.peek(&key.0, 0))?.into_allowed())
    }

    pub(super) fn wrap(&self, decision: Decision, key: Bound<'_, PyAny>) -> PyDecision {
        let key = key.cast_into::<PyString>().ok().map(Bound::unbind);
        PyDecision::new(decision, &self.clock, key)
    }

    pub(super) fn check_each(
        &self,
        py: Python<'_>,
        keys: Keys<'_>,
        cost: Units,
    ) -> PyResult<Vec<PyDecision>> {
        self.look_around();
        let bytes = keys.bytes()?;
        if self.waits && switch::is_enabled() {
            let decisions = self.in_peace(|| self.limiter.check_many(&bytes, cost.0))?;
            drop(bytes);
            let pairs = decisions.into_iter().zip(keys.into_strs()?);
            let whole = |(decision, key)| PyDecision::new(decision, &self.clock, Some(key));
            return Ok(pairs.map(whole).collect());
        }
        if let (Some(maker), true) = (&self.maker, switch::is_enabled()) {
            let outcomes = self.limiter.outcome_many(&bytes, cost.0);
            let outcomes = outcomes.map_err(|error| from_engine(&error))?;
            drop(bytes);
            let pairs = outcomes.into_iter().zip(keys.into_strs()?);
            let short = |(outcome, key)| PyDecision::short(outcome, maker.clone_ref(py), key);
            return Ok(pairs.map(short).collect());
        }
        let decisions =
            bytes.iter().map(|key| self.decide(key, cost)).collect::<PyResult<Vec<_>>>();
        let decisions = decisions?;
        drop(bytes);
        let pairs = decisions.into_iter().zip(keys.into_strs()?);
        let whole = |(decision, key)| PyDecision::new(decision, &self.clock, Some(key));
        Ok(pairs.map(whole).collect())
    }

    pub(super) fn allow_each(&self, keys: &Keys<'_>, cost: Units) -> PyResult<Vec<bool>> {
        self.look_around();
        let bytes = keys.bytes()?;
        if !switch::is_enabled() {
            return Ok(vec![true; bytes.len()]);
        }
        self.in_peace(|| self.limiter.allow_many(&bytes, cost.0))
    }
}
