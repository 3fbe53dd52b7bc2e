//! The answer to one request, over all rules that it was checked against.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use smallvec::SmallVec;
use tidegate_core::{
    self as core, Nanos, Verdict,
    fields::{Body, Policy, Profile, Refusal, Report, Value},
};

use crate::{
    Client, Error, Outcome, Reason, Rule,
    gate::Pass,
    rules::{Counted, Rules},
    store::UNDECIDED,
};

/// One decision for each limit of a request; few enough to stay on the stack.
pub(crate) type Parts = SmallVec<[core::Decision; 2]>;

/// The answer to one request.
///
/// The numbers are those of the *binding* limit: when refused, the one with the longest
/// wait; when allowed, the one with the smallest share left.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Decision {
    /// True when the request may go ahead.
    pub allowed: bool,
    /// Why it may not.
    pub reason: Option<Reason>,
    /// Units that a rested key can spend at once.
    pub limit: u32,
    /// Units that could now be spent at once, at most `limit`.
    pub remaining: u32,
    /// Shortest wait after which the same request would be allowed, if nobody else spends
    /// meanwhile. `None` when it is allowed, and when it never will be.
    pub retry_after: Option<Duration>,
    /// Time until the key is as if it had never been seen.
    pub reset_after: Duration,
    /// How long to wait before going ahead. Zero except for a leaky bucket that queues.
    pub delay: Duration,
    /// True when the store gave no answer, and the rules said what to do then.
    pub degraded: bool,
    /// Who is calling, when a gate found out.
    pub client: Option<Client>,
    /// Whom the binding rule counted, when a gate found out. Empty for everybody together.
    pub subject: Option<Box<[u8]>>,
    /// The names of the rules in the shadow that would have refused the request.
    pub shadow: SmallVec<[Box<str>; 0]>,
    /// What is remembered until the response is known.
    pub(crate) pass: Option<Pass>,
    /// The names of rules that looked at it besides [`rules`](Self::rules): those in the shadow,
    /// and those that limit no rate.
    pub(crate) besides: Option<Arc<[Box<str>]>>,
    /// The rule, where it has no limit to be the binding one.
    told_rule: Option<Box<str>>,
    rules: Arc<Rules>,
    parts: Parts,
    binding: usize,
    at: Nanos,
}

impl Decision {
    pub(crate) fn new(rules: Arc<Rules>, parts: Parts, at: Nanos) -> Self {
        let binding = binding(&parts);
        let part = parts[binding];
        let reason = Reason::of(part.verdict);
        let delay = parts.iter().map(|part| part.delay).max().unwrap_or_default();
        Self {
            allowed: reason.is_none(),
            reason,
            limit: part.limit,
            remaining: part.remaining,
            retry_after: part.retry_after().map(Duration::from),
            reset_after: part.reset_after.into(),
            delay: delay.into(),
            degraded: false,
            client: None,
            subject: None,
            shadow: SmallVec::new(),
            pass: None,
            besides: None,
            told_rule: None,
            rules,
            parts,
            binding,
            at,
        }
    }

    /// The decision on a request that no limit applies to.
    #[must_use]
    pub fn uncounted() -> Self {
        static NONE: LazyLock<Arc<Rules>> = LazyLock::new(Arc::default);
        Self {
            allowed: true,
            reason: None,
            limit: 0,
            remaining: 0,
            retry_after: None,
            reset_after: Duration::ZERO,
            delay: Duration::ZERO,
            degraded: false,
            client: None,
            subject: None,
            shadow: SmallVec::new(),
            pass: None,
            besides: None,
            told_rule: None,
            rules: Arc::clone(&NONE),
            parts: Parts::new(),
            binding: 0,
            at: Nanos::ZERO,
        }
    }

    /// The decision on a request of somebody who is kept out by name.
    pub(crate) fn denied_by_list() -> Self {
        Self { allowed: false, reason: Some(Reason::DenyList), ..Self::uncounted() }
    }

    /// The same decision, because of a key of a rule, whatever its limits say.
    pub(crate) fn of_key(self, rule: &str, key: &[u8]) -> Self {
        Self { subject: Some(key.into()), told_rule: Some(rule.into()), ..self }
    }

