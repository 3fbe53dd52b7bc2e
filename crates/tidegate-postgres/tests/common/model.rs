//! The algorithms of `tidegate-core`, run directly on a counter in memory.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{collections::VecDeque, iter::repeat_n};

use tidegate_core::{
    Change, Decision, Nanos, Program,
    algorithm::{Algorithm, Counts, SlidingWindowLog},
};

/// A counter's state.
#[derive(Clone, Debug)]
pub(crate) enum State {
    Word(u64),
    Counts(Counts),
    Log(VecDeque<Nanos>),
}

/// A counter.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) program: Program,
    state: State,
}

impl Model {
    pub(crate) fn new(program: &Program) -> Self {
        let mut model = Self { program: program.clone(), state: State::Word(0) };
        model.reset();
        model
    }

    fn reset(&mut self) {
        self.state = match self.program {
            Program::SlidingWindowCounter(_) => State::Counts(Counts::default()),
            Program::SlidingWindowLog(_) => State::Log(VecDeque::new()),
            _ => State::Word(0),
        };
    }

    /// True when nothing is known of it, as when a server has no row.
    pub(crate) fn is_unseen(&self) -> bool {
        match &self.state {
            State::Word(word) => *word == 0,
            State::Counts(counts) => *counts == Counts::default(),
            State::Log(times) => times.is_empty(),
        }
    }

    /// Decides one request, and takes its units if it passes.
    pub(crate) fn check(&mut self, at: Nanos, cost: u32) -> Decision {
        match (&self.program, &mut self.state) {
            (Program::Gcra(by), State::Word(word)) => check_time(by, word, at, cost),
            (Program::LeakyQueue(by), State::Word(word)) => check_time(by, word, at, cost),
            (Program::FixedWindow(by), State::Word(word)) => {
                let step = by.check(*word, at, cost);
                *word = step.next.unwrap_or(*word);
                step.decision
            }
            (Program::SlidingWindowCounter(by), State::Counts(counts)) => {
                let step = by.check(*counts, at, cost);
                *counts = step.next.unwrap_or(*counts);
                step.decision
            }
            (Program::SlidingWindowLog(by), State::Log(times)) => {
                let decision = by.check(times, at, cost);
                if decision.is_allowed() {
                    append(by, times, at, cost);
                }
                decision
            }
            _ => panic!("a state of another program"),
        }
    }

    pub(crate) fn peek(&self, at: Nanos, cost: u32) -> Decision {
        match (&self.program, &self.state) {
            (Program::Gcra(by), State::Word(word)) => by.peek(Nanos(*word), at, cost),
            (Program::LeakyQueue(by), State::Word(word)) => by.peek(Nanos(*word), at, cost),
            (Program::FixedWindow(by), State::Word(word)) => by.peek(*word, at, cost),
            (Program::SlidingWindowCounter(by), State::Counts(counts)) => {
                by.peek(*counts, at, cost)
            }
            (Program::SlidingWindowLog(by), State::Log(times)) => by.peek(times, at, cost),
            _ => panic!("a state of another program"),
        }
    }

    pub(crate) fn change(&mut self, at: Nanos, change: Change) {
        match (&self.program, &mut self.state) {
            _ if change == Change::Reset => self.reset(),
            (Program::Gcra(by), State::Word(word)) => {
                *word = changed(by, Nanos(*word), at, change).0;
            }
            (Program::LeakyQueue(by), State::Word(word)) => {
                *word = changed(by, Nanos(*word), at, change).0;
            }
            (Program::FixedWindow(by), State::Word(word)) => {
                *word = changed(by, *word, at, change);
            }
            (Program::SlidingWindowCounter(by), State::Counts(counts)) => {
                *counts = changed(by, *counts, at, change);
            }
            (Program::SlidingWindowLog(by), State::Log(times)) => {
                change_log(by, times, at, change);
            }
            _ => panic!("a state of another program"),
        }
    }
}

fn check_time<A>(by: &A, word: &mut u64, at: Nanos, cost: u32) -> Decision
where
    A: Algorithm<State = Nanos>,
{
    let step = by.check(Nanos(*word), at, cost);
    *word = step.next.map_or(*word, |next| next.0);
    step.decision
}

fn changed<A: Algorithm>(by: &A, state: A::State, at: Nanos, change: Change) -> A::State {
    match change {
        Change::Refund { cost, charged_at } => by.refund(state, at, charged_at, cost),
        Change::Debit { cost } => by.debit(state, at, cost),
        Change::Settle { reserved, charged_at, actual } => {
            by.settle(state, at, charged_at, reserved, actual)
        }
        Change::Reset => A::State::default(),
    }
}

fn append(by: &SlidingWindowLog, times: &mut VecDeque<Nanos>, at: Nanos, cost: u32) {
    times.drain(..by.expired(times, at));
    let stamp = by.stamp(times, at);
    times.extend(repeat_n(stamp, cost as usize));
}

fn change_log(by: &SlidingWindowLog, times: &mut VecDeque<Nanos>, at: Nanos, change: Change) {
    match change {
        Change::Refund { cost, charged_at } => {
            times.drain(by.refund(times, charged_at, cost));
        }
        Change::Debit { cost } => {
            let units = by.debit(times, at, cost);
            append(by, times, at, units);
        }
        Change::Settle { reserved, actual, .. } if actual >= reserved => {
            change_log(by, times, at, Change::Debit { cost: actual - reserved });
        }
        Change::Settle { reserved, charged_at, actual } => {
            change_log(by, times, at, Change::Refund { cost: reserved - actual, charged_at });
        }
        Change::Reset => times.clear(),
    }
}
