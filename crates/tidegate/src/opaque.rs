//! States as bytes, for stores that can do nothing but keep bytes.
//!
//! A store of that kind reads the states of a request's keys, calls [`Step::apply`], and writes
//! what that returns, all in one transaction. Every algorithm stays here.

use std::{collections::VecDeque, iter::repeat_n};

use smallvec::SmallVec;
use tidegate_core::{
    Adjustment, Change, Charge, Decision, Limit, Nanos, Program, Verdict,
    algorithm::{Algorithm, Counts, SlidingWindowLog},
};

use crate::store::UNDECIDED;

/// What is to be done to the states of some keys.
#[derive(Clone, Debug)]
pub struct Step {
    parts: SmallVec<[Part; 2]>,
    /// Whether units are taken when every part allows it.
    takes: bool,
}

/// One key's part in a step.
#[derive(Clone, Debug)]
struct Part {
    program: Program,
    cost: u32,
    /// The time on a timeline that is not the store's.
    at: Option<Nanos>,
    /// What to change, and when that was asked by the clock that its times are of.
    change: Option<(Change, Nanos)>,
}

/// A state to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The state.
    pub state: Vec<u8>,
    /// How long it means something; after that it may be forgotten.
    pub lives: Nanos,
}

/// Bytes that are no state of the limit's algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state of key {index} is none of tidegate's, or of another algorithm")]
pub struct BadState {
    /// Which key's.
    pub index: usize,
}

