//! What the monitor knows: the last samples, and what its user has chosen.
//!
//! Knows no terminal and no socket.

use std::{cmp::Reverse, collections::VecDeque};

use tidegate_observe::{Busy, RuleCount, Stats};

/// Samples that are kept for the picture.
const HISTORY: usize = 240;

/// What the table of keys is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Refused,
    Requests,
    Share,
    Key,
}

impl Sort {
    const ALL: [Self; 4] = [Self::Refused, Self::Requests, Self::Share, Self::Key];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Requests => "requests",
            Self::Share => "share",
            Self::Key => "key",
        }
    }

    pub(super) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|it| *it == self).unwrap_or_default();
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// What its user is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Watching,
    Filtering,
    /// What is to be done once it is confirmed.
    Asked(Deed),
    Help,
}

/// The key of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) rule: String,
    pub(super) key: String,
}

/// What can be done to the chosen key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Block(Target),
    Allow(Target),
    /// Ends either.
    Undo(Target),
    Reset(Target),
}

/// How much there was in one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rate {
    /// Requests a second.
    pub(super) requests: f64,
    /// Requests a second that were refused.
    pub(super) refused: f64,
}

impl Rate {
    /// The share that was refused, from 0 to 1.
    pub(super) fn share(self) -> f64 {
        if self.requests > 0.0 { self.refused / self.requests } else { 0.0 }
    }
}

/// See the module.
pub(super) struct State {
    pub(super) stats: Stats,
    /// Of the last stretch alone.
    pub(super) lately: Stats,
    pub(super) rates: VecDeque<Rate>,
    /// By rule, in the order of the rules.
    pub(super) rule_rates: Vec<Rate>,
    pub(super) sort: Sort,
    pub(super) filter: String,
    pub(super) chosen: usize,
    pub(super) mode: Mode,
    pub(super) is_paused: bool,
    /// What came of the last deed, or why there is no sample.
    pub(super) said: String,
}

impl State {
    pub(super) fn new(first: Stats) -> Self {
        let rule_rates = vec![Rate::default(); first.rules.len()];
        Self {
            lately: Stats::default(),
            stats: first,
            rates: VecDeque::new(),
            rule_rates,
            sort: Sort::Refused,
            filter: String::new(),
            chosen: 0,
            mode: Mode::Watching,
            is_paused: false,
            said: String::new(),
        }
    }

    /// Takes a sample, `seconds` after the one before.
    pub(super) fn take(&mut self, stats: Stats, seconds: f64) {
        let before = std::mem::replace(&mut self.stats, stats);
        let rate = |now: (u64, u64), then: (u64, u64)| Rate {
            requests: per_second(now.0, then.0, seconds),
            refused: per_second(now.1, then.1, seconds),
        };
        let of = |stats: &Stats| (stats.requests, stats.refused);
        self.rates.push_back(rate(of(&self.stats), of(&before)));
        if self.rates.len() > HISTORY {
            self.rates.pop_front();
        }
        let of = |rule: &RuleCount| (rule.requests, rule.refused + rule.would_refuse);
        self.rule_rates = self
            .stats
            .rules
            .iter()
            .map(|rule| {
                let then = before.rules.iter().find(|it| it.rule == rule.rule);
                rate(of(rule), then.map_or((0, 0), of))
            })
            .collect();
        self.lately = since(&self.stats, &before);
        self.chosen = self.chosen.min(self.keys().len().saturating_sub(1));
    }

    /// The rate of the last stretch.
    pub(super) fn rate(&self) -> Rate {
        self.rates.back().copied().unwrap_or_default()
    }

    /// The keys that match the filter, in the order that was chosen.
    pub(super) fn keys(&self) -> Vec<&Busy> {
        let filter = self.filter.to_lowercase();
        let matches = |key: &&Busy| {
            key.key.to_lowercase().contains(&filter) || key.rule.to_lowercase().contains(&filter)
        };
        let mut keys: Vec<_> = self.stats.keys.iter().filter(matches).collect();
        match self.sort {
            Sort::Refused => keys.sort_by_key(|key| Reverse((key.refused, key.requests))),
            Sort::Requests => keys.sort_by_key(|key| Reverse((key.requests, key.refused))),
            Sort::Share => keys.sort_by_key(|key| {
                Reverse((key.refused * 1_000_000).checked_div(key.requests).unwrap_or_default())
            }),
            Sort::Key => keys.sort_by(|a, b| a.key.cmp(&b.key)),
        }
        keys
    }

    /// The key that is chosen.
    pub(super) fn chosen(&self) -> Option<&Busy> {
        self.keys().get(self.chosen).copied()
    }

    pub(super) fn choose(&mut self, by: isize) {
        let last = self.keys().len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
    }
}

/// A worker that began anew counts from zero.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn per_second(now: u64, then: u64, seconds: f64) -> f64 {
    let more = if now < then { now } else { now - then };
    if seconds > 0.0 { more as f64 / seconds } else { 0.0 }
}

/// How long decisions took of late.
fn since(now: &Stats, then: &Stats) -> Stats {
    let mut lately = Stats::default();
    for bucket in &now.latency {
        let before = then.latency.iter().find(|it| it.nanos == bucket.nanos);
        let mut bucket = *bucket;
        bucket.count = bucket.count.saturating_sub(before.map_or(0, |it| it.count));
        lately.latency.push(bucket);
    }
    lately
}
