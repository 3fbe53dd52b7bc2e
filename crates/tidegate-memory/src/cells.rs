//! The table with everything it takes to decide: shared by both stores.
//!
//! Knows nothing of where the memory comes from.

use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_core::{Adjustment, Charge, Decision, Key, Limit, Nanos, Program, Verdict};

use crate::{
    class::{self, Page},
    flat::{Flat, Toll},
    hash::Secret,
    region::Region,
    request::Request,
    shards::Shards,
    steps::{Answer, Target},
};

/// Requests whose memory is asked for at once: about as many as a core can wait for.
const BATCH: usize = 32;

/// A table, and the locked shards beside it if there are any.
pub(crate) struct Cells {
    region: Region,
    secret: Secret,
    beside: Option<Shards>,
    evictions: AtomicU64,
    retries: AtomicU64,
}

/// A limit that neither the table nor anything beside it can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsupported;

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys that fit in the table; logs are bounded by bytes instead.
    pub capacity: usize,
    /// Keys that are not back to full quota yet; in a large table, estimated from a part.
    pub live: usize,
    /// Keys that this process forgot although they were alive, for want of room.
    pub evictions: u64,
    /// Checks of this process that were decided again because somebody else was faster.
    pub retries: u64,
}

impl Cells {
    pub(crate) fn new(region: Region, secret: Secret, beside: Option<Shards>) -> Self {
        Self { region, secret, beside, evictions: AtomicU64::new(0), retries: AtomicU64::new(0) }
    }

    /// Whether `limit` can be held.
    pub(crate) fn supports(&self, limit: &Limit) -> bool {
        self.beside.is_some() || self.page().class_of(limit.program()).is_some()
    }

