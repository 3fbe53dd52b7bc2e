//! Whose rules are replayed, and which of them a log tells enough for.

use std::path::Path;

use tidegate::{Gate, GateBuilder, Key, Limits, Rule, config::Loaded};

use super::{line::Field, survey::Seen};
use crate::{
    configuration,
    exit::{Exit, Failure},
};

/// What is tried: a configuration, or rules of the command line.
pub(super) struct Tried {
    pub(super) name: String,
    rules: Vec<Rule>,
    loaded: Option<Loaded>,
}

/// A rule that is not replayed, or not all of it.
pub(super) struct LeftOut {
    pub(super) rule: String,
    /// Whether its other limits are replayed.
    pub(super) in_part: bool,
    pub(super) why: String,
}

impl Tried {
    /// The configuration at `path`.
    pub(super) fn file(path: &Path) -> Result<Self, Failure> {
        let loaded = configuration::read(path)?;
        let (name, rules) = (path.display().to_string(), loaded.rules().to_vec());
        Ok(Self { name, rules, loaded: Some(loaded) })
    }

    /// Rules from texts `NAME:KEY=LIMITS`.
    pub(super) fn quick(texts: &[String]) -> Result<Self, Failure> {
        let rules = texts.iter().map(|text| quick(text)).collect::<Result<_, _>>()?;
        Ok(Self { name: "--rule".to_owned(), rules, loaded: None })
    }

    /// A gate of `rules`, with everything else as it is told.
    pub(super) fn gate(&self, rules: &[Rule]) -> GateBuilder {
        match &self.loaded {
            Some(loaded) => loaded.builder_of(rules),
            None => rules.iter().cloned().fold(Gate::builder(), GateBuilder::rule),
        }
    }

    /// The rules that can be replayed, and the others with the reason why not.
    pub(super) fn chosen(&self, seen: &Seen) -> (Vec<Rule>, Vec<LeftOut>) {
        let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
        for rule in &self.rules {
            let mut leave = |why: String, in_part| {
                left_out.push(LeftOut { rule: rule.name().to_owned(), in_part, why });
            };
            let Some(whole) = without_concurrency(rule) else {
                leave(CONCURRENT.to_owned(), false);
                continue;
            };
            if let Some(why) = missing(&whole, seen) {
                leave(why, false);
                continue;
            }
            if rule.limits().concurrent().is_some() {
                leave(CONCURRENT.to_owned(), true);
            }
            chosen.push(whole);
        }
        (chosen, left_out)
    }
}

const CONCURRENT: &str = "a log does not tell which requests were in flight together";

/// The rule with its rates alone; `None` when there are none.
fn without_concurrency(rule: &Rule) -> Option<Rule> {
    if rule.limits().concurrent().is_none() {
        return Some(rule.clone());
    }
    let rates: Vec<_> = rule.limits().iter().map(ToString::to_string).collect();
    let limits = rates.join("; ").parse::<Limits>().ok()?;
    Some(rule.clone().with_limits(limits))
}

/// What a rule needs and the log does not have.
fn missing(rule: &Rule, seen: &Seen) -> Option<String> {
    let text = |text: &str| Some(text.to_owned());
    if rule.is_by_name() {
        return text("it applies where the application's code says, which a log does not");
    }
    let applies = rule.applies();
    if !applies.routes.is_empty() {
        return text("it matches routes, and a log has only paths");
    }
    if let Some(lacks) = rule.counts().parts().iter().find(|part| !tells(part, seen)) {
        return Some(format!("it counts by {lacks}, which the log does not have"));
    }
    if seen.lines == 0 {
        return None;
    }
    if !applies.methods.is_empty() && !seen.tells(Field::Method) {
        return text("it matches methods, which the log does not have");
    }
    if !applies.hosts.is_empty() && !seen.tells(Field::Host) {
        return text("it matches hosts, which the log does not have");
    }
    if !seen.tells(Field::Status) && charges_by_status(rule) {
        return text("it charges by the status, which the log does not have");
    }
    None
}

/// Whether lines tell what is asked for by a part of a key.
fn tells(part: &Key, seen: &Seen) -> bool {
    let is_seen = match part {
        Key::Form(_) | Key::Route | Key::Custom => return false,
        Key::User => seen.tells(Field::User),
        Key::Method => seen.tells(Field::Method),
        Key::Host => seen.tells(Field::Host),
        Key::Query(_) => seen.tells(Field::Query),
        Key::Header(name) => seen.header(name),
        Key::Cookie(_) => seen.header("cookie"),
        _ => true,
    };
    is_seen || seen.lines == 0
}

/// A gate of such a rule alone wants to know how requests end.
fn charges_by_status(rule: &Rule) -> bool {
    Gate::builder().rule(rule.clone()).build().is_ok_and(|gate| gate.settles())
}

/// A rule from `NAME:KEY=LIMITS`.
fn quick(text: &str) -> Result<Rule, Failure> {
    let wrong = |why: String| Failure::new(Exit::Usage, format!("--rule `{text}`: {why}"));
    let shape = || wrong("write NAME:KEY=LIMITS, such as api:ip=100/minute".to_owned());
    let (name, rest) = text.split_once(':').ok_or_else(shape)?;
    let (key, limits) = rest.split_once('=').ok_or_else(shape)?;
    let limits = limits.parse().map_err(|error: tidegate::ParseError| wrong(error.to_string()))?;
    let keys = key.split('+').map(|part| part.trim().parse::<Key>());
    let mut keys: Vec<Key> =
        keys.collect::<Result<_, _>>().map_err(|error| wrong(error.to_string()))?;
    let key = if keys.len() == 1 { keys.remove(0) } else { Key::Several(keys) };
    Ok(Rule::new(name, limits).key(key))
}
