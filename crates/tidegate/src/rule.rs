//! Rules: a name, one or more limits, whom they count, and what a request costs.

use std::{collections::HashSet, fmt, str::FromStr, time::Duration};

use tidegate_core::{Limit, grammar::Limits};

use crate::{Error, calendar::Calendar};

/// The most limits that one request can be checked against.
pub(crate) const MAX_LIMITS: usize = 64;

/// Whom a rule counts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Key {
    /// Everybody together.
    Global,
    /// The client's address; IPv6 by prefix.
    Ip,
    /// The path of the request.
    Path,
    /// The method of the request.
    Method,
    /// The value of a header field. A request without it counts by its address instead,
    /// apart from those with one.
    Header(String),
    /// What the caller gives as [`Facts::key`](crate::Facts::key).
    Custom,
}

impl FromStr for Key {
    type Err = Error;

    /// `global`, `ip`, `path`, `method` or `header:NAME`.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "global" => Ok(Self::Global),
            "ip" => Ok(Self::Ip),
            "path" => Ok(Self::Path),
            "method" => Ok(Self::Method),
            _ => match text.strip_prefix("header:") {
                Some(name) if is_header_name(name) => Ok(Self::Header(name.to_ascii_lowercase())),
                _ => Err(Error::UnknownKey { key: text.to_owned() }),
            },
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::Ip => f.write_str("ip"),
            Self::Path => f.write_str("path"),
            Self::Method => f.write_str("method"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Custom => f.write_str("a key of the caller's making"),
        }
    }
}

/// A field name as RFC 9110 section 5.1 spells them: a token.
fn is_header_name(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(token)
}

/// What becomes of a request when the store gives no answer in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStoreError {
    /// It is admitted: when there is no answer in time. When the server refuses access or fails in
    /// its own way, it is decided as with `Local`: a wrong password must not open anything.
    Open,
    /// It is refused, as [`Reason::StoreError`](crate::Reason::StoreError).
    Closed,
    /// It is decided by this process alone, in memory, from where the store last saw the key.
    #[default]
    Local,
}

impl FromStr for OnStoreError {
    type Err = Error;

    /// `open`, `closed` or `local`.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            "local" => Ok(Self::Local),
            _ => Err(Error::UnknownMode { mode: text.to_owned() }),
        }
    }
}

/// A named limit, or several, and whom they count.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) limits: Limits,
    pub(crate) key: Key,
    pub(crate) cost: u32,
    pub(crate) on_store_error: OnStoreError,
    pub(crate) lease: Option<Duration>,
}

impl Rule {
    /// A rule that counts everybody together, one unit a request.
    #[must_use]
    pub fn new(name: impl Into<String>, limits: Limits) -> Self {
        Self {
            name: name.into(),
            limits,
            key: Key::Global,
            cost: 1,
            on_store_error: OnStoreError::default(),
            lease: None,
        }
    }

    /// Counts by `key`.
    #[must_use]
    pub fn key(self, key: Key) -> Self {
        Self { key, ..self }
    }

    /// Takes `cost` units a request. Zero counts nothing.
    #[must_use]
    pub fn cost(self, cost: u32) -> Self {
        Self { cost, ..self }
    }

    /// What becomes of a request when the store gives no answer. A store in this process
    /// always gives one.
    #[must_use]
    pub fn on_store_error(self, mode: OnStoreError) -> Self {
        Self { on_store_error: mode, ..self }
    }

    /// Pays a remote store for several requests in advance, and spends them in this process
    /// for as long as `validity`.
    ///
    /// All processes together still admit no more than the limit: every unit is taken before
    /// it is spent. Only *when* shifts: in any window `W` no more passes than the limit allows
    /// in a window of `W + validity`. Near the limit, and for keys that are seldom seen, every
    /// request asks the store. Without effect for a store in this process, or when another
    /// rule of the same limiter has none.
    #[must_use]
    pub fn lease(self, validity: Duration) -> Self {
        Self { lease: Some(validity), ..self }
    }

    /// The rule's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rule's limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// Rules that make sense together, ready to check. Never changed once made.
#[derive(Debug)]
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
    pub(crate) fn new(rules: Vec<Rule>) -> Result<Self, Error> {
        if rules.is_empty() {
            return Err(Error::NoRules);
        }
        let mut names = HashSet::new();
        let mut counted = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            if !(1..=128).contains(&rule.name.len()) {
                return Err(Error::RuleName { length: rule.name.len() });
            }
            if !names.insert(rule.name.as_str()) {
                return Err(Error::DuplicateRule { rule: rule.name.clone() });
            }
            for (position, limit) in (0_u32..).zip(rule.limits.iter()) {
                counted.push(Counted::new(index, rule, position, limit)?);
            }
        }
        if counted.len() > MAX_LIMITS {
            return Err(Error::TooManyLimits { count: counted.len(), max: MAX_LIMITS });
        }
        Ok(Self { rules, counted })
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

impl Rules {
    /// How long units that were paid for in advance are good; `None` when any rule has its
    /// requests counted one by one.
    pub(crate) fn lease(&self) -> Option<Duration> {
        let leases = self.rules.iter().map(|rule| rule.lease);
        leases.collect::<Option<Vec<_>>>()?.into_iter().min()
    }
}

impl Counted {
    fn new(index: usize, rule: &Rule, position: u32, limit: &Limit) -> Result<Self, Error> {
        // A limit of zero is meant to refuse whatever the cost.
        if limit.capacity() > 0 && rule.cost > limit.capacity() {
            let capacity = limit.capacity();
            let rule_name = rule.name.clone();
            return Err(Error::CostAboveCapacity { rule: rule_name, cost: rule.cost, capacity });
        }
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
    fn key_sources_are_read_and_written_alike() {
        for text in ["global", "ip", "path", "method", "header:x-api-key"] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        assert_eq!("header:X-Api-Key".parse::<Key>().unwrap(), Key::Header("x-api-key".into()));
    }

    #[test]
    fn an_unknown_key_source_is_named() {
        for text in ["adress", "", "header:", "header:x y", "IP"] {
            let message = text.parse::<Key>().unwrap_err().to_string();
            assert!(message.contains(&format!("`{text}`")), "{message}");
        }
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
