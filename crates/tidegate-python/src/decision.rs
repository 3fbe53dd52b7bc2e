//! `Decision`: the answer to one request, with derived values worked out when asked for.

use std::sync::{Arc, OnceLock};

use pyo3::{
    prelude::*,
    types::{PyDict, PyString},
};
use tidegate::{
    Brief, Client, Clock, Decision, Nanos, Outcome, Verdict,
    address::Source,
    fields::{Profile, Value, x_ratelimit},
    subject_text,
};

use crate::{
    convert::{ProfileArg, Seconds},
    headers::{Fields, Protocol, report},
    origin::{Known, Maker, Origin, Whole},
    pickle,
};

/// The answer to one request. Truthy when the request may go ahead.
#[pyclass(frozen, name = "Decision", module = "tidegate")]
pub(crate) struct PyDecision {
    outcome: Outcome,
    key: Option<Py<PyString>>,
    /// The header fields that the gate was told to show its decisions in, if it was.
    profile: Option<Profile>,
    origin: Origin,
}

impl PyDecision {
    pub(crate) fn new(
        decision: Decision,
        clock: &Arc<dyn Clock>,
        key: Option<Py<PyString>>,
    ) -> Self {
        let outcome = decision.outcome();
        let origin = Origin::Whole(Arc::clone(clock), Whole::new(decision));
        Self { outcome, key, profile: None, origin }
    }

    /// A decision that is worked out when somebody asks for more than its outcome.
    pub(crate) fn short(outcome: Outcome, maker: Py<Maker>, key: Py<PyString>) -> Self {
        let origin = Origin::Maker(maker, OnceLock::new());
        Self { outcome, key: Some(key), profile: None, origin }
    }

    /// A decision of which a gate has told the outlines.
    pub(crate) fn brief(brief: Brief, clock: &Arc<dyn Clock>) -> Self {
        let outcome = brief.outcome;
        let origin = Origin::Brief(Arc::clone(clock), Box::new(brief), OnceLock::new());
        Self { outcome, key: None, profile: None, origin }
    }

    /// A decision about somebody who is known.
    pub(crate) fn of_known(outcome: Outcome, known: Py<Known>) -> Self {
        let origin = Origin::Known(known, OnceLock::new());
        Self { outcome, key: None, profile: None, origin }
    }

    /// A decision that no limit has a part in.
    pub(crate) fn uncounted(clock: &Arc<dyn Clock>) -> Self {
        let origin = Origin::Uncounted(Arc::clone(clock), OnceLock::new());
        Self { outcome: Outcome::UNCOUNTED, key: None, profile: None, origin }
    }

    /// The same decision in another process.
    pub(crate) fn restored(
        decision: Decision,
        clock: &Arc<dyn Clock>,
        key: Option<Py<PyString>>,
        id: String,
    ) -> Self {
        let outcome = decision.outcome();
        let whole = Whole::restored(decision, id);
        Self { outcome, key, profile: None, origin: Origin::Whole(Arc::clone(clock), whole) }
    }

    /// The same decision, shown in these header fields wherever it is shown.
    pub(crate) const fn shown_in(mut self, profile: Option<Profile>) -> Self {
        self.profile = profile;
        self
    }

    /// What the header fields of a response depend on besides: its own, or else what whoever
    /// makes the response has.
    pub(crate) fn report(&self, others: (Profile, Nanos)) -> (Profile, Nanos) {
        self.profile.map_or(others, |profile| report(profile, &**self.clock()))
    }

    /// The whole decision.
    pub(crate) fn decision(&self) -> &Decision {
        &self.origin.whole(self.outcome).decision
    }

    /// Whether the end of the request matters.
    pub(crate) fn settles(&self) -> bool {
        self.origin.more().is_some_and(Decision::settles)
    }

    /// Whether the request may go ahead at once.
    pub(crate) fn is_open(&self) -> bool {
        self.outcome.is_allowed() && self.outcome.answer.delay == Nanos::ZERO
    }

    /// Who is calling, when a gate found out.
    pub(crate) fn client(&self) -> Option<&Client> {
        self.origin.client()
    }

    /// Whether a response should rather speak of this decision than of `other`.
    pub(crate) fn binds_more_than(&self, other: &Self) -> bool {
        if self.allowed() && other.allowed() && !other.origin.is_counted() {
            return self.origin.is_counted();
        }
        self.decision().binds_more_than(other.decision())
    }

    /// Passes the header fields under `profile` to `sink`.
    pub(crate) fn write_values(
        &self,
        profile: Profile,
        unix_now: Nanos,
        sink: &mut impl FnMut(&'static str, Value<'_>),
    ) {
        self.origin.write_values(self.outcome, profile, unix_now, sink);
    }

    /// The numbers of [`Profile::X_RATELIMIT`], where they are all that `write_values` would pass
    /// on of it, and are known already.
    pub(crate) fn x_ratelimit(&self, unix_now: Nanos) -> Option<[u64; 3]> {
        let is_known = self.outcome.is_allowed() && self.origin.is_of_one_limit();
        is_known.then(|| x_ratelimit(&self.outcome.answer, unix_now))
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        self.origin.clock()
    }
}

#[pymethods]
impl PyDecision {
    /// True when the request may go ahead.
    #[getter]
    fn allowed(&self) -> bool {
        self.outcome.is_allowed()
    }

    /// True when the store gave no answer, and `on_store_error` said what to do then.
    #[getter]
    fn degraded(&self) -> bool {
        // What is told in short was decided in this process, where there always is an answer.
        self.origin.more().is_some_and(|decision| decision.degraded)
    }

