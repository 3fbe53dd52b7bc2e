//! Deciding by a store that lives elsewhere: what is known without asking, what was paid for
//! in advance, the answer, and what becomes of a request without one.

use std::{
    hash::{BuildHasher, Hasher as _, RandomState},
    sync::{Arc, Weak, mpsc},
    thread,
    time::{Duration, Instant as Local},
};

use smallvec::SmallVec;
use tidegate_core::{self as core, Adjustment, Change, Charge, Nanos};
use tidegate_remote::{Answer, Health, RemoteError, RemoteStore};

use crate::{
    Decision, Error, Outcome,
    decision::Parts,
    engine::{Engine, Instant, Mode},
    fallback::Fallback,
    lease::{Leases, Paid, Rest},
    rules::Rules,
};

/// Requests of one call that are on their way at once: enough to fill a few trips, and few
/// enough to leave room in the queue for others.
const AT_ONCE: usize = 512;

/// How long the thread that minds leases may take to notice that their owner is gone.
const LONGEST_NAP: Duration = Duration::from_secs(2);

/// What is called with a decision that nobody waits for.
pub type Decided = Box<dyn FnOnce(Result<Decision, Error>) + Send>;

/// What an engine needs besides, when its store lives elsewhere.
pub(crate) struct Distance {
    fallback: Fallback,
    leases: Option<Leases>,
    hasher: RandomState,
}

/// The subjects of one request, one for each rule, that outlive it.
type Subjects = Box<[Box<[u8]>]>;

impl Distance {
    pub(crate) fn new(rules: &Rules, share: u32) -> Self {
        let leases = rules.lease().map(Leases::new);
        Self { fallback: Fallback::new(rules, share), leases, hasher: RandomState::new() }
    }

    /// The same for other rules.
    pub(crate) fn sharing(&self, rules: &Rules) -> Self {
        let leases = rules.lease().map(Leases::new);
        Self { fallback: self.fallback.sharing(rules), leases, hasher: RandomState::new() }
    }
}

