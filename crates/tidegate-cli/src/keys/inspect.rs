//! `tidegate keys inspect`: how one key stands with each limit.

use std::fmt::Write as _;

use tidegate_observe::Held;

use super::{PlaceArgs, live::Application, rules::Place};
use crate::{
    exit::{Exit, Failure},
    output::Output,
    shown,
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

pub(super) fn run(args: &InspectArgs, output: &Output) -> Result<Exit, Failure> {
    if let Some(application) = Application::find(&args.place)? {
        return application.inspect(&args.key, output);
    }
    let place = Place::open(&args.place)?;
    let (mut held, mut in_flight) = (Vec::new(), Vec::new());
    for rule in &place.rules {
        if let Some(most) = rule.limits().concurrent() {
            in_flight.push(format!("{} ({most} concurrent)", rule.name()));
        }
        if rule.limits().as_slice().is_empty() {
            continue;
        }
        let subject = place.subject(rule, &args.key);
        held.extend(Held::all(&place.gate(rule)?, rule.name(), &subject)?);
    }
    if output.json {
        output.json(&held)?;
    } else {
        output.text(&text(&held, &in_flight))?;
    }
    Ok(Exit::Success)
}

/// A table, and what else is to be said of the rules.
fn text(held: &[Held], in_flight: &[String]) -> String {
    let mut table = Table::new(&COLUMNS);
    for it in held {
        table.row(cells(it));
    }
    let mut text = table.text() + &remarks(held);
    if !in_flight.is_empty() {
        let _ = writeln!(text, "\nrequests in flight are not shown: {}", in_flight.join(", "));
    }
    text
}

/// The columns of [`cells`].
pub(super) const COLUMNS: [&str; 8] =
    ["rule", "key", "limit", ">used", ">of", ">remaining", ">retry after", ">reset after"];

/// A row of the table.
pub(super) fn cells(held: &Held) -> [String; 8] {
    let wait = match held.wait() {
        Some(seconds) => shown::time_of(seconds),
        None if held.allowed => "-".to_owned(),
        None => "never".to_owned(),
    };
    [
        held.rule.clone(),
        shown::plain(&held.key),
        held.limit.clone(),
        held.used.to_string(),
        held.capacity.to_string(),
        held.remaining.to_string(),
        wait,
        shown::time_of(held.reset_after),
    ]
}

/// What is to be said of rules besides how much was used: once for each rule.
pub(super) fn remarks<'h>(held: impl IntoIterator<Item = &'h Held>) -> String {
    let (mut text, mut told) = (String::new(), None);
    for it in held {
        if told.replace(&it.rule) == Some(&it.rule) {
            continue;
        }
        let key = shown::plain(&it.key);
        if let Some(list) = &it.list {
            let _ = writeln!(text, "\n{} has {key} in its list `{list}`", it.rule);
        }
        if let Some(seconds) = it.blocked_for {
            let rest = shown::time_of(seconds);
            let _ = writeln!(text, "\n{} blocks {key} for {rest} more", it.rule);
        }
    }
    text
}