    /// Units that a rested key can spend at once, under the binding limit.
    #[getter]
    fn limit(&self) -> u32 {
        self.outcome.answer.limit
    }

    /// Units that could be spent at once now; at most `limit`.
    #[getter]
    fn remaining(&self) -> u32 {
        self.outcome.answer.remaining
    }

    /// Seconds after which the same request would be allowed if nobody else spends
    /// meanwhile: 0.0 when it is allowed, infinity when it never will be.
    #[getter]
    fn retry_after(&self) -> f64 {
        match self.outcome.answer.verdict {
            Verdict::Allowed => 0.0,
            Verdict::Denied { retry_after } => retry_after.as_secs_f64(),
            Verdict::Never => f64::INFINITY,
        }
    }

    /// `retry_after` in whole nanoseconds; `None` when the request will never be allowed.
    #[getter]
    fn retry_after_ns(&self) -> Option<u64> {
        match self.outcome.answer.verdict {
            Verdict::Allowed => Some(0),
            Verdict::Denied { retry_after } => Some(retry_after.0),
            Verdict::Never => None,
        }
    }

    /// The same decision, turned into a no that would be a yes `retry_after` seconds later.
    #[pyo3(signature = (retry_after: "float"))]
    fn refused_for(&self, py: Python<'_>, retry_after: Seconds) -> Self {
        let decision = self.decision().clone().into_denied(retry_after.0);
        Self::new(decision, self.clock(), self.key.as_ref().map(|key| key.clone_ref(py)))
    }

    /// Seconds until the key is as if it had never been seen.
    #[getter]
    fn reset_after(&self) -> f64 {
        self.outcome.answer.reset_after.as_secs_f64()
    }

    /// Seconds to wait before going ahead: 0.0, except for a leaky bucket with a queue.
    #[getter]
    fn delay(&self) -> f64 {
        self.outcome.answer.delay.as_secs_f64()
    }

    /// The time by the limiter's clock, in nanoseconds, for which the cost was taken: what
    /// `settle` wants to know.
    #[getter]
    fn charged_at_ns(&self) -> u64 {
        self.outcome.charged_at().0
    }

    /// Name of the rule whose limit is binding; empty when no limit applied.
    #[getter]
    fn rule(&self) -> &str {
        self.origin.rule()
    }

    /// Why the request was refused: `limit`, `never`, `penalty`, `concurrency`, `deny_list` or
    /// `store_error`; `None` when it was not.
    #[getter]
    fn reason(&self) -> Option<&'static str> {
        self.decision().reason.map(tidegate::Reason::name)
    }

    /// The names of the rules in the shadow that would have refused the request.
    #[getter]
    fn shadow(&self) -> Vec<&str> {
        self.decision().shadow.iter().map(|name| &**name).collect()
    }

    /// Whom the binding limit counted; `None` when it counts everybody together. What a request
    /// sent that is not UTF-8 is escaped, as `\xff`; `Gate.inspect` takes it so.
    #[getter]
    fn key<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        if let Some(key) = &self.key {
            return Some(key.bind(py).clone());
        }
        let subject = self.decision().subject.as_deref().filter(|subject| !subject.is_empty())?;
        Some(PyString::new(py, &subject_text(subject)))
    }

    /// The client's address, when a gate found it out.
    #[getter]
    fn address(&self) -> Option<String> {
        self.client().map(|client| client.address.to_string())
    }

    /// How the address was found: "peer"; "forwarded", by trusted proxies; or "interrupted",
    /// the last good address before an element that makes no sense.
    #[getter]
    fn address_source(&self) -> Option<&'static str> {
        self.client().map(|client| match client.source {
            Source::Peer => "peer",
            Source::Forwarded { .. } => "forwarded",
            Source::Interrupted { .. } => "interrupted",
        })
    }

    /// A name for this decision, for logs: 16 hexadecimal digits, unlike those of others.
    #[getter]
    fn id(&self) -> &str {
        self.origin.whole(self.outcome).id()
    }

    /// The response header fields of this decision, by name.
    ///
    /// `profile` is "x-ratelimit", "draft", "legacy" or "none", or several of them; if omitted,
    /// the one that the gate was given which made the decision, and else `default`.
    #[pyo3(signature = (
        profile: "str | collections.abc.Sequence[str] | None" = None,
        *,
        default: "str | collections.abc.Sequence[str]" = ProfileArg::default(),
    ) -> "dict[str, str]")]
    fn headers<'py>(
        &self,
        py: Python<'py>,
        profile: Option<ProfileArg>,
        default: ProfileArg,
    ) -> PyResult<Bound<'py, PyDict>> {
        let profile = profile.map(|it| it.0).or(self.profile).unwrap_or(default.0);
        let (profile, unix_now) = report(profile, &**self.clock());
        let mut fields = Fields::new(py, Protocol::Wsgi);
        fields.push_report(self, profile, unix_now)?;
        fields.into_dict()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (pickle::State,))> {
        let restore = py.import("tidegate._native")?.getattr("_restore_decision")?;
        let key = self.key.as_ref().map(|key| key.clone_ref(py));
        Ok((restore, (pickle::state(self.decision(), key, self.id()),)))
    }

    fn __bool__(&self) -> bool {
        self.outcome.is_allowed()
    }

    fn __repr__(&self) -> String {
        let verdict = match self.reason() {
            None => "allowed".to_owned(),
            Some(reason) => format!("refused ({reason}), retry_after={}", self.retry_after()),
        };
        let (remaining, limit) = (self.decision().remaining, self.decision().limit);
        format!("<Decision {verdict}, remaining={remaining} of {limit}, rule={:?}>", self.rule())
    }
}
