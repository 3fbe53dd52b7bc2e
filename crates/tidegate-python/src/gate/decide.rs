//! How a gate decides for Python: at once, with the interpreter released, or to be awaited.

use std::sync::Arc;

use pyo3::prelude::*;
use tidegate::{Decision, Nanos, Store, fields::Profile, subject_text};

use super::PyGate;
use crate::{
    callers::Callers,
    decision::PyDecision,
    errors::{ConfigError, from_engine},
    facts::{Given, PyFacts, Source},
    headers::report,
    hub::{Hub, Made, in_executor},
    passage::Passage,
    ready::ready,
    switch,
};

impl PyGate {
    pub(super) fn decide(&self, py: Python<'_>, facts: &PyFacts<'_, '_>) -> PyResult<PyDecision> {
        self.notices.before(py);
        let face = self.live.face();
        if self.only.is_none() && face.gate.is_idle() {
            return Ok(PyDecision::uncounted(&self.clock));
        }
        if !self.waits
            && switch::is_enabled()
            && let Some(brief) = face.gate.admit_briefly(facts)
        {
            let brief = brief.map_err(|error| from_engine(&error))?;
            return Ok(PyDecision::brief(brief, &self.clock).shown_in(face.profile));
        }
        let profile = face.profile;
        let decision = if !switch::is_enabled() {
            face.gate.peek(facts).map(Decision::into_allowed)
        } else if self.waits {
            // The request is Python's, and is not read while the interpreter is released.
            let question = face.gate.question(facts);
            drop(face);
            question.and_then(|question| py.detach(|| self.live.face().gate.ask(question)))
        } else {
            face.gate.admit(facts)
        };
        let decision = decision.map_err(|error| from_engine(&error))?;
        Ok(PyDecision::new(decision, &self.clock, None).shown_in(profile))
    }

    /// Where it counts, for others to count there too.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.live.store()
    }

    /// One request, as this gate asks about it.
    pub(super) fn facts<'a, 'py>(
        &self,
        source: Source<'a, 'py>,
        given: Given<'py>,
    ) -> PyFacts<'a, 'py> {
        PyFacts::new(source, given).only(self.only.clone())
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
        let question =
            self.live.face().gate.question(facts).map_err(|error| from_engine(&error))?;
        let (hub, running) = Hub::of_running_loop(py)?;
        let (clock, profile) = (Arc::clone(&self.clock), self.live.face().profile);
        let made = Made::Decision { clock, key: None, profile };
        let (future, expected) = hub.get().expect(&running, made)?;
        if self.is_own || question.has_steps() {
            let gate = Arc::clone(&self.live.face().gate);
            in_executor(&running, move || gate.start(question, expected.into_done()))?;
        } else {
            self.live.face().gate.start(question, expected.into_done());
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

    /// The passage of a request of which nothing is known but what its protocol says.
    pub(crate) fn passage_from(
        &self,
        source: Source<'_, '_>,
        next: Bound<'_, PyAny>,
    ) -> PyResult<Passage> {
        let py = next.py();
        if let Some(callers) = self.settled_callers()
            && let Some(decision) = callers.decide(py, &source)?
        {
            let (decision, report) = (Py::new(py, decision)?, callers.report());
            return Ok(Passage::new(py, decision, report, next.unbind()));
        }
        self.passage(&self.facts(source, Given::default()), next)
    }

    /// The clients that are found again by their peers' addresses alone.
    pub(super) fn settled_callers(&self) -> Option<&Callers> {
        self.callers.as_ref().filter(|_| self.notices.is_settled() && switch::is_enabled())
    }

    pub(super) fn passage_of(
        &self,
        py: Python<'_>,
        decision: Py<PyDecision>,
        next: Bound<'_, PyAny>,
    ) -> Passage {
        self.notices.after(py, decision.get().client());
        Passage::new(py, decision, self.report(), next.unbind())
    }

    /// What the header fields of a response depend on, apart from its decision.
    pub(super) fn report(&self) -> (Profile, Nanos) {
        report(self.live.face().profile.unwrap_or_default(), &*self.clock)
    }

    pub(crate) fn address(&self, source: Source<'_, '_>) -> String {
        self.live.face().gate.identify(&self.facts(source, Given::default())).address.to_string()
    }

    pub(super) fn subject(&self, rule: usize, facts: &PyFacts<'_, '_>) -> PyResult<String> {
        let count = self.live.face().gate.rules().len();
        if rule >= count {
            return Err(ConfigError::new_err(format!("there are {count} rules, none at {rule}")));
        }
        let subject =
            self.live.face().gate.subject(facts, rule).map_err(|error| from_engine(&error))?;
        Ok(subject_text(&subject).into_owned())
    }
}
