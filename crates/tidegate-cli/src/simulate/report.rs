//! What a replay comes to, as numbers.

use serde::Serialize;
use tidegate::subject_text;

use super::replay::{First, KeyTally, Replay, RuleTally};

/// A key is probably an honest user when fewer of its requests than this would be refused: one
/// in twenty.
const COLLATERAL: u64 = 20;

/// What one configuration would have done.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) configuration: String,
    pub(super) requests: u64,
    pub(super) refused: u64,
    /// By the list of addresses.
    pub(super) denied_by_list: u64,
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
    pub(super) line: u64,
    pub(super) key: String,
}

#[derive(Debug, Serialize)]
pub(super) struct KeyReport {
    pub(super) key: String,
    pub(super) requests: u64,
    pub(super) refused: u64,
    pub(super) first_refusal: Option<String>,
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
    pub(super) fn new(configuration: String, replay: &Replay, top: usize) -> Self {
        let left_out = replay.left_out.iter().cloned();
        let stretches = replay.picture.stretches().map(|(at, admitted, refused)| Stretch {
            time: time(at),
            admitted,
            refused,
        });
        Self {
            configuration,
            requests: replay.requests,
            refused: replay.refused,
            denied_by_list: replay.denied,
            unlimited: replay.unlimited,
            rules: replay.rules.iter().map(|rule| RuleReport::new(rule, top)).collect(),
            not_simulated: left_out.map(|(rule, why)| LeftOut { rule, why }).collect(),
            forgotten_keys: replay.forgotten(),
            over_time: OverTime {
                seconds: replay.picture.seconds(),
                stretches: stretches.collect(),
            },
        }
    }
}

impl RuleReport {
    fn new(rule: &RuleTally, top: usize) -> Self {
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
        let first = rule.first.as_ref().map(|(first, key)| Refusal {
            time: time(first.at),
            line: first.line,
            key: shown(key),
        });
        Self {
            rule: rule.name.clone(),
            shadow: rule.is_shadow,
            requests: rule.requests,
            refused: rule.refused,
            keys: rule.keys.len() as u64,
            keys_refused: refused.len() as u64,
            first_refusal: first,
            worst: refused.iter().take(top).map(KeyReport::new).collect(),
            collateral: Collateral {
                keys: honest.len() as u64,
                refused: honest.iter().map(|(_, tally)| tally.refused).sum(),
                most: honest.into_iter().take(top).map(KeyReport::new).collect(),
            },
        }
    }
}

impl KeyReport {
    fn new((key, tally): &(&[u8], KeyTally)) -> Self {
        Self {
            key: shown(key),
            requests: tally.requests,
            refused: tally.refused,
            first_refusal: tally.first.map(|First { at, .. }| time(at)),
        }
    }
}

/// A key as a person reads it.
fn shown(key: &[u8]) -> String {
    match key {
        b"" => "(everybody)".to_owned(),
        key => subject_text(key).into_owned(),
    }
}

/// A time in UTC, by RFC 3339.
fn time(at: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at))
        .map_or_else(|_| at.to_string(), |it| it.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
