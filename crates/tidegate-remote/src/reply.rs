//! What a server answers, and the decisions that follow from it.
//!
//! A server decides how many requests pass, and tells the state that it found. The numbers of
//! a decision are worked out here by the same steps as in any other store: so a client never
//! hears one thing from one store and another from the next.

use std::iter::repeat_n;

use smallvec::SmallVec;
use tidegate_core::{
    Decision, Nanos, Program, Verdict,
    algorithm::{Algorithm, Counts, SlidingWindowLog, Times},
};

use crate::{Ask, AskKind, Counter, Decisions};

/// When to ask again what was refused for somebody else's sake, and not for want of room.
const SOON: Nanos = Nanos(1_000_000);

/// How a server answers an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How many of the ask's requests were admitted; 0 for a peek.
    pub granted: u32,
    /// The server's time at the decision.
    pub now: Nanos,
    /// The state of each of the ask's counters as it was found, before anything was taken.
    pub found: SmallVec<[Record; 2]>,
}

/// The state of a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A point in time, of GCRA and the leaky queue; zero when unseen.
    Time(Nanos),
    /// `index·L + used`, of the fixed window; zero when unseen.
    Count(u64),
    /// Of the sliding window counter; the default when unseen.
    Counts(Counts),
    /// Of the sliding window log.
    Log(LogRecord),
}

/// A log, as far as decisions need to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRecord {
    /// Entries later than `now − period`.
    pub live: u32,
    /// Some of those entries, by position from 0, the oldest, in any order. With `n` live
    /// ones, `L` the limit, `c` the cost and `m` the number of requests granted, these must be
    /// there as far as they are positions below `n`: `max(n − L, 0)`, `n − 1`, and, if a
    /// request was refused, `n + m·c − (L − c) − 1`.
    pub entries: SmallVec<[(u32, Nanos); 3]>,
}

impl Reply {
    /// The decisions on the ask's requests, in order: for each, one for each counter.
    ///
    /// Of an ask that was refused, the counters that had room answer as a peek would: nothing
    /// was taken there. Empty when the reply does not fit the ask.
    #[must_use]
    pub fn decisions(&self, ask: &Ask) -> Vec<SmallVec<[Decision; 2]>> {
        if self.found.len() != ask.counters.len() {
            return Vec::new();
        }
        let mut states: SmallVec<[State<'_>; 2]> = SmallVec::new();
        for (counter, record) in ask.counters.iter().zip(&self.found) {
            let Some(state) = State::new(counter, record, self.now) else { return Vec::new() };
            states.push(state);
        }
        let granted = self.granted.min(ask.count) as usize;
        let admitted = (0..granted).map(|_| states.iter_mut().map(State::take).collect());
        let mut decisions: Vec<_> = admitted.collect();
        let rest = ask.count as usize - granted;
        if rest == 0 {
            return decisions;
        }
        let mut left: Decisions = states.iter().map(State::look).collect();
        if ask.kind == AskKind::Check && left.iter().all(Decision::is_allowed) {
            // What was found has room, and yet the server took nothing: others were faster
            // between its look and its writing. Only what it took is admitted.
            if let Some(first) = left.first_mut() {
                first.verdict = Verdict::Denied { retry_after: first.next_unit_after.max(SOON) };
            }
        }
        decisions.extend(repeat_n(left, rest));
        decisions
    }
}

/// A counter as it stands after some of an ask's requests.
struct State<'a> {
    cost: u32,
    at: Nanos,
    kept: Kept<'a>,
}

