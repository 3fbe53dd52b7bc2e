//! Rules that make sense together, as an engine wants them: one entry for each limit.

use std::{collections::HashSet, time::Duration};

use tidegate_core::{Limit, grammar::Limits};

use crate::{Error, Rule, calendar::Calendar};

/// The most limits that one request can be checked against.
pub(crate) const MAX_LIMITS: usize = 64;

/// Rules that make sense together, ready to check. Never changed once made.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) rules: Vec<Rule>,
    /// The limits of all rules, one after the other.
    pub(crate) counted: Vec<Counted>,
}

/// One limit of one rule.
#[derive(Debug)]
pub(crate) struct Counted {
    /// Index of its rule.
    pub(crate) rule: usize,
    pub(crate) limit: Limit,
    /// Tells its counters from those of the rule's other limits.
    pub(crate) tag: u64,
    /// The digest of the rule's name and the tag that its keys have.
    pub(crate) scope: u64,
    pub(crate) calendar: Option<Calendar>,
    /// Its name in `RateLimit-Policy`: the rule's, numbered when the rule has several.
    pub(crate) policy: String,
}

impl Rules {
    /// Checks that `rules` make sense together.
    pub(crate) fn new(rules: Vec<Rule>) -> Result<Self, Error> {
        if rules.is_empty() {
            return Err(Error::NoRules);
        }
        let mut names = HashSet::new();
        for rule in &rules {
            if !(1..=128).contains(&rule.name.len()) {
                return Err(Error::RuleName { length: rule.name.len() });
            }
            if !names.insert(rule.name.as_str()) {
                return Err(Error::DuplicateRule { rule: rule.name.clone() });
            }
            check_cost(rule)?;
        }
        let rules = Self::counting_from(0, rules)?;
        if rules.counted.len() > MAX_LIMITS {
            let count = rules.counted.len();
            return Err(Error::TooManyLimits { count, max: MAX_LIMITS });
        }
        Ok(rules)
    }

    /// Rules that were checked before, or of which none is the user's, whose limits are numbered
    /// from `position`: rules of one name with different numbers have counters of their own.
    pub(crate) fn counting_from(position: u32, rules: Vec<Rule>) -> Result<Self, Error> {
        let mut counted = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            for (position, limit) in (position..).zip(rule.limits.iter()) {
                counted.push(Counted::new(index, rule, position, limit)?);
            }
        }
        Ok(Self { rules, counted })
    }

    /// How long units that were paid for in advance are good; `None` when any rule has its
    /// requests counted one by one.
    pub(crate) fn lease(&self) -> Option<Duration> {
        let leases = self.rules.iter().map(|rule| rule.lease);
        leases.collect::<Option<Vec<_>>>()?.into_iter().min()
    }
}

impl Counted {
    fn new(index: usize, rule: &Rule, position: u32, limit: &Limit) -> Result<Self, Error> {
        let calendar = match limit.calendar_period() {
            Some((unit, zone)) => Some(
                Calendar::new(unit, zone)
                    .ok_or_else(|| Limits::zone_error(&rule.limits.to_string(), zone))?,
            ),
            None => None,
        };
        let policy = match rule.limits.len() {
            1 => rule.name.clone(),
            _ => format!("{}-{}", rule.name, position + 1),
        };
        let tag = limit.tag(position);
        let scope = tidegate_core::Key::scope_of(&rule.name, tag);
        Ok(Self { rule: index, limit: limit.clone(), tag, scope, calendar, policy })
    }
}

/// Only where there are requests can the number of those in flight be limited.
pub(crate) fn refuse_concurrency(rules: &[Rule]) -> Result<(), Error> {
    for rule in rules {
        if let Some(concurrent) = rule.limits.concurrent() {
            return Err(Error::NeedsGate { rule: rule.name.clone(), concurrent });
        }
    }
    Ok(())
}

/// A limit of zero is meant to refuse whatever the cost.
fn check_cost(rule: &Rule) -> Result<(), Error> {
    let small = |limit: &&Limit| limit.capacity() > 0 && rule.cost > limit.capacity();
    let Some(limit) = rule.limits.iter().find(small) else { return Ok(()) };
    let (cost, capacity) = (rule.cost, limit.capacity());
    Err(Error::CostAboveCapacity { rule: rule.name.clone(), cost, capacity })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Limits {
        text.parse().unwrap()
    }

    fn error(rules: Vec<Rule>) -> String {
        Rules::new(rules).unwrap_err().to_string()
    }

    #[test]
    fn rules_that_cannot_work_are_refused() {
        let minute = || limits("5/minute");

        assert!(error(vec![]).contains("no rule"));
        assert!(error(vec![Rule::new("", minute())]).contains("1 to 128 bytes"));
        assert!(error(vec![Rule::new("a", minute()), Rule::new("a", minute())]).contains("`a`"));
        let dear = error(vec![Rule::new("a", minute()).cost(6)]);
        assert!(dear.contains("costs 6 units") && dear.contains("more than 5"), "{dear}");
        let nowhere = error(vec![Rule::new("a", limits("5/calendar-day@Europe/Pariss"))]);
        assert!(nowhere.contains("Europe/Pariss") && nowhere.contains("column 16"), "{nowhere}");
    }

    #[test]
    fn requests_in_flight_are_a_matter_of_gates() {
        for text in ["20 concurrent", "5/minute; 20 concurrent"] {
            let rules = [Rule::new("a", limits("5/minute")), Rule::new("api", limits(text))];

            let message = refuse_concurrency(&rules).unwrap_err().to_string();

            assert!(message.contains("`api` has the limit 20 concurrent, which needs a gate"));
            assert!(refuse_concurrency(&rules[..1]).is_ok());
            assert!(Rules::new(rules.into()).is_ok());
        }
    }

    #[test]
    fn limits_of_one_rule_have_names_of_their_own() {
        let rules = Rules::new(vec![Rule::new("api", limits("1/second; 5/minute"))]).unwrap();

        let names: Vec<_> = rules.counted.iter().map(|counted| counted.policy.as_str()).collect();

        assert_eq!(names, ["api-1", "api-2"]);
        assert_ne!(rules.counted[0].tag, rules.counted[1].tag);
    }
}