impl Step {
    /// Decides one request: all charges are taken or none.
    #[must_use]
    pub fn check(charges: &[Charge<'_>]) -> Self {
        Self { parts: charges.iter().map(Part::of_charge).collect(), takes: true }
    }

    /// Answers as a check would, and takes nothing.
    #[must_use]
    pub fn peek(charges: &[Charge<'_>]) -> Self {
        Self { takes: false, ..Self::check(charges) }
    }

    /// Applies changes that are not requests.
    #[must_use]
    pub fn adjust(adjustments: &[Adjustment<'_>]) -> Self {
        let part = |adjustment: &Adjustment<'_>| Part {
            program: adjustment.limit.program().clone(),
            cost: 0,
            at: own_time(adjustment.limit, adjustment.at),
            change: Some((adjustment.change, adjustment.at)),
        };
        Self { parts: adjustments.iter().map(part).collect(), takes: true }
    }

    /// The decisions, and for each key what to write, at `now` by the store's clock. Has no
    /// effect of its own: a transaction that is repeated calls it again.
    ///
    /// # Errors
    ///
    /// [`BadState`] for bytes that this never made.
    pub fn apply(
        &self,
        states: &[Option<&[u8]>],
        now: Nanos,
    ) -> Result<(Vec<Decision>, Vec<Option<Write>>), BadState> {
        let mut kept = Vec::with_capacity(self.parts.len());
        for (index, part) in self.parts.iter().enumerate() {
            let bytes = states.get(index).copied().flatten();
            kept.push(Kept::read(&part.program, bytes).ok_or(BadState { index })?);
        }
        let parts = || self.parts.iter().zip(&kept);
        let peeks: Vec<Decision> = parts().map(|(part, kept)| part.peek(kept, now)).collect();
        // A change that is no request is applied whatever there is.
        let fits = |(part, peek): (&Part, &Decision)| part.change.is_some() || peek.is_allowed();
        let takes = self.takes && self.parts.iter().zip(&peeks).all(fits);
        if !takes {
            return Ok((peeks, vec![None; self.parts.len()]));
        }
        Ok(parts().map(|(part, kept)| part.take(kept, now)).unzip())
    }
}

impl Part {
    fn of_charge(charge: &Charge<'_>) -> Self {
        let program = charge.limit.program().clone();
        let at = own_time(charge.limit, charge.at);
        Self { program, cost: charge.cost, at, change: None }
    }

    fn peek(&self, kept: &Kept, now: Nanos) -> Decision {
        let (at, cost) = (self.at.unwrap_or(now), self.cost);
        match (&self.program, kept) {
            (Program::Gcra(by), Kept::Time(state)) => by.peek(*state, at, cost),
            (Program::LeakyQueue(by), Kept::Time(state)) => by.peek(*state, at, cost),
            (Program::FixedWindow(by), Kept::Count(state)) => by.peek(*state, at, cost),
            (Program::SlidingWindowCounter(by), Kept::Counts(state)) => by.peek(*state, at, cost),
            (Program::SlidingWindowLog(by), Kept::Log(times)) => by.peek(times, at, cost),
            _ if cost == 0 => Decision { verdict: Verdict::Allowed, ..UNDECIDED },
            _ => UNDECIDED,
        }
    }

    fn take(&self, kept: &Kept, now: Nanos) -> (Decision, Option<Write>) {
        let at = self.at.unwrap_or(now);
        match (&self.program, kept) {
            (Program::Gcra(by), Kept::Time(state)) => self.step(by, *state, at, Kept::Time),
            (Program::LeakyQueue(by), Kept::Time(state)) => self.step(by, *state, at, Kept::Time),
            (Program::FixedWindow(by), Kept::Count(state)) => {
                self.step(by, *state, at, Kept::Count)
            }
            (Program::SlidingWindowCounter(by), Kept::Counts(state)) => {
                self.step(by, *state, at, Kept::Counts)
            }
            (Program::SlidingWindowLog(by), Kept::Log(times)) => self.log(by, times, at),
            _ => (self.peek(kept, now), None),
        }
    }

    fn step<A: Algorithm>(
        &self,
        by: &A,
        state: A::State,
        at: Nanos,
        kept: impl Fn(A::State) -> Kept,
    ) -> (Decision, Option<Write>) {
        let (decision, next) = match self.change {
            None => {
                let step = by.check(state, at, self.cost);
                (step.decision, step.next)
            }
            Some((change, asked)) => {
                let next = match on_timeline(change, asked, at) {
                    Change::Refund { cost, charged_at } => by.refund(state, at, charged_at, cost),
                    Change::Debit { cost } => by.debit(state, at, cost),
                    Change::Settle { reserved, charged_at, actual } => {
                        by.settle(state, at, charged_at, reserved, actual)
                    }
                    Change::Reset => A::State::default(),
                };
                (UNDECIDED, (next != state).then_some(next))
            }
        };
        let write = next.map(|next| Write {
            state: kept(next).bytes(),
            lives: by.recovered_at(next).saturating_sub(at),
        });
        (decision, write)
    }

    fn log(
        &self,
        by: &SlidingWindowLog,
        times: &VecDeque<Nanos>,
        at: Nanos,
    ) -> (Decision, Option<Write>) {
        let mut times = times.clone();
        let decision = by.check(&times, at, self.cost);
        let append = |times: &mut VecDeque<Nanos>, units: u32| {
            let stamp = by.stamp(times, at);
            times.extend(repeat_n(stamp, units as usize));
        };
        let refund = |times: &mut VecDeque<Nanos>, charged_at, cost| {
            drop(times.drain(by.refund(times, charged_at, cost)));
        };
        times.drain(..by.expired(&times, at));
        match self.change.map(|(change, asked)| on_timeline(change, asked, at)) {
            None if self.cost == 0 => return (decision, None),
            None => append(&mut times, self.cost),
            Some(Change::Debit { cost }) => {
                let units = by.debit(&times, at, cost);
                append(&mut times, units);
            }
            Some(Change::Refund { cost, charged_at }) => refund(&mut times, charged_at, cost),
            Some(Change::Settle { reserved, actual, .. }) if actual >= reserved => {
                let units = by.debit(&times, at, actual - reserved);
                append(&mut times, units);
            }
            Some(Change::Settle { reserved, charged_at, actual }) => {
                refund(&mut times, charged_at, reserved - actual);
            }
            Some(Change::Reset) => times.clear(),
        }
        let lives = by.recovered_at(&times).saturating_sub(at);
        (decision, Some(Write { state: Kept::Log(times).bytes(), lives }))
    }
}

/// The change, with its times on the timeline that shows `at` when the caller's shows `asked`:
/// as long ago there as here.
fn on_timeline(change: Change, asked: Nanos, at: Nanos) -> Change {
    let there = |time: Nanos| at.saturating_sub(asked.saturating_sub(time));
    match change {
        Change::Refund { cost, charged_at } => {
            Change::Refund { cost, charged_at: there(charged_at) }
        }
        Change::Settle { reserved, charged_at, actual } => {
            Change::Settle { reserved, charged_at: there(charged_at), actual }
        }
        Change::Debit { .. } | Change::Reset => change,
    }
}

/// The time to decide by, if it is not the store's to know.
fn own_time(limit: &Limit, at: Nanos) -> Option<Nanos> {
    limit.calendar_period().is_some().then_some(at)
}

/// A state, read. Its first byte says of which kind it is, the rest are little-endian words.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    Nothing,
    Time(Nanos),
    Count(u64),
    Counts(Counts),
    Log(VecDeque<Nanos>),
}

impl Kept {
    fn read(program: &Program, bytes: Option<&[u8]>) -> Option<Self> {
        let unseen = match program {
            Program::Gcra(_) | Program::LeakyQueue(_) => Self::Time(Nanos::ZERO),
            Program::FixedWindow(_) => Self::Count(0),
            Program::SlidingWindowCounter(_) => Self::Counts(Counts::default()),
            Program::SlidingWindowLog(_) => Self::Log(VecDeque::new()),
            Program::DenyAll => Self::Nothing,
        };
        let Some(bytes) = bytes else { return Some(unseen) };
        let (kind, rest) = bytes.split_first()?;
        let (words, []) = rest.as_chunks::<8>() else { return None };
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        let mut word = || words.next();
        let found = match (unseen, kind) {
            (Self::Nothing, _) => return Some(Self::Nothing),
            (Self::Time(_), 1) => Self::Time(Nanos(word()?)),
            (Self::Count(_), 2) => Self::Count(word()?),
            (Self::Counts(_), 3) => Self::Counts(Counts {
                window: word()?,
                previous: u32::try_from(word()?).ok()?,
                current: u32::try_from(word()?).ok()?,
            }),
            (Self::Log(_), 4) => return Some(Self::Log(words.map(Nanos).collect())),
            _ => return None,
        };
        words.next().is_none().then_some(found)
    }

