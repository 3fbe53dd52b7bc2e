//! Replays requests of a log against the rules of one configuration, in the log's own time.
//!
//! The decisions are those of tidegate's own gate, over a store in memory, by a clock that the
//! lines move. Knows neither how lines are written nor how results are shown.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use foldhash::fast::RandomState;
use tidegate::{Clock, Ending, Facts, Gate, Lines, MemoryStore, Nanos, Reason, Rule, Store};

use super::{line::Line, picture::Picture};

/// What was counted for one rule.
pub(super) struct RuleTally {
    pub(super) name: String,
    pub(super) is_shadow: bool,
    pub(super) requests: u64,
    pub(super) refused: u64,
    pub(super) first: Option<(First, Box<[u8]>)>,
    pub(super) keys: HashMap<Box<[u8]>, KeyTally, RandomState>,
}

/// What was counted for one key of a rule.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyTally {
    pub(super) requests: u64,
    pub(super) refused: u64,
    pub(super) first: Option<First>,
}

/// When something was first refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    /// Nanoseconds since 1970.
    pub(super) at: u64,
    /// From 1, counted over all inputs.
    pub(super) line: u64,
}

/// One configuration, and what became of the requests so far.
pub(super) struct Replay {
    gate: Gate,
    store: Arc<MemoryStore>,
    clock: Arc<LogClock>,
    pub(super) rules: Vec<RuleTally>,
    /// Rules that a log cannot tell enough for, and why.
    pub(super) left_out: Vec<(String, String)>,
    pub(super) requests: u64,
    pub(super) refused: u64,
    /// Requests that the list of denied addresses refuses.
    pub(super) denied: u64,
    /// Requests that no rule applies to, or whose address is on the list of allowed ones.
    pub(super) unlimited: u64,
    pub(super) picture: Picture,
}

impl Replay {
    /// `build` makes the gate of the rules that it is given.
    pub(super) fn new(
        rules: &[Rule],
        left_out: Vec<(String, String)>,
        keys: usize,
        build: impl FnOnce(Vec<Rule>) -> tidegate::GateBuilder,
    ) -> Result<Self, String> {
        /// As many bytes as a sliding window log of a thousand units takes, for each of a
        /// thousand keys.
        const LOG_BYTES: usize = 512 << 20;
        let store = MemoryStore::with_capacity(keys, LOG_BYTES);
        let store = Arc::new(store.map_err(|error| format!("no room for {keys} keys: {error}"))?);
        let clock = Arc::new(LogClock::default());
        let shared: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
        let gate = build(rules.to_vec())
            .shared_store(shared)
            .clock(Arc::<LogClock>::clone(&clock))
            .build()
            .map_err(|error| error.to_string())?;
        let rules = rules.iter().map(RuleTally::new).collect();
        let picture = Picture::default();
        let (requests, refused, denied, unlimited) = (0, 0, 0, 0);
        Ok(Self {
            gate,
            store,
            clock,
            rules,
            left_out,
            requests,
            refused,
            denied,
            unlimited,
            picture,
        })
    }

    /// Decides the request of one line.
    pub(super) fn take(&mut self, line: &Line<'_>, number: u64) -> Result<(), String> {
        self.clock.set(line.at);
        let facts = LogFacts(line);
        let wrong = |error: tidegate::Error| error.to_string();
        let decision = self.gate.admit(&facts).map_err(wrong)?;
        if decision.settles() {
            let ending = Ending { status: Some(line.status), cost: None, charges: None };
            self.gate.settle(&decision, &ending).map_err(wrong)?;
        }
        self.requests += 1;
        self.picture.add(line.at, !decision.allowed);
        if !decision.allowed {
            self.refused += 1;
        }
        if decision.reason == Some(Reason::DenyList) {
            self.denied += 1;
            return Ok(());
        }
        let mut applying = self.gate.applying(&facts).peekable();
        if applying.peek().is_none() || self.gate.lets_in(&facts) {
            self.unlimited += 1;
            return Ok(());
        }
        let first = First { at: line.at, line: number };
        let refusing = if decision.allowed { "" } else { decision.rule() };
        for position in applying {
            let subject = self.gate.subject(&facts, position).map_err(wrong)?;
            let rule = &mut self.rules[position];
            if rule.is_shadow && !decision.allowed {
                // Who is refused is not asked about by rules in the shadow.
                continue;
            }
            let is_refused = if rule.is_shadow {
                decision.shadow.iter().any(|name| **name == *rule.name)
            } else {
                rule.name == refusing
            };
            rule.count(subject, is_refused.then_some(first));
        }
        Ok(())
    }

    /// Keys that were forgotten for want of room, which makes counts inexact.
    pub(super) fn forgotten(&self) -> u64 {
        self.store.stats(self.clock.now()).evictions
    }
}

impl RuleTally {
    fn new(rule: &Rule) -> Self {
        Self {
            name: rule.name().to_owned(),
            is_shadow: rule.is_shadow(),
            requests: 0,
            refused: 0,
            first: None,
            keys: HashMap::default(),
        }
    }

    fn count(&mut self, subject: Box<[u8]>, refused: Option<First>) {
        self.requests += 1;
        if let Some(first) = refused {
            self.refused += 1;
            self.first.get_or_insert_with(|| (first, subject.clone()));
        }
        let key = self.keys.entry(subject).or_default();
        key.requests += 1;
        if refused.is_some() {
            key.refused += 1;
            key.first = key.first.or(refused);
        }
    }
}

/// A clock that shows the time of the last line.
#[derive(Debug, Default)]
pub(super) struct LogClock {
    /// Nanoseconds since 1970.
    at: AtomicU64,
}

impl LogClock {
    fn set(&self, at: u64) {
        // Relaxed: one thread sets and reads it.
        self.at.store(at, Ordering::Relaxed);
    }
}

impl Clock for LogClock {
    /// Windows begin with the hours and days of the log.
    fn now(&self) -> Nanos {
        Nanos(self.at.load(Ordering::Relaxed))
    }

    fn unix_now(&self) -> Nanos {
        self.now()
    }
}

struct LogFacts<'l>(&'l Line<'l>);

impl Facts for LogFacts<'_> {
    fn peer(&self) -> Option<&str> {
        Some(&self.0.address)
    }

    /// The server has found it out already.
    fn address(&self) -> Option<&str> {
        Some(&self.0.address)
    }

    fn method(&self) -> &str {
        &self.0.method
    }

    fn path(&self) -> Cow<'_, [u8]> {
        percent(self.0.path().0)
    }

    fn query(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.0.path().1.as_bytes())
    }

    fn header(&self, name: &str) -> Lines<'_> {
        if name == "host" {
            return self.0.host.iter().map(|host| Cow::Borrowed(host.as_bytes())).collect();
        }
        let of_name = self.0.headers.iter().filter(|(known, _)| known == name);
        of_name.map(|(_, value)| Cow::Borrowed(value.as_bytes())).collect()
    }

    fn user(&self) -> Option<Cow<'_, [u8]>> {
        self.0.user.as_ref().map(|user| Cow::Borrowed(user.as_bytes()))
    }
}

/// A path as frameworks see it, decoded once.
fn percent(path: &str) -> Cow<'_, [u8]> {
    if !path.contains('%') {
        return Cow::Borrowed(path.as_bytes());
    }
    let bytes = path.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|&it| char::from(it).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_once() {
        for (path, decoded) in
            [("/a", "/a"), ("/%61%2561", "/a%61"), ("/%6", "/%6"), ("/%zz", "/%zz")]
        {
            assert_eq!(percent(path), decoded.as_bytes());
        }
    }
}
