//! `Decision`: the answer to one request, with derived values worked out when asked for.

use std::sync::{
    Arc, LazyLock, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use pyo3::{
    prelude::*,
    types::{PyDict, PyString},
};
use tidegate::{
    Brief, Caller, Client, Clock, Decision, Nanos, OneLimit, Outcome, Verdict,
    address::Source,
    fields::{Profile, Value},
    subject_text,
};

use crate::{
    convert::{ProfileArg, Seconds},
    headers::{Fields, Protocol},
    pickle,
};

/// The answer to one request. Truthy when the request may go ahead.
#[pyclass(frozen, name = "Decision", module = "tidegate")]
pub(crate) struct PyDecision {
    outcome: Outcome,
    key: Option<Py<PyString>>,
    origin: Origin,
}

/// What a decision knows besides its outcome.
enum Origin {
    /// A limiter of one limit made it; the rest is worked out when somebody asks.
    Maker(Py<Maker>, OnceLock<Box<Whole>>),
    /// A gate of one limit made it; the rest is worked out likewise.
    Brief(Arc<dyn Clock>, Box<Brief>, OnceLock<Box<Whole>>),
    /// A gate decided about somebody it knows; the rest is worked out likewise.
    Known(Py<Known>, OnceLock<Box<Whole>>),
    /// A gate without rules made it.
    Uncounted(Arc<dyn Clock>, OnceLock<Box<Whole>>),
    Whole(Arc<dyn Clock>, Box<Whole>),
}

/// What the decisions of one limiter have in common, counted by the interpreter: cheaper than
/// a count of our own, and nothing that Python code could tie into a cycle.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct Maker {
    pub(crate) limit: OneLimit,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Somebody whom a gate knows, and the clock of the decisions about them.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct Known {
    pub(crate) caller: Caller,
    pub(crate) clock: Arc<dyn Clock>,
}

struct Whole {
    decision: Decision,
    id: OnceLock<String>,
}

impl Whole {
    fn new(decision: Decision) -> Box<Self> {
        Box::new(Self { decision, id: OnceLock::new() })
    }
}

impl PyDecision {
    pub(crate) fn new(
        decision: Decision,
        clock: &Arc<dyn Clock>,
        key: Option<Py<PyString>>,
    ) -> Self {
        let origin = |whole| Origin::Whole(Arc::clone(clock), whole);
        Self { outcome: decision.outcome(), key, origin: origin(Whole::new(decision)) }
    }

    /// A decision that is worked out when somebody asks for more than its outcome.
    pub(crate) fn short(outcome: Outcome, maker: Py<Maker>, key: Py<PyString>) -> Self {
        Self { outcome, key: Some(key), origin: Origin::Maker(maker, OnceLock::new()) }
    }

    /// A decision of which a gate has told the outlines.
    pub(crate) fn brief(brief: Brief, clock: &Arc<dyn Clock>) -> Self {
        let outcome = brief.outcome;
        let origin = Origin::Brief(Arc::clone(clock), Box::new(brief), OnceLock::new());
        Self { outcome, key: None, origin }
    }

    /// A decision about somebody who is known.
    pub(crate) fn of_known(outcome: Outcome, known: Py<Known>) -> Self {
        Self { outcome, key: None, origin: Origin::Known(known, OnceLock::new()) }
    }

    /// A decision that no limit has a part in.
    pub(crate) fn uncounted(clock: &Arc<dyn Clock>) -> Self {
        let origin = Origin::Uncounted(Arc::clone(clock), OnceLock::new());
        Self { outcome: Outcome::UNCOUNTED, key: None, origin }
    }

    /// The same decision in another process.
    pub(crate) fn restored(
        decision: Decision,
        clock: &Arc<dyn Clock>,
        key: Option<Py<PyString>>,
        id: String,
    ) -> Self {
        let outcome = decision.outcome();
        let whole = Box::new(Whole { decision, id: id.into() });
        Self { outcome, key, origin: Origin::Whole(Arc::clone(clock), whole) }
    }

    /// The whole decision.
    pub(crate) fn decision(&self) -> &Decision {
        &self.whole().decision
    }

    fn whole(&self) -> &Whole {
        match &self.origin {
            Origin::Maker(maker, whole) => {
                whole.get_or_init(|| Whole::new(maker.get().limit.decision(self.outcome)))
            }
            Origin::Brief(_, brief, whole) => whole.get_or_init(|| Whole::new(brief.decision())),
            Origin::Known(known, whole) => {
                whole.get_or_init(|| Whole::new(known.get().caller.brief(self.outcome).decision()))
            }
            Origin::Uncounted(_, whole) => whole.get_or_init(|| Whole::new(Decision::uncounted())),
            Origin::Whole(_, whole) => whole,
        }
    }

    /// The whole decision, unless an outcome of one limit is all there is to it.
    fn more(&self) -> Option<&Decision> {
        match &self.origin {
            Origin::Maker(..) | Origin::Brief(..) | Origin::Known(..) | Origin::Uncounted(..) => {
                None
            }
            Origin::Whole(_, whole) => Some(&whole.decision),
        }
    }

    /// Whether the end of the request matters.
    pub(crate) fn settles(&self) -> bool {
        self.more().is_some_and(Decision::settles)
    }

    /// Whether the request may go ahead at once.
    pub(crate) fn is_open(&self) -> bool {
        self.outcome.is_allowed() && self.outcome.answer.delay == Nanos::ZERO
    }

    /// Who is calling, when a gate found out.
    pub(crate) fn client(&self) -> Option<&Client> {
        match &self.origin {
            Origin::Maker(..) | Origin::Uncounted(..) => None,
            Origin::Brief(_, brief, _) => brief.client.as_ref(),
            Origin::Known(known, _) => Some(known.get().caller.client()),
            Origin::Whole(_, whole) => whole.decision.client.as_ref(),
        }
    }

    /// Whether a response should rather speak of this decision than of `other`.
    pub(crate) fn binds_more_than(&self, other: &Self) -> bool {
        if self.allowed() && other.allowed() && !other.is_counted() {
            return self.is_counted();
        }
        self.decision().binds_more_than(other.decision())
    }

    fn is_counted(&self) -> bool {
        match &self.origin {
            Origin::Maker(..) | Origin::Brief(..) | Origin::Known(..) => true,
            Origin::Uncounted(..) => false,
            Origin::Whole(_, whole) => whole.decision.is_counted(),
        }
    }

    /// Passes the header fields under `profile` to `sink`.
    pub(crate) fn write_values(
        &self,
        profile: Profile,
        unix_now: Nanos,
        sink: &mut impl FnMut(&'static str, Value<'_>),
    ) {
        match &self.origin {
            Origin::Brief(_, brief, _) => {
                brief.limit.write_values(&self.outcome, profile, unix_now, sink);
            }
            Origin::Known(known, _) => {
                let limit = known.get().caller.limit();
                limit.write_values(&self.outcome, profile, unix_now, sink);
            }
            // There is nothing to tell.
            Origin::Uncounted(..) => {}
            Origin::Maker(..) | Origin::Whole(..) => {
                self.decision().write_values(profile, unix_now, sink);
            }
        }
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        match &self.origin {
            Origin::Maker(maker, _) => &maker.get().clock,
            Origin::Known(known, _) => &known.get().clock,
            Origin::Brief(clock, ..) | Origin::Uncounted(clock, _) | Origin::Whole(clock, _) => {
                clock
            }
        }
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
        self.more().is_some_and(|decision| decision.degraded)
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
        match &self.origin {
            Origin::Maker(maker, _) => maker.get().limit.rule().name(),
            Origin::Brief(_, brief, _) => brief.limit.rule().name(),
            Origin::Known(known, _) => known.get().caller.limit().rule().name(),
            Origin::Uncounted(..) => "",
            Origin::Whole(_, whole) => whole.decision.rule(),
        }
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
        self.whole().id.get_or_init(next_id)
    }

    /// The response header fields of this decision, by name.
    ///
    /// `profile` is "x-ratelimit", "draft", "legacy" or "none", or several of them.
    #[pyo3(signature = (
        profile: "str | collections.abc.Sequence[str]" = ProfileArg::default()
    ) -> "dict[str, str]")]
    fn headers<'py>(&self, py: Python<'py>, profile: ProfileArg) -> PyResult<Bound<'py, PyDict>> {
        let mut fields = Fields::new(py, Protocol::Wsgi);
        fields.push_report(self, profile.0, self.clock().unix_now())?;
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

/// Spreads a counter over 64 bits, from a start that is drawn once.
fn next_id() -> String {
    static START: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(random()));
    // An odd step visits every number before it repeats one.
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let id = START.fetch_add(STEP, Ordering::Relaxed);
    // Workers that were forked after the draw go through the same numbers.
    let process = u64::from(std::process::id()).wrapping_mul(STEP.rotate_left(32));
    format!("{:016x}", id ^ process)
}

fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
