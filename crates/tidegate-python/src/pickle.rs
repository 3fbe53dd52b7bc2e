//! Decisions across processes: an exception that carries one must survive a task queue.

use std::time::Duration;

use pyo3::{prelude::*, types::PyString};
use tidegate::{Address, Client, Decision, Limits, Nanos, Reason, Rule, Verdict, address::Source};

use crate::{
    clock,
    decision::PyDecision,
    errors::{ConfigError, from_engine},
};

/// One limit's answer: the verdict, then the wait, limit, remaining, and three more times.
type Answer = (u8, u64, u32, u32, u64, u64, u64);
/// An address, how it was found, and over how many hops.
type Caller = (String, u8, u8);
/// Everything that a decision consists of.
pub(crate) type State = (
    Vec<(String, String)>,
    Vec<Answer>,
    Option<Vec<u8>>,
    Option<Caller>,
    Option<Py<PyString>>,
    String,
    // The reason, and the wait in nanoseconds, which a penalty has beside those of its limits.
    Option<String>,
    Option<u128>,
);

/// Takes a decision apart.
pub(crate) fn state(decision: &Decision, key: Option<Py<PyString>>, id: &str) -> State {
    let rules = decision.rules().iter();
    let rules = rules.map(|rule| (rule.name().to_owned(), rule.limits().to_string())).collect();
    let answers = decision.answers().iter().map(answer).collect();
    let subject = decision.subject.as_deref().map(<[u8]>::to_vec);
    let client = decision.client.as_ref().map(caller);
    let reason = decision.reason.map(|reason| reason.name().to_owned());
    let wait = decision.retry_after.map(|wait| wait.as_nanos());
    (rules, answers, subject, client, key, id.to_owned(), reason, wait)
}

/// Puts a decision together again. For `pickle` only.
#[pyfunction]
#[pyo3(name = "_restore_decision")]
#[pyo3(signature = (state: "typing.Any") -> "Decision")]
pub(crate) fn restore_decision(state: State) -> PyResult<PyDecision> {
    let (rules, answers, subject, client, key, id, reason, wait) = state;
    let rule = |(name, limits): (String, String)| {
        limits.parse::<Limits>().map(|limits| Rule::new(name, limits).cost(0))
    };
    let rules = rules.into_iter().map(rule).collect::<Result<Vec<_>, _>>();
    let rules = rules.map_err(|error| from_engine(&error.into()))?;
    let answers = answers.into_iter().map(from_answer).collect::<PyResult<Vec<_>>>()?;
    let mut decision =
        Decision::from_answers(rules, answers).map_err(|error| from_engine(&error))?;
    decision.subject = subject.map(Vec::into_boxed_slice);
    decision.client = client.map(from_caller);
    decision.reason = reason.as_deref().and_then(Reason::from_name);
    decision.allowed = decision.reason.is_none();
    decision.retry_after =
        wait.map(|wait| Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX)));
    Ok(PyDecision::restored(decision, &clock::choose(None), key, id))
}

fn answer(decision: &tidegate::Answer) -> Answer {
    let (verdict, wait) = match decision.verdict {
        Verdict::Allowed => (0, Nanos::ZERO),
        Verdict::Denied { retry_after } => (1, retry_after),
        Verdict::Never => (2, Nanos::ZERO),
    };
    let times = (decision.reset_after.0, decision.next_unit_after.0, decision.delay.0);
    (verdict, wait.0, decision.limit, decision.remaining, times.0, times.1, times.2)
}

fn from_answer(answer: Answer) -> PyResult<tidegate::Answer> {
    let (verdict, wait, limit, remaining, reset_after, next_unit_after, delay) = answer;
    let verdict = match verdict {
        0 => Verdict::Allowed,
        1 => Verdict::Denied { retry_after: Nanos(wait) },
        2 => Verdict::Never,
        other => return Err(ConfigError::new_err(format!("no verdict has the number {other}"))),
    };
    Ok(tidegate::Answer {
        verdict,
        limit,
        remaining,
        reset_after: Nanos(reset_after),
        next_unit_after: Nanos(next_unit_after),
        delay: Nanos(delay),
    })
}

fn caller(client: &Client) -> Caller {
    let (source, hops) = match client.source {
        Source::Peer => (0, 0),
        Source::Forwarded { hops } => (1, hops),
        Source::Interrupted { hops } => (2, hops),
    };
    (client.address.to_string(), source, hops)
}

fn from_caller((address, source, hops): Caller) -> Client {
    let address = match address.parse() {
        Ok(address) => Address::Ip(address),
        Err(_) => Address::Name(address.into()),
    };
    let source = match source {
        1 => Source::Forwarded { hops },
        2 => Source::Interrupted { hops },
        _ => Source::Peer,
    };
    Client { address, source, ignored: false }
}