    /// The same decision, turned into a no for `wait` because of the rule at this place.
    pub(crate) fn into_penalised(mut self, rule: usize, wait: Duration) -> Self {
        let of_rule = |counted: &Counted| counted.rule == rule;
        self.binding = self.rules.counted.iter().position(of_rule).unwrap_or(self.binding);
        let wait_of = Verdict::Denied { retry_after: wait.into() };
        let part = &mut self.parts[self.binding];
        *part = core::Decision { verdict: wait_of, remaining: 0, delay: Nanos::ZERO, ..*part };
        let (limit, reset_after) = (part.limit, part.reset_after.into());
        Self {
            allowed: false,
            reason: Some(Reason::Penalty),
            limit,
            remaining: 0,
            retry_after: Some(wait),
            reset_after,
            delay: Duration::ZERO,
            ..self
        }
    }

    /// The same decision, turned into a no for `wait` because `limit` requests of `subject` are in
    /// flight under a rule.
    pub(crate) fn into_crowded(
        self,
        rule: &str,
        limit: u32,
        subject: &[u8],
        wait: Duration,
    ) -> Self {
        Self {
            allowed: false,
            reason: Some(Reason::Concurrency),
            limit,
            remaining: 0,
            retry_after: Some(wait),
            subject: Some(subject.into()),
            told_rule: Some(rule.into()),
            ..self
        }
    }

    /// Whether the rule at this place is one of those that refuse.
    pub(crate) fn refuses(&self, rule: usize) -> bool {
        let parts = self.rules.counted.iter().zip(&self.parts);
        parts.filter(|(it, _)| it.rule == rule).any(|(_, part)| !part.is_allowed())
    }

