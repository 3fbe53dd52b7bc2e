//! What a replay comes to, as numbers.

use serde::Serialize;

use super::{
    answer::Lines,
    replay::Replay,
    tally::{First, KeyTally, RuleTally},
};
use crate::shown;

/// A key is probably an honest user when fewer of its requests than this would be refused: one
/// in twenty.
const COLLATERAL: u64 = 20;

/// What one configuration would have done.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) configuration: String,
    pub(super) requests: u64,
    pub(super) refused: u64,
    /// By the list of denied addresses.
    pub(super) denied_by_list: u64,
    /// By the list of allowed addresses.
    pub(super) allowed_by_list: u64,
    /// Requests that no rule applies to.
    pub(super) unlimited: u64,
    pub(super) rules: Vec<RuleReport>,
    pub(super) not_simulated: Vec<LeftOut>,
    /// Keys that were forgotten for want of room; with any, counts are not exact.
    pub(super) forgotten_keys: u64,
    pub(super) over_time: OverTime,
}

#[derive(Debug, Serialize)]
pub(super) struct RuleReport {
    pub(super) rule: String,
    pub(super) shadow: bool,
    pub(super) requests: u64,
    pub(super) refused: u64,
    pub(super) keys: u64,
    pub(super) keys_refused: u64,
    pub(super) first_refusal: Option<Refusal>,
    pub(super) worst: Vec<KeyReport>,
    pub(super) collateral: Collateral,
}

#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    pub(super) time: String,
    pub(super) log: String,
    /// From 1.
    pub(super) line: u64,
    pub(super) key: String,
}

#[derive(Debug, Serialize)]
pub(super) struct KeyReport {
    pub(super) key: String,
    pub(super) requests: u64,
    pub(super) refused: u64,
    pub(super) first_refusal: Option<Refusal>,
}

/// Keys of which few requests would be refused.
#[derive(Debug, Serialize)]
pub(super) struct Collateral {
    pub(super) keys: u64,
    pub(super) refused: u64,
    pub(super) most: Vec<KeyReport>,
}

#[derive(Debug, Serialize)]
pub(super) struct LeftOut {
    pub(super) rule: String,
    /// Whether others of its limits are simulated.
    pub(super) in_part: bool,
    pub(super) why: String,
}

#[derive(Debug, Serialize)]
pub(super) struct OverTime {
    /// Seconds of a stretch.
    pub(super) seconds: u64,
    pub(super) stretches: Vec<Stretch>,
}

#[derive(Debug, Serialize)]
pub(super) struct Stretch {
    pub(super) time: String,
    pub(super) admitted: u64,
    pub(super) refused: u64,
}

impl Report {
    /// `top` keys of each kind are named.
    pub(super) fn new(name: &str, replay: &Replay, lines: &Lines, top: usize) -> Self {
        let left_out = replay.left_out.iter().map(|it| LeftOut {
            rule: it.rule.clone(),
            in_part: it.in_part,
            why: it.why.clone(),
        });
        let stretches = replay.picture.stretches().map(|(at, admitted, refused)| Stretch {
            time: time(at),
            admitted,
            refused,
        });
        Self {
            configuration: name.to_owned(),
            requests: replay.requests,
            refused: replay.refused,
            denied_by_list: replay.denied,
            allowed_by_list: replay.let_in,
            unlimited: replay.unlimited,
            rules: replay.rules.iter().map(|rule| RuleReport::new(rule, lines, top)).collect(),
            not_simulated: left_out.collect(),
            forgotten_keys: replay.forgotten(),
            over_time: OverTime {
                seconds: replay.picture.seconds(),
                stretches: stretches.collect(),
            },
        }
    }
}

impl RuleReport {
    fn new(rule: &RuleTally, lines: &Lines, top: usize) -> Self {
        let mut refused: Vec<(&[u8], KeyTally)> = rule
            .keys
            .iter()
            .filter(|(_, tally)| tally.refused > 0)
            .map(|(key, tally)| (&**key, *tally))
            .collect();
        // By the key too, so that the same log gives the same report.
        refused.sort_unstable_by(|(a, x), (b, y)| (y.refused, a).cmp(&(x.refused, b)));
        let few = |tally: &KeyTally| tally.refused * COLLATERAL < tally.requests;
        let honest: Vec<_> = refused.iter().filter(|(_, tally)| few(tally)).collect();
        let first = rule.first.as_ref().map(|(first, key)| Refusal::new(*first, key, lines));
        let key = |(key, tally): &(&[u8], KeyTally)| KeyReport::new(key, *tally, lines);
        Self {
            rule: rule.name.clone(),
            shadow: rule.is_shadow,
            requests: rule.requests,
            refused: rule.refused,
            keys: rule.keys.len() as u64,
            keys_refused: refused.len() as u64,
            first_refusal: first,
            worst: refused.iter().take(top).map(key).collect(),
            collateral: Collateral {
                keys: honest.len() as u64,
                refused: honest.iter().map(|(_, tally)| tally.refused).sum(),
                most: honest.into_iter().take(top).map(key).collect(),
            },
        }
    }
}

impl KeyReport {
    fn new(key: &[u8], tally: KeyTally, lines: &Lines) -> Self {
        Self {
            key: shown(key),
            requests: tally.requests,
            refused: tally.refused,
            first_refusal: tally.first.map(|first| Refusal::new(first, key, lines)),
        }
    }
}

impl Refusal {
    fn new(first: First, key: &[u8], lines: &Lines) -> Self {
        let (log, line) = (lines.log_of(first.place).to_owned(), first.place.line);
        Self { time: time(first.at), log, line, key: shown(key) }
    }
}

/// A key as a person reads it. Who made the requests chose it.
fn shown(key: &[u8]) -> String {
    if key.is_empty() { "(everybody)".to_owned() } else { shown::key(key) }
}

/// A time in UTC, by RFC 3339.
pub(super) fn time(at: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at))
        .map_or_else(|_| at.to_string(), |it| it.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
