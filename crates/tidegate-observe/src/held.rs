//! How a key stands with a rule.

use serde::{Deserialize, Serialize};
use tidegate::{Answer, Error, Gate, Limit, Verdict, subject_text};

/// How a key stands with one limit of one rule. Times are in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Held {
    /// The rule.
    pub rule: String,
    /// The key, as people read it.
    pub key: String,
    /// The limit string, in canonical spelling.
    pub limit: String,
    /// Units that a rested key can spend at once.
    pub capacity: u32,
    /// Units that were used.
    pub used: u32,
    /// Units that are left.
    pub remaining: u32,
    /// Whether a request at the rule's own cost would pass this limit.
    pub allowed: bool,
    /// How long until it would; `None` when it does, and when it never will.
    pub retry_after: Option<f64>,
    /// How long until all units are there again.
    pub reset_after: f64,
    /// The list of the rule that has the key, and leaves it alone or refuses it: `exempt` or
    /// `deny`; `None` when it is on neither.
    pub list: Option<String>,
    /// For how much longer the rule keeps the key out, after a breach; `None` when it does not.
    pub blocked_for: Option<f64>,
}

impl Held {
    /// How `subject` stands with each limit of a rule of the gate. Takes nothing.
    ///
    /// # Errors
    ///
    /// As [`Gate::counts`].
    pub fn all(gate: &Gate, rule: &str, subject: &[u8]) -> Result<Vec<Self>, Error> {
        let counts = gate.counts(rule, subject)?;
        let blocked = gate.blocked(rule, subject)?;
        let Some(rule) = gate.rules().iter().find(|known| known.name() == rule) else {
            return Ok(Vec::new());
        };
        let list = match (rule.is_denied(subject), rule.is_exempt(subject)) {
            (true, _) => Some("deny"),
            (_, true) => Some("exempt"),
            _ => None,
        };
        let held = |(limit, answer)| Self {
            rule: rule.name().to_owned(),
            key: subject_text(subject).into_owned(),
            list: list.map(str::to_owned),
            blocked_for: blocked.map(|rest| rest.as_secs_f64()),
            ..Self::of(limit, answer)
        };
        Ok(rule.limits().iter().zip(counts.answers()).map(held).collect())
    }

    fn of(limit: &Limit, answer: &Answer) -> Self {
        Self {
            limit: limit.to_string(),
            capacity: answer.limit,
            used: answer.limit.saturating_sub(answer.remaining),
            remaining: answer.remaining,
            allowed: answer.is_allowed(),
            retry_after: match answer.verdict {
                Verdict::Denied { retry_after } => Some(seconds(retry_after)),
                Verdict::Allowed | Verdict::Never => None,
            },
            reset_after: seconds(answer.reset_after),
            ..Self::default()
        }
    }

    /// How long until a request passes this limit and no block is left; `None` when that is at
    /// once, and when it never will be.
    #[must_use]
    pub fn wait(&self) -> Option<f64> {
        self.retry_after.into_iter().chain(self.blocked_for).reduce(f64::max)
    }
}

fn seconds(nanos: tidegate::Nanos) -> f64 {
    std::time::Duration::from(nanos).as_secs_f64()
}
