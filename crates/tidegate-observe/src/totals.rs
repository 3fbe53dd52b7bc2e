//! Sums over the workers of an application that do not go back when a worker ends.
//!
//! Whoever watches for longer than a worker lives needs them: a sum over those that happen to be
//! there falls when one ends, which looks as if everything had been counted anew.

use std::collections::BTreeMap;

use crate::{RuleCount, Sample, Stats};

/// The most rules of workers that have ended that are counted by name.
const MOST_RULES: usize = 1024;

/// What was told in all rounds so far.
#[derive(Debug, Default)]
pub struct Totals {
    /// What workers had counted that are no longer there.
    ended: Stats,
    /// Reloads that failed in them.
    failures: u64,
    /// What each worker that is there told last.
    last: BTreeMap<u32, Stats>,
}

impl Totals {
    /// Nothing told.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what a round of all workers told. Workers that are there and did not answer count as
    /// they did before.
    pub fn take(&mut self, round: Vec<Sample>) -> Stats {
        let there: Vec<u32> = round.iter().map(|sample| sample.pid).collect();
        let gone: Vec<u32> = self.last.keys().filter(|pid| !there.contains(pid)).copied().collect();
        for pid in gone {
            if let Some(stats) = self.last.remove(&pid) {
                self.end(stats);
            }
        }
        let mut sum = Stats::default();
        let mut failures = 0;
        for Sample { pid, told } in round {
            if let Ok(stats) = told {
                // Another process with the same number, if it has counted less.
                if let Some(before) = self.last.insert(pid, stats.clone())
                    && stats.requests < before.requests
                {
                    self.end(before);
                }
                sum.add(stats);
            } else {
                sum.silent.push(pid);
                if let Some(before) = self.last.get(&pid) {
                    failures += failures_of(before);
                    sum.add(before.clone().into_counts());
                }
            }
        }
        sum.add(self.ended.clone());
        if let Some(config) = &mut sum.config {
            config.failures += failures + self.failures;
        }
        sum
    }

    fn end(&mut self, stats: Stats) {
        self.failures += failures_of(&stats);
        let mut counts = stats.into_counts();
        let room = MOST_RULES.saturating_sub(self.ended.rules.len());
        let is_known = |rule: &RuleCount| self.ended.rules.iter().any(|it| it.rule == rule.rule);
        let mut new = 0;
        for rule in &mut counts.rules {
            if !is_known(rule) {
                new += 1;
                if new > room {
                    rule.rule.clear();
                }
            }
        }
        self.ended.add(counts);
    }
}

fn failures_of(stats: &Stats) -> u64 {
    stats.config.as_ref().map_or(0, |config| config.failures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConfigState, Error};

    fn worker(pid: u32, requests: u64, failures: u64) -> Sample {
        let rule = RuleCount { rule: "api".to_owned(), requests, ..RuleCount::default() };
        let stats = Stats {
            workers: vec![pid],
            requests,
            rules: vec![rule],
            config: Some(ConfigState::new("t.toml".to_owned(), 5.0, failures, None)),
            ..Stats::default()
        };
        Sample { pid, told: Ok(stats) }
    }

    fn silent(pid: u32) -> Sample {
        let message = "asleep".to_owned();
        Sample { pid, told: Err(Error::Refused { message }) }
    }

    /// Requests in all and of the rule, failed reloads, and the workers that told and did not.
    fn told(stats: &Stats) -> (u64, u64, u64, &[u32], &[u32]) {
        let failures = stats.config.as_ref().map_or(0, |config| config.failures);
        (stats.requests, stats.rules[0].requests, failures, &stats.workers, &stats.silent)
    }

    #[test]
    fn counts_stay_when_a_worker_ends() {
        let mut totals = Totals::new();
        let both = totals.take(vec![worker(1, 100, 1), worker(2, 50, 0)]);
        assert_eq!(told(&both), (150, 150, 1, &[1, 2][..], &[][..]));
        let one = totals.take(vec![worker(2, 60, 0)]);
        assert_eq!(told(&one), (160, 160, 1, &[2][..], &[][..]));
        let next = totals.take(vec![worker(2, 60, 0), worker(3, 5, 2)]);
        assert_eq!(told(&next), (165, 165, 3, &[2, 3][..], &[][..]));
        assert_eq!(totals.take(Vec::new()).requests, 165);
    }

    #[test]
    fn a_worker_that_is_silent_counts_as_before_and_only_once_afterwards() {
        let mut totals = Totals::new();
        totals.take(vec![worker(1, 100, 1), worker(2, 50, 0)]);
        let asleep = totals.take(vec![silent(1), worker(2, 51, 0)]);
        assert_eq!(told(&asleep), (151, 151, 1, &[2][..], &[1][..]));
        let awake = totals.take(vec![worker(1, 101, 1), worker(2, 51, 0)]);
        assert_eq!(told(&awake), (152, 152, 1, &[1, 2][..], &[][..]));
        assert_eq!(totals.take(vec![silent(9)]).silent, [9]);
    }

    #[test]
    fn a_new_process_with_an_old_number_is_another_worker() {
        let mut totals = Totals::new();
        totals.take(vec![worker(1, 100, 0)]);
        assert_eq!(totals.take(vec![worker(1, 7, 0)]).requests, 107);
    }

    #[test]
    fn rules_of_workers_that_have_ended_are_bounded() {
        let mut totals = Totals::new();
        for name in ["a", "b"] {
            let mut sample = worker(1, MOST_RULES as u64, 0);
            if let Ok(stats) = &mut sample.told {
                let rule = |number| RuleCount {
                    rule: format!("{name}{number}"),
                    requests: 1,
                    ..RuleCount::default()
                };
                stats.rules = (0..MOST_RULES).map(rule).collect();
            }
            totals.take(vec![sample]);
            totals.take(Vec::new());
        }
        let sum = totals.take(Vec::new());
        assert_eq!(sum.rules.len(), MOST_RULES + 1);
        assert_eq!(sum.rules.iter().map(|rule| rule.requests).sum::<u64>(), sum.requests);
    }
}
