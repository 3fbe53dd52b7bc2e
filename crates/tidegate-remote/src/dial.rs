//! Connecting, by threads of its own: whoever needs a connection waits for it until his
//! deadline, and not for as long as a name server, a handshake or a set-up takes.
//!
//! A connection that comes too late for whoever wanted it is kept for the next. Nobody pays
//! for a slow beginning twice, and a beginning that takes longer than a check may is no outage
//! for ever.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{Backend, RemoteError, breaker::Breaker};

/// Attempts under way at once, at the most.
const MOST: usize = 8;
/// How long one attempt may take, at the least: a distant server, its encryption and a first
/// set-up there included.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
pub(crate) struct Dialer<B: Backend> {
    backend: Arc<B>,
    breaker: Arc<Breaker>,
    timeout: Duration,
    /// Connections kept for later, at the most.
    kept: usize,
    shared: Arc<Shared<B::Link>>,
}

struct Shared<L> {
    state: Mutex<State<L>>,
    changed: Condvar,
}

struct State<L> {
    /// What came of attempts, the oldest first. Errors only while somebody waits.
    outcomes: VecDeque<Result<L, RemoteError>>,
    /// Callers who wait.
    waiting: usize,
    /// When each of the attempts under way began.
    begun: Vec<Instant>,
}

impl<B: Backend> Dialer<B> {
    /// Connects by `backend` for callers who wait for `timeout`; keeps up to `kept`
    /// connections that came too late, and tells `breaker` of them.
    pub(crate) fn new(
        backend: Arc<B>,
        breaker: Arc<Breaker>,
        timeout: Duration,
        kept: usize,
    ) -> Self {
        let state = State { outcomes: VecDeque::new(), waiting: 0, begun: Vec::new() };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        Self { backend, breaker, timeout, kept, shared }
    }

    /// A new connection, or one that came too late for another caller.
    pub(crate) fn dial(&self, deadline: Instant) -> Result<B::Link, RemoteError> {
        let mut state = self.shared.state();
        state.waiting += 1;
        let outcome = loop {
            let now = Instant::now();
            if now >= deadline {
                // A connection that comes at this moment is for those who still have time.
                break Err(self.timed_out());
            }
            if let Some(outcome) = state.outcomes.pop_front() {
                break outcome;
            }
            if self.lacks_attempt(&state, now)
                && let Err(error) = self.begin(&mut state, now)
            {
                break Err(error);
            }
            let waited = self.shared.changed.wait_timeout(state, deadline - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        state.waiting -= 1;
        if state.waiting == 0 {
            state.outcomes.retain(Result::is_ok);
        }
        outcome
    }

    /// Whether fewer attempts are under way than callers wait. One that takes longer than a
    /// caller would wait may take for ever, and does not count.
    fn lacks_attempt(&self, state: &State<B::Link>, now: Instant) -> bool {
        let hopeful = state.begun.iter().filter(|&&begun| begun + self.timeout > now).count();
        hopeful < state.waiting && state.begun.len() < MOST
    }

    fn begin(&self, state: &mut State<B::Link>, now: Instant) -> Result<(), RemoteError> {
        let (backend, shared) = (Arc::clone(&self.backend), Arc::clone(&self.shared));
        let (breaker, kept, store) = (Arc::clone(&self.breaker), self.kept, self.backend.name());
        let deadline = now + self.timeout.max(PATIENCE);
        let attempt = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| backend.connect(deadline)));
            let outcome = outcome.unwrap_or_else(|_| {
                let reason = "connecting stopped by itself".to_owned();
                Err(RemoteError::Failed { store, reason })
            });
            if shared.end(now, outcome, kept) {
                breaker.hurry(Instant::now());
            }
        };
        let spawned = thread::Builder::new().name("tidegate-connect".to_owned()).spawn(attempt);
        spawned.map_err(|error| {
            let reason = format!("no thread could be started to connect: {error}");
            RemoteError::Unavailable { store, reason }
        })?;
        state.begun.push(now);
        Ok(())
    }

    fn timed_out(&self) -> RemoteError {
        RemoteError::Timeout { store: self.backend.name(), after: self.timeout }
    }
}

impl<L> Shared<L> {
    /// Notes what came of the attempt of `begun`. True when it is a connection that nobody
    /// waits for any more.
    fn end(&self, begun: Instant, outcome: Result<L, RemoteError>, kept: usize) -> bool {
        let mut state = self.state();
        if let Some(place) = state.begun.iter().position(|other| *other == begun) {
            state.begun.swap_remove(place);
        }
        let is_late = state.waiting == 0;
        if is_late && (outcome.is_err() || state.outcomes.len() >= kept) {
            // A connection is closed without holding anybody up.
            drop(state);
            drop(outcome);
            return false;
        }
        state.outcomes.push_back(outcome);
        self.changed.notify_all();
        is_late
    }

    fn state(&self) -> MutexGuard<'_, State<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
