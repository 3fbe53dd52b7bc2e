//! One lock's worth of keys: dispatches a charge to the algorithm and its state.

use tidegate_core::{Adjustment, Charge, Decision, Nanos, Program};

use crate::{
    cell::{self, Next},
    logs::Logs,
    table::Table,
};

/// The keys that share a lock.
pub(crate) struct Shard {
    pub(crate) table: Table,
    pub(crate) logs: Logs,
}

/// What is to be kept if every charge of the request is allowed.
pub(crate) enum Pending {
    /// Nothing: the charge was denied, or took nothing.
    Nothing,
    /// A new cell.
    Cell(Next),
    /// More entries in the log.
    Entries,
}

impl Shard {
    /// Decides one charge, and takes it if it is allowed.
    pub(crate) fn charge(&mut self, fingerprint: u64, charge: &Charge<'_>, now: Nanos) -> Decision {
        let (decision, pending) = self.check(fingerprint, charge);
        if decision.is_allowed() {
            self.commit(fingerprint, charge, pending, now);
        }
        decision
    }

    /// Decides one charge, and keeps nothing yet.
    pub(crate) fn check(&self, fingerprint: u64, charge: &Charge<'_>) -> (Decision, Pending) {
        let words = self.table.get(fingerprint);
        let (at, cost) = (charge.at, charge.cost);
        let (decision, next) = match charge.limit.program() {
            Program::DenyAll => (Decision::deny_all(cost), None),
            Program::Gcra(gcra) => cell::check(gcra, words, at, cost),
            Program::LeakyQueue(queue) => cell::check(queue, words, at, cost),
            Program::FixedWindow(window) => cell::check(window, words, at, cost),
            Program::SlidingWindowCounter(counter) => cell::check(counter, words, at, cost),
            Program::SlidingWindowLog(log) => {
                return (self.logs.check(log, fingerprint, at, cost), Pending::Entries);
            }
        };
        (decision, next.map_or(Pending::Nothing, Pending::Cell))
    }

    /// Keeps what [`check`](Self::check) left to be kept.
    fn commit(&mut self, fingerprint: u64, charge: &Charge<'_>, pending: Pending, now: Nanos) {
        match (pending, charge.limit.program()) {
            (Pending::Cell(next), _) => self.keep(fingerprint, &next, charge.at, now),
            (Pending::Entries, Program::SlidingWindowLog(log)) => {
                self.logs.commit(log, fingerprint, charge);
            }
            (Pending::Entries | Pending::Nothing, _) => {}
        }
    }

    /// Answers as a check would.
    pub(crate) fn peek(&self, fingerprint: u64, charge: &Charge<'_>) -> Decision {
        let words = self.table.get(fingerprint);
        let (at, cost) = (charge.at, charge.cost);
        match charge.limit.program() {
            Program::DenyAll => Decision::deny_all(cost),
            Program::Gcra(gcra) => cell::peek(gcra, words, at, cost),
            Program::LeakyQueue(queue) => cell::peek(queue, words, at, cost),
            Program::FixedWindow(window) => cell::peek(window, words, at, cost),
            Program::SlidingWindowCounter(counter) => cell::peek(counter, words, at, cost),
            Program::SlidingWindowLog(log) => self.logs.peek(log, fingerprint, at, cost),
        }
    }

    /// Applies a change that is not a request.
    pub(crate) fn adjust(&mut self, fingerprint: u64, adjustment: &Adjustment<'_>, now: Nanos) {
        let words = self.table.get(fingerprint);
        let next = match adjustment.limit.program() {
            Program::DenyAll => return,
            Program::Gcra(gcra) => cell::adjust(gcra, words, adjustment),
            Program::LeakyQueue(queue) => cell::adjust(queue, words, adjustment),
            Program::FixedWindow(window) => cell::adjust(window, words, adjustment),
            Program::SlidingWindowCounter(counter) => cell::adjust(counter, words, adjustment),
            Program::SlidingWindowLog(log) => {
                return self.logs.adjust(log, fingerprint, adjustment);
            }
        };
        match next {
            Some(next) => self.keep(fingerprint, &next, adjustment.at, now),
            None => self.table.remove(fingerprint),
        }
    }

    /// `at` is the limit's own time of what happens `now` on the table's timeline.
    fn keep(&mut self, fingerprint: u64, next: &Next, at: Nanos, now: Nanos) {
        let expires = now.saturating_add(next.recovered_at.saturating_sub(at));
        if expires > now {
            self.table.put(fingerprint, next.words, expires, now);
        } else {
            self.table.remove(fingerprint);
        }
    }
}
