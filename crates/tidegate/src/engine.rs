//! From rules and subjects to charges, and from the store's answers to one decision.
//!
//! Shared by the limiter and the gate. Reads the clock once per request, and once more when
//! a refusal may be the fault of the clock.

use std::{
    slice,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use smallvec::SmallVec;
use tidegate_core::{self as core, Charge, Nanos, Program, Verdict};
use tidegate_remote::RemoteStore;

use crate::{
    Clock, Decision, Error, Outcome, Store,
    clock::COARSEST,
    decision::Parts,
    remote::Distance,
    rules::{Counted, Rules},
    store::UNDECIDED,
};

/// Requests that are decided on one reading of the clock.
const BATCH: usize = 64;

/// Rules, and where their counts live.
pub(crate) struct Engine {
    pub(crate) rules: Arc<Rules>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether any limit needs the time of day.
    pub(crate) calendar: bool,
    /// What a store that lives elsewhere needs besides.
    pub(crate) distance: Option<Distance>,
    pub(crate) minder: Minder,
    /// Whether a clock that lags by a tick is good enough for every limit.
    coarse: bool,
}

/// Whether to take units or only to look.
#[derive(Clone, Copy)]
pub(crate) enum Mode {
    Check,
    Peek,
}

/// The two times of one request.
#[derive(Clone, Copy)]
pub(crate) struct Instant {
    pub(crate) now: Nanos,
    pub(crate) unix: Nanos,
}

/// In which process a thread already minds the leases; none at first.
#[derive(Default)]
pub(crate) struct Minder(AtomicU32);

impl Minder {
    /// True once in every process.
    pub(crate) fn is_due(&self, process: u32) -> bool {
        // Relaxed: the number orders nothing else.
        self.0.load(Ordering::Relaxed) != process
            && self.0.swap(process, Ordering::Relaxed) != process
    }
}

impl Instant {
    /// What the limit's own timeline shows when the clock shows `time`.
    #[inline]
    pub(crate) fn on_timeline(self, counted: &Counted, time: Nanos) -> Nanos {
        match &counted.calendar {
            None => time,
            Some(calendar) => {
                let ago = self.now.saturating_sub(time);
                calendar.at(self.unix.saturating_sub(ago))
            }
        }
    }
}

impl Engine {
    pub(crate) fn new(rules: Rules, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let calendar = rules.counted.iter().any(|counted| counted.calendar.is_some());
        let coarse = rules.counted.iter().all(|counted| takes_coarse(counted.limit.program()));
        let share = store.remote().map(RemoteStore::local_share);
        let distance = share.map(|share| Distance::new(&rules, share));
        let (rules, minder) = (Arc::new(rules), Minder::default());
        Arc::new(Self { rules, store, clock, calendar, distance, minder, coarse })
    }

    /// An engine for other rules that shares this one's store and clock, and its counts for the
    /// time that the store is away: a rule of both is counted once.
    pub(crate) fn sharing(&self, rules: Rules) -> Arc<Self> {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let mut engine = Self::new(rules, store, clock);
        if let (Some(own), Some(other)) = (&self.distance, Arc::get_mut(&mut engine)) {
            other.distance = Some(own.sharing(&other.rules));
        }
        engine
    }

    /// Whether a decision may have to wait for something outside of this process.
    #[inline]
    pub(crate) const fn waits(&self) -> bool {
        self.distance.is_some()
    }

    /// Decides one request. `subject` gives a rule's subject by the rule's position; `cost`
    /// replaces the rules' own.
    pub(crate) fn decide<'s>(
        self: &Arc<Self>,
        mode: Mode,
        cost: Option<u32>,
        subject: impl Fn(usize) -> &'s [u8],
    ) -> Result<Decision, Error> {
        if let Some(remote) = self.store.remote() {
            return self.decide_remotely(remote, mode, cost, &subject);
        }
        let decision = self.decide_at(self.glance(), mode, cost, &subject)?;
        if self.may_be_late(decision.retry_after.map(Nanos::from)) {
            return self.decide_at(self.instant(), mode, cost, &subject);
        }
        Ok(decision)
    }

    fn decide_at<'s>(
        &self,
        instant: Instant,
        mode: Mode,
        cost: Option<u32>,
        subject: impl Fn(usize) -> &'s [u8],
    ) -> Result<Decision, Error> {
        let charges = self.charges(instant, cost, &subject);
        let mut parts = Parts::from_elem(UNDECIDED, charges.len());
        match mode {
            Mode::Check => self.store.check(&charges, instant.now, &mut parts)?,
            Mode::Peek => self.store.peek(&charges, instant.now, &mut parts)?,
        }
        Ok(Decision::new(Arc::clone(&self.rules), parts, instant.now))
    }

    /// Gives back what was paid for in advance, and closes connections.
    pub(crate) fn close(&self) {
        self.end_leases(true);
        if let Some(remote) = self.store.remote() {
            remote.close();
        }
    }

    /// What a request is charged under every limit.
    pub(crate) fn charges<'a, 's: 'a>(
        &'a self,
        instant: Instant,
        cost: Option<u32>,
        subject: &impl Fn(usize) -> &'s [u8],
    ) -> SmallVec<[Charge<'a>; 2]> {
        let counted = self.rules.counted.iter();
        counted.map(|counted| self.charge(instant, counted, subject(counted.rule), cost)).collect()
    }

    /// The one limit that there is, if there is only one: what the short ways below are for,
    /// where nothing is waited for.
    #[inline]
    pub(crate) fn only_here(&self) -> Option<&Counted> {
        if self.waits() { None } else { self.only() }
    }

    /// The one limit that there is, if there is only one.
    #[inline]
    pub(crate) fn only(&self) -> Option<&Counted> {
        match self.rules.counted.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Decides one request under the `only` limit, and writes the outcome where it is wanted:
    /// a copy of it takes as long as the arithmetic.
    #[inline]
    pub(crate) fn check_only(
        &self,
        outcome: &mut Outcome,
        only: &Counted,
        cost: Option<u32>,
        subject: &[u8],
    ) -> Result<(), Error> {
        let mut instant = self.glance();
        self.check_at(instant, &mut outcome.answer, only, cost, subject)?;
        if self.may_be_late(outcome.answer.retry_after()) {
            instant = self.instant();
            self.check_at(instant, &mut outcome.answer, only, cost, subject)?;
        }
        outcome.at = instant.now;
        Ok(())
    }

    /// Decides as [`check_only`](Self::check_only), and works out no more than yes or no.
    #[inline]
    pub(crate) fn allow_only(
        &self,
        only: &Counted,
        cost: Option<u32>,
        subject: &[u8],
    ) -> Result<bool, Error> {
        let verdict = self.verdict_at(self.glance(), only, cost, subject)?;
        match verdict {
            Verdict::Denied { retry_after } if self.may_be_late(Some(retry_after)) => {
                let verdict = self.verdict_at(self.instant(), only, cost, subject)?;
                Ok(verdict == Verdict::Allowed)
            }
            verdict => Ok(verdict == Verdict::Allowed),
        }
    }

    #[inline]
    fn verdict_at(
        &self,
        instant: Instant,
        only: &Counted,
        cost: Option<u32>,
        subject: &[u8],
    ) -> Result<Verdict, Error> {
        let charge = self.charge(instant, only, subject, cost);
        self.store.verdict(&charge, instant.now)
    }

    #[inline]
    fn check_at(
        &self,
        instant: Instant,
        answer: &mut core::Decision,
        only: &Counted,
        cost: Option<u32>,
        subject: &[u8],
    ) -> Result<(), Error> {
        let charge = self.charge(instant, only, subject, cost);
        self.store.check(slice::from_ref(&charge), instant.now, slice::from_mut(answer))
    }

    /// Decides one request of each subject under the `only` limit, one after the other.
    /// Reads the clock once for every [`BATCH`] of them.
    pub(crate) fn check_each<K: AsRef<[u8]>>(
        &self,
        only: &Counted,
        cost: Option<u32>,
        subjects: &[K],
        mut take: impl FnMut(Outcome),
    ) -> Result<(), Error> {
        for subjects in subjects.chunks(BATCH) {
            let instant = self.glance();
            let charges: SmallVec<[Charge<'_>; BATCH]> = subjects
                .iter()
                .map(|subject| self.charge(instant, only, subject.as_ref(), cost))
                .collect();
            let mut answers = [UNDECIDED; BATCH];
            let answers = &mut answers[..charges.len()];
            self.store.check_each(&charges, instant.now, answers)?;
            for (subject, answer) in subjects.iter().zip(answers) {
                let mut at = instant;
                if self.may_be_late(answer.retry_after()) {
                    at = self.instant();
                    self.check_at(at, answer, only, cost, subject.as_ref())?;
                }
                take(Outcome { answer: *answer, at: at.now });
            }
        }
        Ok(())
    }

    /// Decides as [`check_each`](Self::check_each), and works out no more than yes or no.
    pub(crate) fn allow_each<K: AsRef<[u8]>>(
        &self,
        only: &Counted,
        cost: Option<u32>,
        subjects: &[K],
    ) -> Result<Vec<bool>, Error> {
        let mut allowed = Vec::with_capacity(subjects.len());
        for subjects in subjects.chunks(BATCH) {
            let instant = self.glance();
            let charges: SmallVec<[Charge<'_>; BATCH]> = subjects
                .iter()
                .map(|subject| self.charge(instant, only, subject.as_ref(), cost))
                .collect();
            let mut verdicts = [Verdict::Never; BATCH];
            let verdicts = &mut verdicts[..charges.len()];
            self.store.verdict_each(&charges, instant.now, verdicts)?;
            for (subject, verdict) in subjects.iter().zip(verdicts) {
                allowed.push(match *verdict {
                    Verdict::Denied { retry_after } if self.may_be_late(Some(retry_after)) => {
                        let again =
                            self.verdict_at(self.instant(), only, cost, subject.as_ref())?;
                        again == Verdict::Allowed
                    }
                    verdict => verdict == Verdict::Allowed,
                });
            }
        }
        Ok(allowed)
    }

    #[inline]
    pub(crate) fn charge<'a>(
        &'a self,
        instant: Instant,
        counted: &'a Counted,
        subject: &'a [u8],
        cost: Option<u32>,
    ) -> Charge<'a> {
        Charge {
            key: self.key(counted, subject),
            limit: &counted.limit,
            cost: cost.unwrap_or_else(|| self.rules.rules[counted.rule].cost),
            at: instant.on_timeline(counted, instant.now),
        }
    }

    #[inline]
    pub(crate) fn key<'a>(&'a self, counted: &Counted, subject: &'a [u8]) -> core::Key<'a> {
        let rule = &self.rules.rules[counted.rule].name;
        core::Key { rule, limit: counted.tag, scope: counted.scope, subject }
    }

    #[cold]
    pub(crate) fn instant(&self) -> Instant {
        self.at(self.clock.now())
    }

    /// The time by the caller's own clock.
    pub(crate) fn local_instant(&self) -> Instant {
        self.instant()
    }

    /// The time, as cheap as the limits allow.
    #[inline]
    fn glance(&self) -> Instant {
        self.at(if self.coarse { self.clock.now_coarse() } else { self.clock.now() })
    }

    #[inline]
    fn at(&self, now: Nanos) -> Instant {
        let unix = if self.calendar { self.clock.unix_now() } else { Nanos::ZERO };
        Instant { now, unix }
    }

    /// Whether a refusal found at a [`glance`](Self::glance) may be over already: whoever
    /// waits for exactly as long as he was told must get in.
    #[inline]
    fn may_be_late(&self, retry_after: Option<Nanos>) -> bool {
        self.coarse && retry_after.is_some_and(|wait| wait <= COARSEST)
    }
}

/// Whether a limit may be checked by a clock that lags by a tick.
///
/// A clock that lags by up to `d` lets `d·B/F` units more pass in a window, with `B` what a
/// rested key can spend at once and `F` the time to fill. From one second on that is at most
/// a hundredth of `B`. A queue tells its callers when to go, and so never gets the coarse time.
///
/// Source: the bound of GCRA, `B + ⌊(W + d)/T⌋` in any window `W`, with `T = F/B`.
fn takes_coarse(program: &Program) -> bool {
    let queues = matches!(program, Program::LeakyQueue(_));
    !queues && program.fill_time() >= Nanos::SECOND
}
