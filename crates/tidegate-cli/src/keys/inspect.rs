//! `tidegate keys inspect`: how one key stands with each limit.

use std::{fmt::Write as _, sync::Arc};

use serde::Serialize;
use tidegate::{Answer, Limit, Reason, Rule, SystemClock, Verdict};

use super::{PlaceArgs, live::Application, rules::Place};
use crate::{
    exit::{Exit, Failure},
    output::Output,
    shown,
    single::Single,
    table::Table,
};

/// Show how one key stands with each limit of each rule. Takes nothing.
#[derive(clap::Args)]
pub(super) struct InspectArgs {
    /// The key, as `keys list` shows it: `203.0.113.7`, `user:42`; "" for a rule that counts
    /// everybody together.
    key: String,

    #[command(flatten)]
    place: PlaceArgs,
}

/// One limit of one rule, as one key stands with it. Times are in seconds.
#[derive(Serialize)]
pub(super) struct Standing {
    rule: String,
    key: String,
    /// The limit string, in canonical spelling.
    limit: String,
    /// Units that a rested key can spend at once.
    capacity: u32,
    used: u32,
    remaining: u32,
    /// Whether a request at the rule's own cost would pass this limit.
    allowed: bool,
    /// `null` when it would pass, and when it never will.
    retry_after: Option<f64>,
    reset_after: f64,
    /// Whether the rule leaves the key alone, or refuses it, by a list of its own: `exempt` or
    /// `deny`; `null` when it is on none.
    list: Option<&'static str>,
    /// For how much longer the rule keeps the key out, after a breach; `null` when it does not.
    blocked_for: Option<f64>,
}

impl Standing {
    fn new(
        (rule, key): (&Rule, &str),
        limit: &Limit,
        answer: &Answer,
        blocked_for: Option<f64>,
    ) -> Self {
        let retry_after = match answer.verdict {
            Verdict::Denied { retry_after } => Some(shown::seconds(retry_after.into())),
            Verdict::Allowed | Verdict::Never => None,
        };
        Self {
            rule: rule.name().to_owned(),
            key: key.to_owned(),
            limit: limit.to_string(),
            capacity: answer.limit,
            used: answer.limit.saturating_sub(answer.remaining),
            remaining: answer.remaining,
            allowed: answer.is_allowed(),
            retry_after,
            reset_after: shown::seconds(answer.reset_after.into()),
            list: None,
            blocked_for,
        }
    }

    fn wait(&self) -> String {
        match longer(self.retry_after, self.blocked_for) {
            Some(seconds) => shown::time_of(seconds),
            None if self.allowed => "-".to_owned(),
            None => "never".to_owned(),
        }
    }
}

pub(super) fn run(args: &InspectArgs, output: &Output) -> Result<Exit, Failure> {
    if let Some(application) = Application::find(&args.place)? {
        return application.inspect(&args.key, output);
    }
    let place = Place::open(&args.place)?;
    let (mut standings, mut in_flight) = (Vec::new(), Vec::new());
    for rule in &place.rules {
        if let Some(most) = rule.limits().concurrent() {
            in_flight.push(format!("{} ({most} concurrent)", rule.name()));
        }
        if rule.limits().as_slice().is_empty() {
            continue;
        }
        let subject = place.subject(rule, &args.key);
        let list = listed(rule, &subject);
        // The counts themselves, whatever the lists say.
        let rule = &rule.clone().exempt(NONE).deny(NONE);
        let decision = place.gate(rule)?.inspect(rule.name(), &subject)?;
        let key = shown::key(&subject);
        let blocked = blocked_for(&place, rule, subject)?;
        let limits = rule.limits().iter().zip(decision.answers());
        standings.extend(limits.map(|(limit, answer)| Standing {
            list,
            ..Standing::new((rule, &key), limit, answer, blocked)
        }));
    }
    if output.json {
        output.json(&standings)?;
    } else {
        output.text(&text(&standings, &in_flight))?;
    }
    Ok(Exit::Success)
}

/// The standings, and what else is to be said of the rules.
fn text(standings: &[Standing], in_flight: &[String]) -> String {
    let (mut text, mut told) = (table(standings).text(), None);
    for it in standings {
        if told.replace(&it.rule) == Some(&it.rule) {
            continue;
        }
        if let Some(list) = it.list {
            let _ = writeln!(text, "\n{} has {} in its list `{list}`", it.rule, it.key);
        }
        if let Some(seconds) = it.blocked_for {
            let rest = shown::time_of(seconds);
            let _ = writeln!(text, "\n{} blocks {} for {rest} more", it.rule, it.key);
        }
    }
    if !in_flight.is_empty() {
        let _ = writeln!(text, "\nrequests in flight are not shown: {}", in_flight.join(", "));
    }
    text
}

/// No keys.
const NONE: [Vec<u8>; 0] = [];

/// The list of the rule that has the key.
fn listed(rule: &Rule, subject: &[u8]) -> Option<&'static str> {
    match (rule.is_exempt(subject), rule.is_denied(subject)) {
        (true, _) => Some("exempt"),
        (_, true) => Some("deny"),
        _ => None,
    }
}

/// The longer of two waits, of which there may be none.
fn longer(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::max)
}

/// For how much longer `rule` keeps `subject` out, in seconds.
fn blocked_for(place: &Place, rule: &Rule, subject: Vec<u8>) -> Result<Option<f64>, Failure> {
    let store = Arc::clone(&place.store);
    let single = Single::new(rule, subject, None, store, Arc::new(SystemClock))?;
    let seen = single.peek()?;
    let wait = seen.retry_after.filter(|_| seen.reason == Some(Reason::Penalty));
    Ok(wait.map(shown::seconds))
}

fn table(standings: &[Standing]) -> Table {
    let mut table = Table::new(&[
        "rule",
        "key",
        "limit",
        ">used",
        ">of",
        ">remaining",
        ">retry after",
        ">reset after",
    ]);
    for it in standings {
        table.row([
            it.rule.clone(),
            it.key.clone(),
            it.limit.clone(),
            it.used.to_string(),
            it.capacity.to_string(),
            it.remaining.to_string(),
            it.wait(),
            shown::time_of(it.reset_after),
        ]);
    }
    table
}
