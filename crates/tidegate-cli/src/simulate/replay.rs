//! Replays requests of a log against the rules of one configuration, in the log's own time.
//!
//! The decisions are those of tidegate's own gate, over a store in memory, by a clock that the
//! lines move. Knows neither how lines are written nor how results are shown.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tidegate::{Clock, Decision, Ending, Facts, Gate, Lines, MemoryStore, Nanos, Reason, Store};

use super::{
    Halt,
    input::Place,
    line::Line,
    picture::Picture,
    rules::{LeftOut, Tried},
    survey::Seen,
    tally::{First, RuleTally},
};

/// One configuration, and what became of the requests so far.
pub(super) struct Replay {
    gate: Gate,
    store: Arc<MemoryStore>,
    clock: Arc<LogClock>,
    pub(super) rules: Vec<RuleTally>,
    /// Rules that a log cannot tell enough for.
    pub(super) left_out: Vec<LeftOut>,
    pub(super) requests: u64,
    pub(super) refused: u64,
    /// Requests that the list of denied addresses refuses.
    pub(super) denied: u64,
    /// Requests whose address is on the list of allowed ones.
    pub(super) let_in: u64,
    /// Requests that no rule applies to.
    pub(super) unlimited: u64,
    pub(super) picture: Picture,
}

impl Replay {
    /// Replays what is `tried`, with room for so many keys.
    pub(super) fn new(tried: &Tried, seen: &Seen, keys: usize) -> Result<Self, String> {
        /// As many as a sliding window log of sixty units takes.
        const LOG_BYTES: usize = 512;
        let store = MemoryStore::with_capacity(keys, keys.saturating_mul(LOG_BYTES));
        let store = Arc::new(store.map_err(|error| format!("no room for {keys} keys: {error}"))?);
        let clock = Arc::new(LogClock::default());
        let shared: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
        let (rules, left_out) = tried.chosen(seen);
        let gate = tried
            .gate(&rules)
            .shared_store(shared)
            .clock(Arc::<LogClock>::clone(&clock))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            gate,
            store,
            clock,
            rules: rules.iter().map(RuleTally::new).collect(),
            left_out,
            requests: 0,
            refused: 0,
            denied: 0,
            let_in: 0,
            unlimited: 0,
            picture: Picture::default(),
        })
    }

    /// Decides the request of one line.
    pub(super) fn take(&mut self, line: &Line<'_>, place: Place) -> Result<(), String> {
        self.clock.set(line.at);
        let facts = LogFacts(line);
        let wrong = |error: tidegate::Error| error.to_string();
        let mut decision = self.gate.admit(&facts).map_err(wrong)?;
        if decision.settles() {
            let ending = Ending { status: line.status, cost: None, charges: None };
            self.gate.settle(&decision, &ending).map_err(wrong)?;
        }
        self.requests += 1;
        self.refused += u64::from(!decision.allowed);
        self.picture.add(line.at, !decision.allowed);
        if decision.reason == Some(Reason::DenyList) && decision.rule().is_empty() {
            self.denied += 1;
        } else if !decision.is_counted() && self.gate.lets_in(&facts) {
            self.let_in += 1;
        } else {
            self.count(&facts, &mut decision, First { at: line.at, place }).map_err(wrong)?;
        }
        Ok(())
    }

    /// Counts a request for every rule that applies to it.
    fn count(
        &mut self,
        facts: &LogFacts<'_>,
        decision: &mut Decision,
        first: First,
    ) -> Result<(), tidegate::Error> {
        let mut is_limited = false;
        // That of the binding rule need not be found out again.
        let mut known = decision.subject.take();
        let decision = &*decision;
        for position in self.gate.applying(facts) {
            let rule = &mut self.rules[position];
            let known = if rule.name == decision.rule() { known.take() } else { None };
            let subject = known.map_or_else(|| self.gate.subject(facts, position), Ok)?;
            if self.gate.rules()[position].is_exempt(&subject) {
                continue;
            }
            is_limited = true;
            if rule.is_shadow && !decision.allowed {
                // Who is refused is not asked about by rules in the shadow.
                continue;
            }
            let is_refused = if rule.is_shadow {
                decision.shadow.iter().any(|name| **name == *rule.name)
            } else {
                !decision.allowed && refuses(decision, &rule.name)
            };
            rule.count(subject, is_refused.then_some(first));
        }
        self.unlimited += u64::from(!is_limited);
        Ok(())
    }

    /// Refuses to go on when keys were forgotten for which more room can be made; there is room
    /// for `keys`.
    pub(super) fn needs_room(&self, keys: usize) -> Result<(), Halt> {
        /// A key takes a few slots for each of its limits, and the table has to be rather empty
        /// for none of its sets to be full. What is forgotten then has another bound.
        const ENOUGH: usize = 64;
        let counted: usize = self.rules.iter().map(|rule| rule.keys.len()).sum();
        let is_small = keys < counted.saturating_mul(ENOUGH);
        if is_small && self.forgotten() > 0 { Err(Halt::NoRoom) } else { Ok(()) }
    }

    /// Keys that were forgotten for want of room, which makes counts inexact.
    pub(super) fn forgotten(&self) -> u64 {
        self.store.stats(self.clock.now()).evictions
    }
}

/// Whether the rule `name` is one of those that refuse.
fn refuses(decision: &Decision, name: &str) -> bool {
    if decision.reason == Some(Reason::DenyList) {
        return decision.rule() == name;
    }
    let mut answers = decision.answers().iter();
    decision.rules().iter().any(|rule| {
        let own = answers.by_ref().take(rule.limits().iter().count());
        let is_refused = own.filter(|answer| !answer.is_allowed()).count() > 0;
        is_refused && rule.name() == name
    })
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
        self.0.method.as_deref().unwrap_or_default()
    }

    fn path(&self) -> Cow<'_, [u8]> {
        decoded(&self.0.path)
    }

    fn query(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.0.query.as_deref().unwrap_or_default())
    }

    fn header(&self, name: &str) -> Lines<'_> {
        let line = self.0;
        let own = match name {
            "host" => &line.host,
            "user-agent" => &line.agent,
            "referer" => &line.referer,
            _ => &None,
        };
        let others = line.headers.iter().filter(|(known, _)| *known == name);
        own.iter().chain(others.map(|(_, value)| value)).map(|it| Cow::Borrowed(&**it)).collect()
    }

    fn user(&self) -> Option<Cow<'_, [u8]>> {
        self.0.user.as_deref().map(Cow::Borrowed)
    }
}

/// A path as frameworks see it, decoded once.
fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.contains(&b'%') {
        return Cow::Borrowed(bytes);
    }
    let digit = |at: usize| bytes.get(at).and_then(|&it| char::from(it).to_digit(16));
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            (byte, ..) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_once() {
        for (path, expected) in
            [("/a", "/a"), ("/%61%2561", "/a%61"), ("/%6", "/%6"), ("/%zz", "/%zz")]
        {
            assert_eq!(decoded(path.as_bytes()), expected.as_bytes());
        }
    }
}
