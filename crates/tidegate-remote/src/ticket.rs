//! A question on its way, and how its answer gets back to whoever asked.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use smallvec::SmallVec;
use tidegate_core::{Decision, Nanos};

use crate::{Ask, RemoteError};

/// The decision on one request: one for each counter.
pub type Decisions = SmallVec<[Decision; 2]>;

/// What a server decided on an ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When, by the server's clock.
    pub at: Nanos,
    /// The decisions on the ask's requests, in order.
    pub requests: SmallVec<[Decisions; 1]>,
}

/// What comes of an ask.
pub type Outcome = Result<Answer, RemoteError>;

/// What is called with the outcome of an ask that nobody waits for.
pub type Done = Box<dyn FnOnce(Outcome) + Send>;

/// An ask, and to whom the outcome goes.
pub(crate) struct Ticket {
    pub(crate) ask: Ask,
    pub(crate) asker: Asker,
}

/// Somebody who asked.
pub(crate) struct Asker {
    /// The counters' hashes, for the memo.
    pub(crate) hashes: SmallVec<[u64; 2]>,
    /// How many requests the ask was for.
    pub(crate) count: u32,
    /// When he has no use for an answer any more; local.
    pub(crate) deadline: Instant,
    pub(crate) end: End,
}

pub(crate) enum End {
    /// A thread waits at the slot.
    Slot(Arc<Slot>),
    Call(Done),
}

impl Asker {
    /// Delivers the outcome.
    pub(crate) fn finish(self, outcome: Outcome) {
        match self.end {
            End::Slot(slot) => slot.put(outcome),
            End::Call(done) => done(outcome),
        }
    }
}

/// Where a thread waits: for its answer, or to be told to ask for everybody.
#[derive(Default)]
pub(crate) struct Slot {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Waiting,
    /// The thread is to lead the next trip to the server.
    Lead,
    Done(Outcome),
    /// The answer came before the thread took the lead that it was given, and has to pass on.
    DoneLeading(Outcome),
    /// The thread has left; nobody reads what is put here.
    Gone,
}

/// What a thread that waited was told.
pub(crate) enum Told {
    Lead,
    Done(Outcome),
    /// The answer, and the lead, which is to be passed on.
    DoneLeading(Outcome),
    /// Nothing, in time.
    Late,
    /// The lead, too late to use it; it is to be passed on.
    LateLeading,
}

impl Slot {
    /// Waits for as long as it makes sense. After whatever is no [`Told::Lead`], nothing more is
    /// put here.
    pub(crate) fn wait(&self, deadline: Instant) -> Told {
        let mut state = self.state();
        loop {
            match std::mem::take(&mut *state) {
                State::Done(outcome) => {
                    *state = State::Gone;
                    return Told::Done(outcome);
                }
                State::DoneLeading(outcome) => {
                    *state = State::Gone;
                    return Told::DoneLeading(outcome);
                }
                State::Lead if Instant::now() < deadline => return Told::Lead,
                State::Lead => {
                    // Left as it was, it would be found waiting, and given the lead again.
                    *state = State::Gone;
                    return Told::LateLeading;
                }
                State::Waiting | State::Gone => {}
            }
            let now = Instant::now();
            if now >= deadline {
                *state = State::Gone;
                return Told::Late;
            }
            let waited = self.changed.wait_timeout(state, deadline - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Tells the thread to lead. False when it has left, or has its answer.
    pub(crate) fn lead(&self) -> bool {
        let mut state = self.state();
        let waits = matches!(*state, State::Waiting);
        if waits {
            *state = State::Lead;
            self.changed.notify_one();
        }
        waits
    }

    fn put(&self, outcome: Outcome) {
        let mut state = self.state();
        *state = match *state {
            State::Gone => return,
            State::Lead => State::DoneLeading(outcome),
            _ => State::Done(outcome),
        };
        self.changed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lead_is_not_lost_when_the_answer_comes_first() {
        let slot = Slot::default();
        let deadline = Instant::now() + Duration::from_secs(10);

        assert!(slot.lead());
        slot.put(Err(RemoteError::Busy { store: "test", waiting: 1 }));

        assert!(matches!(slot.wait(deadline), Told::DoneLeading(Err(RemoteError::Busy { .. }))));
        assert!(!slot.lead(), "the thread has left");
    }

    #[test]
    fn one_who_is_too_late_to_lead_is_not_told_to_again() {
        let slot = Slot::default();

        assert!(slot.lead());

        assert!(matches!(slot.wait(Instant::now()), Told::LateLeading));
        assert!(!slot.lead(), "the thread has left");
    }
}
