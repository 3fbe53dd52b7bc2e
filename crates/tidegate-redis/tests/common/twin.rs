//! The algorithms of the core, run directly: what a server's answers must equal.

use std::collections::{BTreeMap, VecDeque};

use smallvec::SmallVec;
use tidegate_core::{
    Change, Decision, Nanos, Program, Verdict,
    algorithm::{Algorithm, Counts, SlidingWindowLog},
};
use tidegate_remote::{Ask, AskKind, Counter, Fix, Name};

/// What is kept for a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Time(Nanos),
    Count(u64),
    Counts(Counts),
    Log(VecDeque<Nanos>),
}

/// All counters.
#[derive(Clone, Debug, Default)]
pub struct Twin(BTreeMap<Name, State>);

impl Twin {
    /// Decides an ask: how many were admitted, and the decisions on all its requests.
    pub fn ask(&mut self, ask: &Ask) -> (u32, Vec<SmallVec<[Decision; 2]>>) {
        let mut decisions = Vec::new();
        let mut granted = 0;
        for _ in 0..ask.count {
            let looks: SmallVec<[Decision; 2]> =
                ask.counters.iter().map(|counter| self.look(counter)).collect();
            let fits = looks.iter().all(|look| look.verdict == Verdict::Allowed);
            if fits && ask.kind == AskKind::Check {
                granted += 1;
                decisions.push(ask.counters.iter().map(|counter| self.take(counter)).collect());
            } else {
                decisions.push(looks);
            }
        }
        (granted, decisions)
    }

    fn state(&self, counter: &Counter) -> State {
        self.0.get(&counter.name).cloned().unwrap_or_else(|| unseen(&counter.program))
    }

    fn look(&self, counter: &Counter) -> Decision {
        let (now, cost) = (counter.at.unwrap(), counter.cost);
        match (&counter.program, self.state(counter)) {
            (Program::Gcra(by), State::Time(state)) => by.peek(state, now, cost),
            (Program::LeakyQueue(by), State::Time(state)) => by.peek(state, now, cost),
            (Program::FixedWindow(by), State::Count(state)) => by.peek(state, now, cost),
            (Program::SlidingWindowCounter(by), State::Counts(state)) => by.peek(state, now, cost),
            (Program::SlidingWindowLog(by), State::Log(times)) => by.peek(&times, now, cost),
            (program, state) => panic!("{state:?} under {program:?}"),
        }
    }

    fn take(&mut self, counter: &Counter) -> Decision {
        let (now, cost) = (counter.at.unwrap(), counter.cost);
        let (next, decision) = match (&counter.program, self.state(counter)) {
            (Program::Gcra(by), State::Time(state)) => step(by, state, now, cost, State::Time),
            (Program::LeakyQueue(by), State::Time(state)) => {
                step(by, state, now, cost, State::Time)
            }
            (Program::FixedWindow(by), State::Count(state)) => {
                step(by, state, now, cost, State::Count)
            }
            (Program::SlidingWindowCounter(by), State::Counts(state)) => {
                step(by, state, now, cost, State::Counts)
            }
            (Program::SlidingWindowLog(by), State::Log(mut times)) => {
                let decision = by.check(&times, now, cost);
                append(by, &mut times, now, cost);
                (State::Log(times), decision)
            }
            (program, state) => panic!("{state:?} under {program:?}"),
        };
        self.0.insert(counter.name.clone(), next);
        decision
    }

    /// Makes a change, as of the time that it brings.
    pub fn fix(&mut self, fix: &Fix) {
        let now = fix.at.unwrap();
        let state = self.0.remove(&fix.name).unwrap_or_else(|| unseen(&fix.program));
        if fix.change == Change::Reset {
            return;
        }
        let next = match (&fix.program, state) {
            (Program::Gcra(by), State::Time(state)) => State::Time(change(by, state, now, fix)),
            (Program::LeakyQueue(by), State::Time(state)) => {
                State::Time(change(by, state, now, fix))
            }
            (Program::FixedWindow(by), State::Count(state)) => {
                State::Count(change(by, state, now, fix))
            }
            (Program::SlidingWindowCounter(by), State::Counts(state)) => {
                State::Counts(change(by, state, now, fix))
            }
            (Program::SlidingWindowLog(by), State::Log(mut times)) => {
                change_log(by, &mut times, now, fix.change);
                State::Log(times)
            }
            (program, state) => panic!("{state:?} under {program:?}"),
        };
        self.0.insert(fix.name.clone(), next);
    }

    /// When a counter's state stops meaning anything.
    pub fn recovered_at(&self, name: &Name, program: &Program) -> Nanos {
        match (program, self.0.get(name)) {
            (_, None) => Nanos::ZERO,
            (Program::Gcra(by), Some(State::Time(state))) => by.recovered_at(*state),
            (Program::LeakyQueue(by), Some(State::Time(state))) => by.recovered_at(*state),
            (Program::FixedWindow(by), Some(State::Count(state))) => by.recovered_at(*state),
            (Program::SlidingWindowCounter(by), Some(State::Counts(state))) => {
                by.recovered_at(*state)
            }
            (Program::SlidingWindowLog(by), Some(State::Log(times))) => by.recovered_at(times),
            (program, state) => panic!("{state:?} under {program:?}"),
        }
    }
}

fn unseen(program: &Program) -> State {
    match program {
        Program::DenyAll | Program::Gcra(_) | Program::LeakyQueue(_) => State::Time(Nanos::ZERO),
        Program::FixedWindow(_) => State::Count(0),
        Program::SlidingWindowCounter(_) => State::Counts(Counts::default()),
        Program::SlidingWindowLog(_) => State::Log(VecDeque::new()),
    }
}

fn step<A: Algorithm>(
    by: &A,
    state: A::State,
    now: Nanos,
    cost: u32,
    wrap: fn(A::State) -> State,
) -> (State, Decision) {
    let step = by.check(state, now, cost);
    (wrap(step.next.unwrap_or(state)), step.decision)
}

fn change<A: Algorithm>(by: &A, state: A::State, now: Nanos, fix: &Fix) -> A::State {
    match fix.change {
        Change::Refund { cost, charged_at } => by.refund(state, now, charged_at, cost),
        Change::Debit { cost } => by.debit(state, now, cost),
        Change::Settle { reserved, charged_at, actual } => {
            by.settle(state, now, charged_at, reserved, actual)
        }
        Change::Reset => A::State::default(),
    }
}

fn append(by: &SlidingWindowLog, times: &mut VecDeque<Nanos>, now: Nanos, units: u32) {
    if units > 0 {
        times.drain(..by.expired(times, now));
        let stamp = by.stamp(times, now);
        times.extend((0..units).map(|_| stamp));
    }
}

fn change_log(by: &SlidingWindowLog, times: &mut VecDeque<Nanos>, now: Nanos, change: Change) {
    let refund = |times: &mut VecDeque<Nanos>, charged_at, cost| {
        let range = by.refund(times, charged_at, cost);
        times.drain(range);
    };
    match change {
        Change::Refund { cost, charged_at } => refund(times, charged_at, cost),
        Change::Settle { reserved, charged_at, actual } if actual < reserved => {
            refund(times, charged_at, reserved - actual);
        }
        Change::Debit { cost } => append(by, times, now, by.debit(times, now, cost)),
        Change::Settle { reserved, actual, .. } => {
            append(by, times, now, by.debit(times, now, actual - reserved));
        }
        Change::Reset => times.clear(),
    }
}
