//! A store behind a connection, as a process uses it.

use std::{
    hash::{BuildHasher, Hasher as _, RandomState},
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use arc_swap::ArcSwap;
use smallvec::SmallVec;
use tidegate_core::{Adjustment, Charge, Decision, Key, Limit, Nanos, Program, Verdict};

use crate::{
    AskKind, Backend, Decisions, Done, Fix, Health, Link as _, Listed, Listener, Name, Outcome,
    Page, RemoteError, RemoteStats, Settings,
    crew::Crew,
    question::Question,
    runner::Runner,
    server::Server,
    ticket::{Asker, End, Ticket},
};

/// A store whose state lives in a server.
///
/// Asks in one trip for a whole request, and refuses by itself what the server has refused
/// already. Nothing is connected and no thread started before the first question; a process
/// that was forked begins anew, with connections of its own.
pub struct Remote<B: Backend> {
    backend: Arc<B>,
    settings: Settings,
    listener: Listener,
    hasher: RandomState,
    /// Of this process; replaced after a fork.
    process: ArcSwap<Process<B>>,
}

/// What must not cross a fork: connections, threads, and locks that others may hold.
struct Process<B: Backend> {
    id: u32,
    server: Arc<Server<B>>,
    crew: Arc<Crew<B::Link>>,
    runner: Arc<Runner<B>>,
}

impl<B: Backend> Process<B> {
    fn new(backend: &Arc<B>, settings: &Settings, listener: &Listener) -> Arc<Self> {
        let server = Server::new(Arc::clone(backend), settings.clone(), Arc::clone(listener));
        let server = Arc::new(server);
        let runner = Arc::new(Runner::new(Arc::clone(&server)));
        Arc::new(Self { id: std::process::id(), server, crew: Arc::new(Crew::new()), runner })
    }
}

impl<B: Backend> Drop for Process<B> {
    fn drop(&mut self) {
        if self.id == std::process::id() {
            self.runner.close();
        } else {
            // Kept for ever. To drop them in a fork would say goodbye over the parent's
            // connections, and wait for a thread that is not in this process.
            std::mem::forget((Arc::clone(&self.crew), Arc::clone(&self.runner)));
        }
    }
}

impl<B: Backend> Remote<B> {
    /// A store that `backend` tells how to reach. `listener` hears of outages.
    pub fn new(backend: B, settings: Settings, listener: Listener) -> Self {
        let backend = Arc::new(backend);
        let process = ArcSwap::new(Process::new(&backend, &settings, &listener));
        Self { backend, settings, listener, hasher: RandomState::new(), process }
    }

    /// The store's name.
    pub fn name(&self) -> &'static str {
        self.backend.name()
    }

    /// How it behaves.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What there is to reach the server.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// Decides all `charges` of one request, and waits for the answer. `count` such requests
    /// are decided one after the other.
    ///
    /// # Errors
    ///
    /// [`RemoteError`], at the latest when the timeout is over.
    pub fn check(&self, charges: &[Charge<'_>], count: u32) -> Outcome {
        self.ask(charges, AskKind::Check, count)
    }

    /// Answers as [`check`](Self::check) would, and takes nothing.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn peek(&self, charges: &[Charge<'_>]) -> Outcome {
        self.ask(charges, AskKind::Peek, 1)
    }

    fn ask(&self, charges: &[Charge<'_>], kind: AskKind, count: u32) -> Outcome {
        let process = self.process();
        let question = Question::new(self, charges, kind, count)?;
        if question.is_answered() {
            let now = process.server.clock().unwrap_or(Nanos::ZERO);
            return Ok(question.known.alone(now, count));
        }
        let now = Instant::now();
        process.server.admit(now)?;
        let Question { ask, hashes, known } = question;
        let outcome = process.crew.ask(&process.server, ask, hashes, now);
        outcome.map(|answer| known.complete(answer))
    }

    /// Decides `count` requests of `charges`, one after the other, and calls `done` with the
    /// outcome: here and now when there is nothing to wait for, by another thread otherwise.
    pub fn start(&self, charges: &[Charge<'_>], count: u32, done: Done) {
        self.begin(charges, AskKind::Check, count, done);
    }

    /// Answers as [`peek`](Self::peek), and calls `done` as [`start`](Self::start) does: for many
    /// that share their trips.
    pub fn look(&self, charges: &[Charge<'_>], done: Done) {
        self.begin(charges, AskKind::Peek, 1, done);
    }

    fn begin(&self, charges: &[Charge<'_>], kind: AskKind, count: u32, done: Done) {
        let process = self.process();
        let question = match Question::new(self, charges, kind, count) {
            Ok(question) => question,
            Err(error) => return done(Err(error)),
        };
        if question.is_answered() {
            let now = process.server.clock().unwrap_or(Nanos::ZERO);
            return done(Ok(question.known.alone(now, count)));
        }
        let now = Instant::now();
        if let Err(error) = process.server.admit(now) {
            return done(Err(error));
        }
        let deadline = process.server.deadline(now);
        let Question { ask, hashes, known } = question;
        let done: Done = if known.is_empty() {
            done
        } else {
            Box::new(move |outcome| done(outcome.map(|answer| known.complete(answer))))
        };
        let asker = Asker { hashes, count: ask.count, deadline, end: End::Call(done) };
        process.runner.leave(Ticket { ask, asker });
    }

    /// The decisions on a request that is sure to be refused: the server has said so, and it
    /// cannot have changed its mind but for a refund. Never waits, and asks nobody.
    pub fn known(&self, charges: &[Charge<'_>]) -> Option<Decisions> {
        if !self.settings.own_clock || self.settings.recheck.is_zero() {
            return None;
        }
        // Not `process()`: what the memo says is as true in a fork.
        let process = self.process.load();
        let (memo, now) = (&process.server.memo, Instant::now());
        let look = |charge: &Charge<'_>| memo.denial(self.hash(&charge.key), charge.cost, now);
        let denials: SmallVec<[Option<Decision>; 2]> = charges.iter().map(look).collect();
        if denials.iter().all(Option::is_none) {
            return None;
        }
        process.server.counts.known.fetch_add(1, Ordering::Relaxed);
        let rest = |charge: &Charge<'_>| {
            let entry = memo.entry(self.hash(&charge.key));
            entry.map_or_else(|| rested(charge), |entry| unspent(entry.decision))
        };
        let decisions = denials.into_iter().zip(charges);
        Some(decisions.map(|(denial, charge)| denial.unwrap_or_else(|| rest(charge))).collect())
    }

    /// As [`known`](Self::known), for one charge and the verdict alone.
    pub fn known_denial(&self, charge: &Charge<'_>) -> Option<Decision> {
        if !self.settings.own_clock || self.settings.recheck.is_zero() {
            return None;
        }
        let process = self.process.load();
        let hash = self.hash(&charge.key);
        let denial = process.server.memo.denial(hash, charge.cost, Instant::now())?;
        process.server.counts.known.fetch_add(1, Ordering::Relaxed);
        Some(denial)
    }

    /// The last that the server said of a counter, and how long ago: what to go by when it
    /// says nothing any more.
    pub fn last(&self, key: &Key<'_>) -> Option<(Decision, Nanos)> {
        let process = self.process.load();
        let entry = process.server.memo.entry(self.hash(key))?;
        Some((entry.decision, entry.answered.elapsed().into()))
    }

    /// Applies changes that are not requests.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn adjust(&self, adjustments: &[Adjustment<'_>]) -> Result<(), RemoteError> {
        let process = self.process();
        let mut fixes = Vec::with_capacity(adjustments.len());
        for adjustment in adjustments {
            let program = self.program(adjustment.limit)?;
            if program == Program::DenyAll {
                continue;
            }
            fixes.push(Fix {
                name: Name::new(&adjustment.key),
                program,
                at: self.time_of(adjustment.limit, adjustment.at),
                change: adjustment.change,
            });
        }
        let begun = Instant::now();
        process.server.admit(begun)?;
        let deadline = process.server.deadline(begun);
        let done =
            process.crew.use_link(&process.server, deadline, |link| link.adjust(&fixes, deadline));
        for adjustment in adjustments {
            process.server.memo.forget(self.hash(&adjustment.key));
        }
        done
    }

    /// Lists living counters, a page at a time.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn list(&self, page: &Page) -> Result<Listed, RemoteError> {
        let process = self.process();
        let begun = Instant::now();
        process.server.admit(begun)?;
        let (deadline, mut listed) = (process.server.deadline(begun), Listed::default());
        process.crew.use_link(&process.server, deadline, |link| {
            listed = link.list(page, deadline)?;
            Ok(())
        })?;
        Ok(listed)
    }

    /// The server's time. Asks when it has not answered anything yet.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn now(&self) -> Result<Nanos, RemoteError> {
        let process = self.process();
        if let Some(now) = process.server.clock() {
            return Ok(now);
        }
        let begun = Instant::now();
        process.server.admit(begun)?;
        let deadline = process.server.deadline(begun);
        let mut now = Nanos::ZERO;
        process.crew.use_link(&process.server, deadline, |link| {
            let asked = Instant::now();
            now = link.time(deadline)?;
            process.server.set_clock(asked, Instant::now(), now);
            Ok(())
        })?;
        Ok(now)
    }

    /// The server's time as far as it is known without asking.
    pub fn clock(&self) -> Option<Nanos> {
        self.process().server.clock()
    }

    /// Whether the caller's time is passed on, as tests have it.
    pub fn takes_time(&self) -> bool {
        !self.settings.own_clock
    }

    /// How things stand with the server.
    pub fn health(&self) -> Health {
        // Not `process()`, which asks the system: this is called for every answer, and in a fork
        // the last that was known is as good a guess as any.
        self.process.load().server.breaker.health()
    }

    /// What happened since the store was opened, or since the fork.
    pub fn stats(&self) -> RemoteStats {
        self.process().server.stats()
    }

    /// Closes the connections that are not in use, and ends the thread. A later question
    /// opens what it needs again.
    pub fn close(&self) {
        let process = self.process();
        process.crew.close();
        let new = Process::new(&self.backend, &self.settings, &self.listener);
        self.process.store(new);
        process.runner.close();
    }

    /// How `limit` is counted on the server.
    ///
    /// # Errors
    ///
    /// [`RemoteError::Setup`] when it is not.
    pub fn program(&self, limit: &Limit) -> Result<Program, RemoteError> {
        self.backend.program(limit).map_err(|reason| RemoteError::Setup { reason })
    }

    /// The time to pass on, if it is not the server's to know.
    pub(crate) fn time_of(&self, limit: &Limit, at: Nanos) -> Option<Nanos> {
        (!self.settings.own_clock || limit.calendar_period().is_some()).then_some(at)
    }

    pub(crate) fn hash(&self, key: &Key<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(key.scope);
        hasher.write(key.subject);
        hasher.finish()
    }

    /// This process's connections and threads; new ones after a fork.
    fn process(&self) -> Arc<Process<B>> {
        let process = self.process.load_full();
        if process.id == std::process::id() {
            return process;
        }
        let new = Process::new(&self.backend, &self.settings, &self.listener);
        self.process.store(Arc::clone(&new));
        new
    }
}

impl<B: Backend> Server<B> {
    /// Refuses to ask a server that is left alone.
    fn admit(&self, now: Instant) -> Result<(), RemoteError> {
        if self.breaker.admits(now) {
            return Ok(());
        }
        Err(RemoteError::Broken { store: self.name() })
    }
}

/// What a counter that nothing is known of most likely looks like.
fn rested(charge: &Charge<'_>) -> Decision {
    let limit = charge.limit.capacity();
    Decision { verdict: Verdict::Allowed, limit, remaining: limit, ..Decision::deny_all(0) }
}

/// A decision of the past, as that of a counter that had room and was charged nothing.
fn unspent(decision: Decision) -> Decision {
    Decision { delay: Nanos::ZERO, ..decision }
}