    /// Whether any limit of a rate applied.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        !self.parts.is_empty()
    }

    /// Whether a response should rather speak of this decision than of `other`.
    #[must_use]
    pub fn binds_more_than(&self, other: &Self) -> bool {
        match (self.parts.get(self.binding), other.parts.get(other.binding)) {
            _ if self.allowed != other.allowed => !self.allowed,
            (Some(own), Some(others)) => binds_more(own, others),
            (own, _) => own.is_some(),
        }
    }

    /// A decision that was made without the store; `refused` because a rule wants it so.
    pub(crate) fn without_store(rules: Arc<Rules>, parts: Parts, at: Nanos, refused: bool) -> Self {
        let decision = Self::new(rules, parts, at);
        let reason = if refused { Some(Reason::StoreError) } else { decision.reason };
        Self { degraded: true, reason, ..decision }
    }

    /// The same decision, turned into a yes: for a test that has switched limits off.
    #[must_use]
    pub fn into_allowed(self) -> Self {
        Self { allowed: true, reason: None, retry_after: None, delay: Duration::ZERO, ..self }
    }

    /// The same decision, turned into a no: for a caller who cannot wait for its
    /// [`delay`](Self::delay), and could if it had `retry_after` more time.
    #[must_use]
    pub fn into_denied(self, retry_after: Duration) -> Self {
        Self {
            allowed: false,
            reason: Some(Reason::Limit),
            retry_after: Some(retry_after),
            delay: Duration::ZERO,
            ..self
        }
    }

    /// The answer in short.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let verdict = match (self.reason, self.retry_after) {
            (None, _) => Verdict::Allowed,
            (Some(Reason::Never), _) | (Some(_), None) => Verdict::Never,
            (Some(_), Some(wait)) => Verdict::Denied { retry_after: wait.into() },
        };
        let delay = self.delay.into();
        let part = self.parts.get(self.binding).copied().unwrap_or(UNDECIDED);
        let (limit, remaining) = (self.limit, self.remaining);
        let answer = core::Decision { verdict, limit, remaining, delay, ..part };
        Outcome { answer, at: self.at }
    }

    /// Name of the rule whose limit is binding; empty when no limit applied.
    #[must_use]
    pub fn rule(&self) -> &str {
        let of_limit = || self.rules.rules.get(self.rule_index()).map_or("", |rule| &rule.name);
        self.told_rule.as_deref().unwrap_or_else(of_limit)
    }

    /// Whether the end of the request matters: see [`Gate::settle`](crate::Gate::settle).
    #[must_use]
    pub const fn settles(&self) -> bool {
        self.pass.is_some()
    }

    /// The time, by the limiter's clock, for which the cost was taken: that of the decision,
    /// or, in a queue, the one at which the caller goes ahead.
    #[must_use]
    pub fn charged_at(&self) -> Nanos {
        self.at.saturating_add(self.delay.into())
    }

    /// The rules that were checked.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules.rules
    }

    /// The answer of every limit of every rule, in order.
    #[must_use]
    pub fn answers(&self) -> &[core::Decision] {
        &self.parts
    }

    /// The decision that [`rules`](Self::rules) and [`answers`](Self::answers) were read
    /// from, to be had again in another process.
    ///
    /// # Errors
    ///
    /// [`Error`] when the rules make no sense, or have another number of limits.
    pub fn from_answers(rules: Vec<Rule>, answers: Vec<core::Decision>) -> Result<Self, Error> {
        let rules = Rules::counting_from(0, rules)?;
        if rules.counted.len() != answers.len() {
            let (limits, answers) = (rules.counted.len(), answers.len());
            return Err(Error::AnswerCount { limits, answers });
        }
        if answers.is_empty() {
            return Ok(Self::uncounted());
        }
        Ok(Self::new(Arc::new(rules), Parts::from_vec(answers), Nanos::ZERO))
    }

    /// Position of that rule among those that were checked.
    #[must_use]
    pub fn rule_index(&self) -> usize {
        self.rules.counted.get(self.binding).map_or(0, |counted| counted.rule)
    }

    /// The response header fields of this decision, in their usual capitalisation: those of
    /// `profile`, and `Retry-After` on a refusal that a wait can cure.
    ///
    /// `unix_now` is the time since 1970, from which an epoch reset is counted.
    #[must_use]
    pub fn fields(&self, profile: Profile, unix_now: Nanos) -> Vec<(&'static str, String)> {
        let mut fields = Vec::with_capacity(4);
        self.write_fields(profile, unix_now, &mut |name, value| {
            fields.push((name, value.to_owned()));
        });
        fields
    }

    /// Passes the name and value of each of the [`fields`](Self::fields) to `sink`.
    pub fn write_fields(
        &self,
        profile: Profile,
        unix_now: Nanos,
        sink: &mut impl FnMut(&'static str, &str),
    ) {
        self.report(&self.policies(), unix_now).write(profile, sink);
    }

    /// Passes the same to `sink`, with numbers as such.
    pub fn write_values(
        &self,
        profile: Profile,
        unix_now: Nanos,
        sink: &mut impl FnMut(&'static str, Value<'_>),
    ) {
        self.report(&self.policies(), unix_now).write_values(profile, sink);
    }

    /// The status and body of a refusal, in the form that the request's `Accept` field asks
    /// for. `None` when the request may go ahead.
    #[must_use]
    pub fn refusal(&self, accept: Option<&str>) -> Option<(u16, Body)> {
        let cause = self.reason?.cause();
        let policies = self.policies();
        let report = self.report(&policies, Nanos::ZERO);
        let refusal = Refusal { cause, report };
        Some((refusal.status(), refusal.body(accept)))
    }

    fn report<'a>(&self, policies: &'a [Policy<'a>], unix_now: Nanos) -> Report<'a> {
        let report = Report::new(policies, self.binding, unix_now);
        // No limit knows of a wait that was found later.
        self.retry_after.map_or(report, |wait| report.with_wait(wait.into()))
    }

    /// The limits that were checked, each with its answer.
    fn policies(&self) -> SmallVec<[Policy<'_>; 2]> {
        let limits = self.rules.counted.iter().zip(&self.parts);
        limits
            .map(|(counted, decision)| Policy {
                name: &counted.policy,
                limit: &counted.limit,
                decision,
            })
            .collect()
    }
}

/// Index of the limit that a response should speak of.
fn binding(parts: &[core::Decision]) -> usize {
    let mut binding = 0;
    for (index, part) in parts.iter().enumerate().skip(1) {
        if binds_more(part, &parts[binding]) {
            binding = index;
        }
    }
    binding
}

/// Whether `a` holds a client back more than `b`.
fn binds_more(a: &core::Decision, b: &core::Decision) -> bool {
    let share = |part: &core::Decision, other: &core::Decision| {
        u64::from(part.remaining) * u64::from(other.limit)
    };
    match (a.verdict, b.verdict) {
        (Verdict::Allowed, Verdict::Allowed) => share(a, b) < share(b, a),
        (Verdict::Denied { retry_after: a }, Verdict::Denied { retry_after: b }) => a > b,
        (Verdict::Never, b) => b != Verdict::Never,
        (Verdict::Denied { .. }, b) => b == Verdict::Allowed,
        (Verdict::Allowed, _) => false,
    }
}
