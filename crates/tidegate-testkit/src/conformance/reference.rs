//! One key kept the plainest way, which decides by the core's own steps.

use std::{collections::VecDeque, iter::repeat_n};

use tidegate_core::algorithm::{Algorithm, SlidingWindowLog};
use tidegate_core::{Change, Decision, Limit, Nanos, Program};

/// A key of some limit.
pub(super) trait Reference {
    fn check(&mut self, now: Nanos, cost: u32) -> Decision;
    fn peek(&self, now: Nanos, cost: u32) -> Decision;
    fn adjust(&mut self, now: Nanos, change: Change);
}

/// A key that was never seen.
pub(super) fn unseen(limit: &Limit) -> Box<dyn Reference> {
    match limit.program() {
        Program::DenyAll => panic!("a limit of zero keeps no state"),
        Program::Gcra(gcra) => fixed(gcra),
        Program::LeakyQueue(queue) => fixed(queue),
        Program::FixedWindow(window) => fixed(window),
        Program::SlidingWindowCounter(counter) => fixed(counter),
        Program::SlidingWindowLog(log) => {
            Box::new(Log { algorithm: log.clone(), times: VecDeque::new() })
        }
    }
}

fn fixed<A: Algorithm + Clone + 'static>(algorithm: &A) -> Box<dyn Reference> {
    Box::new(Fixed { algorithm: algorithm.clone(), state: A::State::default() })
}

struct Fixed<A: Algorithm> {
    algorithm: A,
    state: A::State,
}

impl<A: Algorithm> Reference for Fixed<A> {
    fn check(&mut self, now: Nanos, cost: u32) -> Decision {
        let step = self.algorithm.check(self.state, now, cost);
        self.state = step.next.unwrap_or(self.state);
        step.decision
    }

    fn peek(&self, now: Nanos, cost: u32) -> Decision {
        self.algorithm.peek(self.state, now, cost)
    }

    fn adjust(&mut self, now: Nanos, change: Change) {
        let (algorithm, state) = (&self.algorithm, self.state);
        self.state = match change {
            Change::Refund { cost, charged_at } => algorithm.refund(state, now, charged_at, cost),
            Change::Debit { cost } => algorithm.debit(state, now, cost),
            Change::Settle { reserved, charged_at, actual } => {
                algorithm.settle(state, now, charged_at, reserved, actual)
            }
            Change::Reset => A::State::default(),
        };
    }
}

struct Log {
    algorithm: SlidingWindowLog,
    times: VecDeque<Nanos>,
}

impl Log {
    fn append(&mut self, now: Nanos, cost: u32) {
        self.times.drain(..self.algorithm.expired(&self.times, now));
        let stamp = self.algorithm.stamp(&self.times, now);
        self.times.extend(repeat_n(stamp, cost as usize));
    }

    fn refund(&mut self, charged_at: Nanos, cost: u32) {
        self.times.drain(self.algorithm.refund(&self.times, charged_at, cost));
    }

    fn debit(&mut self, now: Nanos, cost: u32) {
        let entries = self.algorithm.debit(&self.times, now, cost);
        if entries > 0 {
            self.append(now, entries);
        }
    }
}

impl Reference for Log {
    fn check(&mut self, now: Nanos, cost: u32) -> Decision {
        let decision = self.algorithm.check(&self.times, now, cost);
        if decision.is_allowed() && cost > 0 {
            self.append(now, cost);
        }
        decision
    }

    fn peek(&self, now: Nanos, cost: u32) -> Decision {
        self.algorithm.peek(&self.times, now, cost)
    }

    fn adjust(&mut self, now: Nanos, change: Change) {
        match change {
            Change::Refund { cost, charged_at } => self.refund(charged_at, cost),
            Change::Debit { cost } => self.debit(now, cost),
            Change::Settle { reserved, charged_at, actual } if actual < reserved => {
                self.refund(charged_at, reserved - actual);
            }
            Change::Settle { reserved, actual, .. } => self.debit(now, actual - reserved),
            Change::Reset => self.times.clear(),
        }
    }
}
