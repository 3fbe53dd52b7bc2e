//! What a request asks the server, and what is known without asking: limits of zero.

use smallvec::SmallVec;
use tidegate_core::{Charge, Decision, Nanos, Program};

use crate::{Answer, Ask, AskKind, Backend, Counter, Decisions, Name, Remote, RemoteError};

/// What is to be asked for a request, and what is known without.
pub(crate) struct Question {
    /// Of the counters that the server keeps; perhaps of none.
    pub(crate) ask: Ask,
    pub(crate) hashes: SmallVec<[u64; 2]>,
    pub(crate) known: Known,
}

/// The decisions on limits of zero, which no server need be asked about, by their positions
/// among the charges.
pub(crate) struct Known(Vec<(usize, Decision)>);

impl Question {
    pub(crate) fn new<B: Backend>(
        remote: &Remote<B>,
        charges: &[Charge<'_>],
        kind: AskKind,
        count: u32,
    ) -> Result<Self, RemoteError> {
        let mut ask = Ask { counters: SmallVec::new(), count, kind };
        let (mut hashes, mut known) = (SmallVec::new(), Vec::new());
        for (index, charge) in charges.iter().enumerate() {
            let program = remote.program(charge.limit)?;
            if program == Program::DenyAll {
                known.push((index, Decision::deny_all(charge.cost)));
                continue;
            }
            let at = remote.time_of(charge.limit, charge.at);
            let name = Name::new(&charge.key);
            ask.counters.push(Counter { name, program, cost: charge.cost, at });
            hashes.push(remote.hash(&charge.key));
        }
        if known.iter().any(|(_, decision)| !decision.is_allowed()) {
            // Where a limit of zero has refused, the others are only looked at.
            ask.kind = AskKind::Peek;
        }
        Ok(Self { ask, hashes, known: Known(known) })
    }

    /// Whether there is nothing to ask.
    pub(crate) fn is_answered(&self) -> bool {
        self.ask.counters.is_empty()
    }
}

impl Known {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The answer to `count` requests that nobody need be asked about.
    pub(crate) fn alone(&self, at: Nanos, count: u32) -> Answer {
        let decisions: Decisions = self.0.iter().map(|(_, decision)| *decision).collect();
        Answer { at, requests: (0..count).map(|_| decisions.clone()).collect() }
    }

    /// Puts the decisions that were known from the beginning in their places.
    pub(crate) fn complete(&self, mut answer: Answer) -> Answer {
        for decisions in &mut answer.requests {
            for (index, decision) in &self.0 {
                decisions.insert(*index, *decision);
            }
        }
        answer
    }
}
