//! One key under any limit: the least that a store does.

use std::{collections::VecDeque, iter::repeat_n};

use tidegate_core::algorithm::{
    Algorithm, FixedWindow, Gcra, LeakyQueue, SlidingWindowCounter, SlidingWindowLog,
};
use tidegate_core::{Decision, Limit, Nanos, Program, Step};

/// An algorithm of a fixed state, and its state for one key.
#[derive(Clone, Debug)]
pub(crate) struct State<A: Algorithm> {
    pub(crate) algorithm: A,
    pub(crate) state: A::State,
}

impl<A: Algorithm> State<A> {
    pub(crate) fn new(algorithm: A) -> Self {
        Self { algorithm, state: A::State::default() }
    }

    pub(crate) fn check(&mut self, now: Nanos, cost: u32) -> Decision {
        let Step { decision, next } = self.algorithm.check(self.state, now, cost);
        assert!(next.is_none() || decision.is_allowed(), "a denial wrote {next:?}");
        self.state = next.unwrap_or(self.state);
        decision
    }

    fn refund(&mut self, now: Nanos, charged_at: Nanos, cost: u32) {
        self.state = self.algorithm.refund(self.state, now, charged_at, cost);
    }

    fn debit(&mut self, now: Nanos, cost: u32) {
        self.state = self.algorithm.debit(self.state, now, cost);
    }
}

/// One key of any algorithm.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    Gcra(State<Gcra>),
    Queue(State<LeakyQueue>),
    FixedWindow(State<FixedWindow>),
    Counter(State<SlidingWindowCounter>),
    Log(SlidingWindowLog, VecDeque<Nanos>),
}

/// Does the same to whichever state of fixed size it is, and something else to the log.
macro_rules! each {
    ($key:expr, $state:ident => $fixed:expr, ($log:ident, $times:ident) => $other:expr) => {
        match $key {
            Key::Gcra($state) => $fixed,
            Key::Queue($state) => $fixed,
            Key::FixedWindow($state) => $fixed,
            Key::Counter($state) => $fixed,
            Key::Log($log, $times) => $other,
        }
    };
}

impl Key {
    /// A key that was never seen.
    pub(crate) fn new(limit: &Limit) -> Self {
        match limit.program() {
            Program::DenyAll => panic!("a limit of zero keeps no state"),
            Program::Gcra(gcra) => Self::Gcra(State::new(gcra.clone())),
            Program::LeakyQueue(queue) => Self::Queue(State::new(queue.clone())),
            Program::FixedWindow(window) => Self::FixedWindow(State::new(window.clone())),
            Program::SlidingWindowCounter(counter) => Self::Counter(State::new(counter.clone())),
            Program::SlidingWindowLog(log) => Self::Log(log.clone(), VecDeque::new()),
        }
    }

    /// The same limit, with a key that was never seen.
    pub(crate) fn unseen(&self) -> Self {
        match self {
            Self::Gcra(key) => Self::Gcra(State::new(key.algorithm.clone())),
            Self::Queue(key) => Self::Queue(State::new(key.algorithm.clone())),
            Self::FixedWindow(key) => Self::FixedWindow(State::new(key.algorithm.clone())),
            Self::Counter(key) => Self::Counter(State::new(key.algorithm.clone())),
            Self::Log(log, _) => Self::Log(log.clone(), VecDeque::new()),
        }
    }

    pub(crate) fn check(&mut self, now: Nanos, cost: u32) -> Decision {
        each!(self, key => key.check(now, cost), (log, times) => {
            let decision = log.check(times, now, cost);
            if decision.is_allowed() {
                append(log, times, now, cost);
            }
            decision
        })
    }

    pub(crate) fn peek(&self, now: Nanos, cost: u32) -> Decision {
        each!(self, key => key.algorithm.peek(key.state, now, cost),
            (log, times) => log.peek(times, now, cost))
    }

    pub(crate) fn refund(&mut self, now: Nanos, charged_at: Nanos, cost: u32) {
        each!(self, key => key.refund(now, charged_at, cost), (log, times) => {
            times.drain(log.refund(times, charged_at, cost));
        });
    }

    pub(crate) fn debit(&mut self, now: Nanos, cost: u32) {
        each!(self, key => key.debit(now, cost), (log, times) => {
            append(log, times, now, log.debit(times, now, cost));
        });
    }

    pub(crate) fn recovered_at(&self) -> Nanos {
        each!(self, key => key.algorithm.recovered_at(key.state),
            (log, times) => log.recovered_at(times))
    }
}

fn append(log: &SlidingWindowLog, times: &mut VecDeque<Nanos>, now: Nanos, cost: u32) {
    times.drain(..log.expired(times, now));
    let stamp = log.stamp(times, now);
    times.extend(repeat_n(stamp, cost as usize));
    assert!(times.len() <= 2 * log.limit().get() as usize, "the log outgrew its bound");
}