enum Kept<'a> {
    Gcra(&'a tidegate_core::algorithm::Gcra, Nanos),
    LeakyQueue(&'a tidegate_core::algorithm::LeakyQueue, Nanos),
    FixedWindow(&'a tidegate_core::algorithm::FixedWindow, u64),
    SlidingWindowCounter(&'a tidegate_core::algorithm::SlidingWindowCounter, Counts),
    SlidingWindowLog(&'a SlidingWindowLog, Sparse<'a>),
}

impl<'a> State<'a> {
    fn new(counter: &'a Counter, record: &'a Record, now: Nanos) -> Option<Self> {
        let at = counter.at.unwrap_or(now);
        let kept = match (&counter.program, record) {
            (Program::Gcra(by), Record::Time(tat)) => Kept::Gcra(by, *tat),
            (Program::LeakyQueue(by), Record::Time(time)) => Kept::LeakyQueue(by, *time),
            (Program::FixedWindow(by), Record::Count(count)) => Kept::FixedWindow(by, *count),
            (Program::SlidingWindowCounter(by), Record::Counts(counts)) => {
                Kept::SlidingWindowCounter(by, *counts)
            }
            (Program::SlidingWindowLog(by), Record::Log(log)) => {
                Kept::SlidingWindowLog(by, Sparse { log, appended: 0, stamp: at, at })
            }
            _ => return None,
        };
        Some(Self { cost: counter.cost, at, kept })
    }

    /// The decision on a request that the server admitted.
    fn take(&mut self) -> Decision {
        let (at, cost) = (self.at, self.cost);
        match &mut self.kept {
            Kept::Gcra(by, state) => step(*by, state, at, cost),
            Kept::LeakyQueue(by, state) => step(*by, state, at, cost),
            Kept::FixedWindow(by, state) => step(*by, state, at, cost),
            Kept::SlidingWindowCounter(by, state) => step(*by, state, at, cost),
            Kept::SlidingWindowLog(by, times) => {
                let decision = by.check(times, at, cost);
                times.stamp = by.stamp(times, at);
                times.appended += cost as usize;
                decision
            }
        }
    }

    /// The decision on a request of which nothing was taken.
    fn look(&self) -> Decision {
        let (at, cost) = (self.at, self.cost);
        match &self.kept {
            Kept::Gcra(by, state) => by.peek(*state, at, cost),
            Kept::LeakyQueue(by, state) => by.peek(*state, at, cost),
            Kept::FixedWindow(by, state) => by.peek(*state, at, cost),
            Kept::SlidingWindowCounter(by, state) => by.peek(*state, at, cost),
            Kept::SlidingWindowLog(by, times) => by.peek(times, at, cost),
        }
    }
}

fn step<A: Algorithm>(by: &A, state: &mut A::State, at: Nanos, cost: u32) -> Decision {
    let step = by.check(*state, at, cost);
    if let Some(next) = step.next {
        *state = next;
    }
    step.decision
}

/// A log of which a few entries are known, with the ask's own appended.
struct Sparse<'a> {
    log: &'a LogRecord,
    appended: usize,
    stamp: Nanos,
    at: Nanos,
}

impl Times for Sparse<'_> {
    fn len(&self) -> usize {
        self.log.live as usize + self.appended
    }

    fn get(&self, index: usize) -> Nanos {
        if index >= self.log.live as usize {
            return self.stamp;
        }
        let known = self.log.entries.iter().find(|(position, _)| *position as usize == index);
        // Only live entries are here, and no other is read for its value.
        known.map_or(self.at, |(_, time)| *time)
    }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;
    use tidegate_core::{Key, Limit};

    use super::*;
    use crate::Name;

    #[test]
    fn only_what_the_server_took_is_admitted() {
        let limit: Limit = "5/minute".parse().unwrap();
        let counter = Counter {
            name: Name::new(&Key::new("rule", limit.tag(0), b"ana")),
            program: limit.program().clone(),
            cost: 1,
            at: None,
        };
        let ask = |kind| Ask { counters: smallvec![counter.clone()], count: 3, kind };
        let found: SmallVec<[Record; 2]> = smallvec![Record::Time(Nanos::ZERO)];
        let now = Nanos::from_secs(1_700_000_000);
        let allowed = |granted, kind| {
            let reply = Reply { granted, now, found: found.clone() };
            let decisions = reply.decisions(&ask(kind));
            decisions.iter().map(|request| request[0].is_allowed()).collect::<Vec<_>>()
        };

        // There is room for all three, but the server says otherwise.
        assert_eq!(allowed(1, AskKind::Check), [true, false, false]);
        assert_eq!(allowed(0, AskKind::Check), [false, false, false]);
        assert_eq!(allowed(0, AskKind::Peek), [true, true, true]);
    }
}