impl Engine {
    /// Decides one request, and waits for the answer.
    pub(crate) fn decide_remotely<'s>(
        self: &Arc<Self>,
        remote: &dyn RemoteStore,
        mode: Mode,
        cost: Option<u32>,
        subject: &impl Fn(usize) -> &'s [u8],
    ) -> Result<Decision, Error> {
        let instant = match self.remote_instant(remote) {
            Ok(instant) => instant,
            Err(error) => return self.without_store(remote, error, cost, subject),
        };
        let charges = self.charges(instant, cost, subject);
        if matches!(mode, Mode::Peek) {
            return match remote.peek(&charges) {
                Ok(answer) => Ok(self.first(remote, answer)),
                Err(error) => self.without_store(remote, error, Some(0), subject),
            };
        }
        let known = self.denied_of(remote, &charges);
        if let Some(decision) = known.or_else(|| self.paid_for(&charges, cost)) {
            return Ok(decision);
        }
        let wanted = self.wanted(&charges, cost);
        let asked = Local::now();
        match remote.check(&charges, wanted) {
            Ok(answer) => {
                self.keep_spare(remote, &charges, cost, asked, wanted, &answer, || {
                    self.subjects(subject)
                });
                Ok(self.first(remote, answer))
            }
            Err(error) => self.without_store(remote, error, cost, subject),
        }
    }

    /// Decides one request, and calls `done` when it is decided: here and now when there is
    /// nothing to wait for.
    pub(crate) fn start_remotely<'s>(
        self: &Arc<Self>,
        cost: Option<u32>,
        subject: &impl Fn(usize) -> &'s [u8],
        done: Decided,
    ) {
        self.start_asking(cost, subject, true, done);
    }

    /// As [`start_remotely`](Self::start_remotely). Unless it `looks`, the caller has found out
    /// that no denial is known.
    pub(crate) fn start_asking<'s>(
        self: &Arc<Self>,
        cost: Option<u32>,
        subject: &impl Fn(usize) -> &'s [u8],
        looks: bool,
        done: Decided,
    ) {
        let Some(remote) = self.store.remote() else {
            return done(self.decide(Mode::Check, cost, subject));
        };
        let instant = match self.remote_instant(remote) {
            Ok(instant) => instant,
            Err(error) => return done(self.without_store(remote, error, cost, subject)),
        };
        let charges = self.charges(instant, cost, subject);
        let known = if looks { self.denied_of(remote, &charges) } else { None };
        if let Some(decision) = known.or_else(|| self.paid_for(&charges, cost)) {
            return done(Ok(decision));
        }
        let wanted = self.wanted(&charges, cost);
        let (engine, asked) = (Arc::clone(self), Local::now());
        let subjects = self.subjects(subject);
        let finish = move |outcome: Result<Answer, RemoteError>| {
            let Some(remote) = engine.store.remote() else { return };
            let subject = |rule: usize| &*subjects[rule];
            done(match outcome {
                Ok(answer) => {
                    let charges = engine.charges(instant, cost, &subject);
                    engine.keep_spare(remote, &charges, cost, asked, wanted, &answer, || {
                        subjects.clone()
                    });
                    Ok(engine.first(remote, answer))
                }
                Err(error) => engine.without_store(remote, error, cost, &subject),
            });
        };
        remote.start(&charges, wanted, Box::new(finish));
    }

    /// Decides one request of each of `keys`, many of them on their way at once.
    pub(crate) fn decide_many_remotely<K: AsRef<[u8]>>(
        self: &Arc<Self>,
        keys: &[K],
        cost: Option<u32>,
    ) -> Result<Vec<Decision>, Error> {
        let mut decisions = Vec::with_capacity(keys.len());
        for keys in keys.chunks(AT_ONCE) {
            decisions.extend(self.decide_at_once(keys, cost)?);
        }
        Ok(decisions)
    }

    fn decide_at_once<K: AsRef<[u8]>>(
        self: &Arc<Self>,
        keys: &[K],
        cost: Option<u32>,
    ) -> Result<Vec<Decision>, Error> {
        let (sender, receiver) = mpsc::channel();
        for (index, key) in keys.iter().enumerate() {
            let sender = sender.clone();
            // The receiver is there until every decision is.
            let done = move |decided| drop(sender.send((index, decided)));
            self.start_remotely(cost, &|_| key.as_ref(), Box::new(done));
        }
        drop(sender);
        let mut decisions: Vec<Option<Decision>> = (0..keys.len()).map(|_| None).collect();
        for (index, decided) in receiver {
            decisions[index] = Some(decided?);
        }
        let missing = || RemoteError::Failed {
            store: self.store.name(),
            reason: "an answer is missing".to_owned(),
        };
        decisions.into_iter().map(|decision| decision.ok_or_else(|| missing().into())).collect()
    }

    /// The refusal of a request under the only limit, if it is known without asking. What a
    /// caller may ask who must not wait.
    #[inline]
    pub(crate) fn known_denial(&self, cost: Option<u32>, subject: &[u8]) -> Option<Outcome> {
        let (remote, only) = (self.store.remote()?, self.only()?);
        let instant = Instant { now: Nanos::ZERO, unix: Nanos::ZERO };
        let answer = remote.known_denial(&self.charge(instant, only, subject, cost))?;
        Some(Outcome { answer, at: Nanos::ZERO })
    }

    /// A denial that the store has spoken before, and that need not be asked for again.
    fn denied_of(&self, remote: &dyn RemoteStore, charges: &[Charge<'_>]) -> Option<Decision> {
        let parts = remote.known(charges)?;
        let now = remote.clock().unwrap_or_default();
        Some(Decision::new(Arc::clone(&self.rules), parts, now))
    }

    /// A request that was paid for in advance.
    fn paid_for(&self, charges: &[Charge<'_>], cost: Option<u32>) -> Option<Decision> {
        let leases = self.distance.as_ref()?.leases.as_ref()?;
        let (parts, at) = leases.spend(self.hash(charges), cost)?;
        Some(Decision::new(Arc::clone(&self.rules), parts, at))
    }

    fn wanted(&self, charges: &[Charge<'_>], cost: Option<u32>) -> u32 {
        let leases = self.distance.as_ref().and_then(|distance| distance.leases.as_ref());
        leases.map_or(1, |leases| leases.wanted(self.hash(charges), cost))
    }

    /// Keeps the requests that were paid for beyond the first.
    #[expect(clippy::too_many_arguments, reason = "one call, with what it took to ask")]
    fn keep_spare(
        self: &Arc<Self>,
        remote: &dyn RemoteStore,
        charges: &[Charge<'_>],
        cost: Option<u32>,
        asked: Local,
        wanted: u32,
        answer: &Answer,
        subjects: impl FnOnce() -> Subjects,
    ) {
        let Some(leases) = self.distance.as_ref().and_then(|it| it.leases.as_ref()) else { return };
        let admitted =
            answer.requests.iter().filter(|request| request.iter().all(core::Decision::is_allowed));
        let Some(parts) = admitted.clone().next_back() else { return };
        let spare = u32::try_from(admitted.count() - 1).unwrap_or(0);
        let (parts, subjects) = (parts.clone(), subjects());
        let paid = Paid { cost, wanted, spare, asked, at: answer.at, parts, subjects };
        if let Some(rest) = leases.keep(self.hash(charges), paid) {
            self.give_back(remote, &rest);
        }
        if spare > 0 {
            self.mind_leases(leases.validity());
        }
    }

    /// Gives back what is left of leases as they end, from a thread of its own.
    fn mind_leases(self: &Arc<Self>, validity: Duration) {
        let process = std::process::id();
        if !self.minder.is_due(process) {
            return;
        }
        let engine: Weak<Self> = Arc::downgrade(self);
        let mind = move || {
            while let Some(engine) = engine.upgrade() {
                engine.end_leases(false);
                drop(engine);
                thread::sleep(validity.min(LONGEST_NAP) / 2);
            }
        };
        // Without the thread, what is left of a lease goes back when its key is seen again.
        let _ = thread::Builder::new().name("tidegate-leases".to_owned()).spawn(mind);
    }

    /// Gives back what is left of leases that are over, or of all.
    pub(crate) fn end_leases(&self, everything: bool) {
        let (Some(distance), Some(remote)) = (&self.distance, self.store.remote()) else { return };
        let Some(leases) = &distance.leases else { return };
        for rest in leases.end(everything) {
            self.give_back(remote, &rest);
        }
    }

    fn give_back(&self, remote: &dyn RemoteStore, rest: &Rest) {
        let instant = Instant { now: rest.lease.at, unix: rest.lease.at };
        let refunds: SmallVec<[Adjustment<'_>; 2]> = self
            .rules
            .counted
            .iter()
            .map(|counted| {
                let rule = &self.rules.rules[counted.rule];
                let charge =
                    self.charge(instant, counted, &rest.lease.subjects[counted.rule], None);
                let (cost, charged_at) = (rest.units(rule.cost), charge.at);
                let refund = Change::Refund { cost, charged_at };
                let Charge { key, limit, at, .. } = charge;
                Adjustment { key, limit, at, change: refund }
            })
            .collect();
        // Units that cannot be given back stay taken: the limit is kept either way.
        let _ = remote.adjust(&refunds);
    }

    /// The decision on a request that the store gave no answer to.
    fn without_store<'s>(
        &self,
        remote: &dyn RemoteStore,
        error: RemoteError,
        cost: Option<u32>,
        subject: &impl Fn(usize) -> &'s [u8],
    ) -> Result<Decision, Error> {
        let Some(distance) = &self.distance else { return Err(error.into()) };
        if !error.is_temporary() && !error.is_outage() {
            // A mistake in the set-up or on the server: no mode is to hide it.
            return Err(error.into());
        }
        let instant = self.local_instant();
        let charges = self.charges(instant, cost, subject);
        // A server that refuses access, or fails in its own way, is no server that is away: such
        // an error never admits anybody.
        let opens = error.is_temporary();
        let fallback = &distance.fallback;
        let (parts, refused) = fallback.decide(&self.rules, &charges, instant.now, remote, opens);
        let rules = Arc::clone(&self.rules);
        Ok(Decision::without_store(rules, parts, instant.now, refused))
    }

    pub(crate) fn first(&self, remote: &dyn RemoteStore, answer: Answer) -> Decision {
        if let Some(distance) = &self.distance
            && distance.fallback.is_kept()
            && remote.health() == Health::Up
        {
            distance.fallback.forget();
        }
        let first = answer.requests.into_iter().next();
        let parts: Parts = first.unwrap_or_default();
        Decision::new(Arc::clone(&self.rules), parts, answer.at)
    }

    /// The time by the store's clock, which decides by itself but for limits by the calendar.
    pub(crate) fn remote_instant(&self, remote: &dyn RemoteStore) -> Result<Instant, RemoteError> {
        if remote.takes_time() {
            return Ok(self.local_instant());
        }
        let now = if self.calendar { remote.now()? } else { Nanos::ZERO };
        Ok(Instant { now, unix: now })
    }

    fn subjects<'s>(&self, subject: &impl Fn(usize) -> &'s [u8]) -> Subjects {
        (0..self.rules.rules.len()).map(|rule| subject(rule).into()).collect()
    }

    fn hash(&self, charges: &[Charge<'_>]) -> u64 {
        let Some(distance) = &self.distance else { return 0 };
        let mut hasher = distance.hasher.build_hasher();
        for charge in charges {
            hasher.write_u64(charge.key.scope);
            hasher.write_usize(charge.key.subject.len());
            hasher.write(charge.key.subject);
        }
        hasher.finish()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end_leases(true);
    }
}
