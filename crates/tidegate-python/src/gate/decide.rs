//! How a gate decides for Python: at once, with the interpreter released, or to be awaited.

use std::sync::Arc;

use pyo3::prelude::*;
use tidegate::{Decision, Nanos, fields::Profile, subject_text};

use super::PyGate;
use crate::{
    decision::PyDecision,
    errors::{ConfigError, from_engine},
    facts::{Given, PyFacts, Source},
    hub::{Hub, Made, in_executor},
    passage::Passage,
    ready::ready,
    switch,
};

impl PyGate {
    pub(super) fn decide(&self, py: Python<'_>, facts: &PyFacts<'_, '_>) -> PyResult<PyDecision> {
        self.notices.before(py);
        let decision = if !switch::is_enabled() {
            self.gate.peek(facts).map(Decision::into_allowed)
        } else if self.waits {
            // The request is Python's, and is not read while the interpreter is released.
            let question = self.gate.question(facts);
            question.and_then(|question| py.detach(|| self.gate.ask(question)))
        } else {
            self.gate.admit(facts)
        };
        Ok(PyDecision::new(decision.map_err(|error| from_engine(&error))?, &self.clock, None))
    }

    /// A decision that is awaited.
    pub(super) fn expected<'py>(
        &self,
        py: Python<'py>,
        facts: &PyFacts<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if !self.waits || !switch::is_enabled() {
            return ready(Bound::new(py, self.decide(py, facts)?)?.into_any());
        }
        let question = self.gate.question(facts).map_err(|error| from_engine(&error))?;
        let (hub, running) = Hub::of_running_loop(py)?;
        let made = Made::Decision { clock: Arc::clone(&self.clock), key: None };
        let (future, expected) = hub.get().expect(&running, made)?;
        if self.is_own || question.has_steps() {
            let gate = Arc::clone(&self.gate);
            in_executor(&running, move || gate.start(question, expected.into_done()))?;
        } else {
            self.gate.start(question, expected.into_done());
        }
        Ok(future)
    }

    /// What one of our middlewares remembers of its request; `next` is whom to pass it on to.
    pub(super) fn passage(
        &self,
        facts: &PyFacts<'_, '_>,
        next: Bound<'_, PyAny>,
    ) -> PyResult<Passage> {
        let py = next.py();
        let decision = Py::new(py, self.decide(py, facts)?)?;
        Ok(self.passage_of(py, decision, next))
    }

    pub(super) fn passage_of(
        &self,
        py: Python<'_>,
        decision: Py<PyDecision>,
        next: Bound<'_, PyAny>,
    ) -> Passage {
        self.notices.after(py, decision.get().decision());
        Passage::new(py, decision, self.report(), next.unbind())
    }

    /// What the header fields of a response depend on, apart from its decision.
    pub(super) fn report(&self) -> (Profile, Nanos) {
        // No other profile tells a time of day.
        let is_told = self.profile.contains(Profile::X_RATELIMIT);
        let unix_now = if is_told { self.clock.unix_now() } else { Nanos::ZERO };
        (self.profile, unix_now)
    }

    pub(super) fn address(&self, source: Source<'_, '_>) -> String {
        self.gate.identify(&PyFacts::new(source, Given::default())).address.to_string()
    }

    pub(super) fn subject(&self, rule: usize, facts: &PyFacts<'_, '_>) -> PyResult<String> {
        if rule >= self.rules.len() {
            let count = self.rules.len();
            return Err(ConfigError::new_err(format!("there are {count} rules, none at {rule}")));
        }
        let subject = self.gate.subject(facts, rule).map_err(|error| from_engine(&error))?;
        Ok(subject_text(&subject).into_owned())
    }
}