    /// Decides all `charges` of one request at `now`: all are taken or none.
    #[inline]
    pub(crate) fn check(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Unsupported> {
        assert_eq!(charges.len(), decisions.len(), "one decision for each charge");
        if let ([charge], [decision]) = (charges, &mut *decisions) {
            return self.decide(self.hash(&charge.key, charge.limit), charge, now, decision);
        }
        self.check_all(charges, now, decisions)
    }

    /// Decides one charge, and tells no more than the verdict.
    #[inline]
    pub(crate) fn verdict(&self, charge: &Charge<'_>, now: Nanos) -> Result<Verdict, Unsupported> {
        let mut verdict = Verdict::Never;
        self.decide(self.hash(&charge.key, charge.limit), charge, now, &mut verdict)?;
        Ok(verdict)
    }

    /// Decides many requests of one charge each, one after the other. The memory of each is
    /// asked for some charges ahead.
    pub(crate) fn each<A: Answer>(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        answers: &mut [A],
    ) -> Result<(), Unsupported> {
        assert_eq!(charges.len(), answers.len(), "one answer for each charge");
        for (charges, answers) in charges.chunks(BATCH).zip(answers.chunks_mut(BATCH)) {
            let mut hashes = [0; BATCH];
            for (hash, charge) in hashes.iter_mut().zip(charges) {
                *hash = self.hash(&charge.key, charge.limit);
                if let Some(target) = self.target(*hash, charge.limit, now) {
                    target.prefetch();
                }
            }
            for ((charge, answer), hash) in charges.iter().zip(answers).zip(hashes) {
                self.decide(hash, charge, now, answer)?;
            }
        }
        Ok(())
    }

    /// Answers as a check would, and takes nothing.
    pub(crate) fn peek(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Unsupported> {
        assert_eq!(charges.len(), decisions.len(), "one decision for each charge");
        let mut request = Request::new(self, now, charges.iter().map(|c| (c.key, c.limit)))?;
        for (index, charge) in charges.iter().enumerate() {
            decisions[index] = request.peek(index, charge);
        }
        Ok(())
    }

    /// Forgets the key of a charge, and tells how many units were used, in one step.
    pub(crate) fn drain(&self, charge: &Charge<'_>, now: Nanos) -> Result<u32, Unsupported> {
        let charge = Charge { cost: 0, ..*charge };
        let mut request = Request::new(self, now, [(charge.key, charge.limit)].into_iter())?;
        Ok(request.drain(0, &charge))
    }

    /// Applies changes that are not requests.
    pub(crate) fn adjust(
        &self,
        adjustments: &[Adjustment<'_>],
        now: Nanos,
    ) -> Result<(), Unsupported> {
        let keys = adjustments.iter().map(|adjustment| (adjustment.key, adjustment.limit));
        let mut request = Request::new(self, now, keys)?;
        for (index, adjustment) in adjustments.iter().enumerate() {
            request.adjust(index, adjustment);
        }
        Ok(())
    }

    /// What is held at `now`.
    pub(crate) fn stats(&self, now: Nanos) -> Stats {
        let (flat, page) = (self.flat(), self.page());
        let (live, evictions) = self.beside.as_ref().map_or((0, 0), |shards| shards.stats(now));
        Stats {
            capacity: flat.capacity(),
            live: live + flat.estimate(|word| page.debt(word, now) > 0),
            evictions: evictions + self.evictions.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
        }
    }

    /// Decides one charge, and writes the answer where it is wanted: what is returned in
    /// memory and copied from there would cost as much as the rest.
    #[inline]
    fn decide<A: Answer>(
        &self,
        hash: u64,
        charge: &Charge<'_>,
        now: Nanos,
        answer: &mut A,
    ) -> Result<(), Unsupported> {
        let target = self.target(hash, charge.limit, now);
        if let Some(toll) = target.and_then(|target| target.charge(charge, answer)) {
            self.pay(toll);
            return Ok(());
        }
        *answer = A::of(self.decide_beside(hash, charge, now)?);
        Ok(())
    }

    /// Decides a charge that the table does not count.
    #[cold]
    fn decide_beside(
        &self,
        hash: u64,
        charge: &Charge<'_>,
        now: Nanos,
    ) -> Result<Decision, Unsupported> {
        if *charge.limit.program() == Program::DenyAll {
            return Ok(Decision::deny_all(charge.cost));
        }
        let shards = self.beside.as_ref().ok_or(Unsupported)?;
        Ok(shards.check(hash, charge, now))
    }

    /// Looks first and takes then: a refusal that is plain to see writes nothing at all. One
    /// that only a race brings about gives back what was taken before it.
    #[cold]
    fn check_all(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Unsupported> {
        let mut request = Request::new(self, now, charges.iter().map(|c| (c.key, c.limit)))?;
        let mut allowed = true;
        for (index, charge) in charges.iter().enumerate() {
            decisions[index] = request.look(index, charge);
            allowed &= decisions[index].is_allowed();
        }
        if allowed && request.take(charges, decisions) {
            return Ok(());
        }
        for (index, charge) in charges.iter().enumerate() {
            if decisions[index].is_allowed() {
                decisions[index] = request.peek(index, charge);
            }
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn hash(&self, key: &Key<'_>, limit: &Limit) -> u64 {
        self.secret.hash(key, limit)
    }

    /// What is kept beside the table.
    pub(crate) fn beside(&self) -> Option<&Shards> {
        self.beside.as_ref()
    }

    /// A key's place in the table; `None` when its limit's state does not fit there.
    #[expect(clippy::inline_always, reason = "returned in memory, it would stall what reads it")]
    #[inline(always)]
    pub(crate) fn target<'a>(
        &'a self,
        hash: u64,
        limit: &'a Limit,
        now: Nanos,
    ) -> Option<Target<'a>> {
        class::fits(limit.program()).then_some(Target { cells: self, hash, limit, now })
    }

    #[inline]
    pub(crate) fn flat(&self) -> Flat<'_> {
        Flat::new(self.region.slots(), self.page().claims())
    }

    #[inline]
    pub(crate) fn page(&self) -> Page<'_> {
        Page(self.region.page())
    }

    #[inline]
    pub(crate) fn pay(&self, toll: Toll) {
        if toll != Toll::default() {
            self.count(toll);
        }
    }

    #[cold]
    fn count(&self, toll: Toll) {
        self.evictions.fetch_add(u64::from(toll.evicted), Ordering::Relaxed);
        self.retries.fetch_add(u64::from(toll.retries), Ordering::Relaxed);
    }
}