    fn bytes(&self) -> Vec<u8> {
        let (kind, words): (u8, Vec<u64>) = match self {
            Self::Nothing => (0, Vec::new()),
            Self::Time(time) => (1, vec![time.0]),
            Self::Count(count) => (2, vec![*count]),
            Self::Counts(counts) => {
                (3, vec![counts.window, counts.previous.into(), counts.current.into()])
            }
            Self::Log(times) => (4, times.iter().map(|time| time.0).collect()),
        };
        let mut bytes = vec![kind];
        bytes.extend(words.into_iter().flat_map(u64::to_le_bytes));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::Key;

    use super::*;

    const NOW: Nanos = Nanos(1_700_000_000 * Nanos::SECOND.0);

    fn limit(text: &str) -> Limit {
        text.parse().unwrap()
    }

    fn charge(limit: &Limit, cost: u32) -> Charge<'_> {
        Charge { key: Key::new("rule", limit.tag(0), b"ana"), limit, cost, at: Nanos::ZERO }
    }

    #[test]
    fn a_state_read_again_goes_on_where_it_was() {
        for text in [
            "3/minute",
            "leaky_bucket: 3/minute queue 100s",
            "fixed_window: 3/hour",
            "sliding_window_counter: 3/minute",
            "sliding_window_log: 3/minute",
        ] {
            let limit = limit(text);
            let step = Step::check(&[charge(&limit, 1)]);
            let mut state: Option<Vec<u8>> = None;
            let mut admitted = 0;
            for _ in 0..8 {
                let (decisions, writes) = step.apply(&[state.as_deref()], NOW).unwrap();
                admitted += u32::from(decisions[0].is_allowed());
                assert_eq!(writes[0].is_some(), decisions[0].is_allowed(), "{text}");
                for write in writes.into_iter().flatten() {
                    assert!(write.lives > Nanos::ZERO, "{text}");
                    state = Some(write.state);
                }
            }
            assert_eq!(admitted, limit.capacity(), "{text}");

            let reset = Adjustment {
                key: Key::new("rule", limit.tag(0), b"ana"),
                limit: &limit,
                at: Nanos::ZERO,
                change: Change::Reset,
            };
            let (_, writes) = Step::adjust(&[reset]).apply(&[state.as_deref()], NOW).unwrap();
            let state = writes[0].as_ref().map(|write| write.state.as_slice());
            let (decisions, _) = step.apply(&[state], NOW).unwrap();
            assert!(decisions[0].is_allowed(), "{text}");
        }
    }

    #[test]
    fn all_are_taken_or_none() {
        let (wide, narrow) = (limit("5/minute"), limit("1/minute"));
        let step = Step::check(&[charge(&wide, 1), charge(&narrow, 1)]);
        let (_, writes) = step.apply(&[None, None], NOW).unwrap();
        let states: Vec<_> = writes.into_iter().map(|write| write.unwrap().state).collect();

        let (decisions, writes) = step.apply(&[Some(&states[0]), Some(&states[1])], NOW).unwrap();

        assert!(decisions[0].is_allowed() && !decisions[1].is_allowed());
        assert_eq!(writes, [None, None]);
    }

    #[test]
    fn what_is_owed_can_be_given_back() {
        let limit = limit("2/minute");
        let adjust = |change, state: Option<&[u8]>| {
            let key = Key::new("rule", limit.tag(0), b"ana");
            let adjustment = Adjustment { key, limit: &limit, at: Nanos::ZERO, change };
            let (_, writes) = Step::adjust(&[adjustment]).apply(&[state], NOW).unwrap();
            writes.into_iter().next().flatten().unwrap().state
        };
        let owing = adjust(Change::Debit { cost: 4 }, None);
        let repaid = adjust(Change::Refund { cost: 3, charged_at: Nanos::ZERO }, Some(&owing));

        let peek = Step::peek(&[charge(&limit, 1)]);

        assert!(!peek.apply(&[Some(&owing)], NOW).unwrap().0[0].is_allowed());
        assert!(peek.apply(&[Some(&repaid)], NOW).unwrap().0[0].is_allowed());
    }

    #[test]
    fn foreign_bytes_are_refused() {
        let limit = limit("5/minute");
        let step = Step::check(&[charge(&limit, 1)]);
        for bytes in [&b""[..], b"x", b"\x02\0\0\0\0\0\0\0\0", b"\x01\0", &[1; 17]] {
            assert_eq!(step.apply(&[Some(bytes)], NOW), Err(BadState { index: 0 }), "{bytes:?}");
        }
    }
}
