//! The table with everything it takes to decide: shared by both stores.
//!
//! Knows nothing of where the memory comes from.

use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_core::{Adjustment, Change, Charge, Decision, Key, Limit, Nanos, Program, Verdict};

use crate::{
    class::{Classes, Page},
    flat::{Flat, Toll},
    hash::Secret,
    region::Region,
    shard::deny_all,
    shards::{Locked, Shards},
    steps::Target,
};

/// Requests whose memory is asked for at once: about as many as a core can wait for.
const BATCH: usize = 32;

/// A table, and the locked shards beside it if there are any.
pub(crate) struct Cells {
    region: Region,
    classes: Classes,
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
        Self {
            region,
            classes: Classes::new(),
            secret,
            beside,
            evictions: AtomicU64::new(0),
            retries: AtomicU64::new(0),
        }
    }

    /// Whether `limit` can be held.
    pub(crate) fn supports(&self, limit: &Limit) -> bool {
        self.beside.is_some() || self.classes.of(self.page(), limit.program()).is_some()
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
            *decision = self.check_hashed(self.secret.hash(&charge.key), charge, now)?;
            return Ok(());
        }
        self.check_all(charges, now, decisions)
    }

    /// Decides one charge, and tells no more than the verdict.
    #[inline]
    pub(crate) fn verdict(&self, charge: &Charge<'_>, now: Nanos) -> Result<Verdict, Unsupported> {
        self.verdict_hashed(self.secret.hash(&charge.key), charge, now)
    }

    #[inline]
    fn verdict_hashed(
        &self,
        hash: u64,
        charge: &Charge<'_>,
        now: Nanos,
    ) -> Result<Verdict, Unsupported> {
        if let Some(target) = self.target(hash, charge.limit, now) {
            let (verdict, toll) = target.verdict(charge);
            self.pay(toll);
            return Ok(verdict);
        }
        Ok(self.check_beside(hash, charge, now)?.verdict)
    }

    /// Decides many requests of one charge each, one after the other.
    pub(crate) fn check_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Unsupported> {
        self.each(charges, decisions, |hash, charge| self.check_hashed(hash, charge, now))
    }

    /// Decides many requests of one charge each, and tells no more than the verdicts.
    pub(crate) fn verdict_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        verdicts: &mut [Verdict],
    ) -> Result<(), Unsupported> {
        self.each(charges, verdicts, |hash, charge| self.verdict_hashed(hash, charge, now))
    }

    /// Answers each charge, whose memory was asked for some charges ahead.
    #[inline]
    fn each<R>(
        &self,
        charges: &[Charge<'_>],
        answers: &mut [R],
        answer: impl Fn(u64, &Charge<'_>) -> Result<R, Unsupported>,
    ) -> Result<(), Unsupported> {
        assert_eq!(charges.len(), answers.len(), "one answer for each charge");
        for (charges, answers) in charges.chunks(BATCH).zip(answers.chunks_mut(BATCH)) {
            let mut hashes = [0; BATCH];
            for (hash, charge) in hashes.iter_mut().zip(charges) {
                *hash = self.secret.hash(&charge.key);
                self.flat().prefetch(*hash);
            }
            for ((charge, place), hash) in charges.iter().zip(answers).zip(hashes) {
                *place = answer(hash, charge)?;
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

    #[inline]
    fn check_hashed(
        &self,
        hash: u64,
        charge: &Charge<'_>,
        now: Nanos,
    ) -> Result<Decision, Unsupported> {
        if let Some(target) = self.target(hash, charge.limit, now) {
            let (decision, toll) = target.charge(charge);
            self.pay(toll);
            return Ok(decision);
        }
        self.check_beside(hash, charge, now)
    }

    /// Decides a charge that the table does not count.
    fn check_beside(
        &self,
        hash: u64,
        charge: &Charge<'_>,
        now: Nanos,
    ) -> Result<Decision, Unsupported> {
        if *charge.limit.program() == Program::DenyAll {
            return Ok(deny_all(charge.cost));
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
    fn target(&self, hash: u64, limit: &Limit, now: Nanos) -> Option<Target<'_>> {
        let page = self.page();
        let class = self.classes.of(page, limit.program())?;
        Some(Target { flat: self.flat(), page, hash, class, now })
    }

    fn flat(&self) -> Flat<'_> {
        Flat::new(self.region.slots(), self.page().claims())
    }

    fn page(&self) -> Page<'_> {
        Page(self.region.page())
    }

    #[inline]
    fn pay(&self, toll: Toll) {
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

/// The keys of one request, each in the table or in a locked shard.
struct Request<'a> {
    cells: &'a Cells,
    now: Nanos,
    places: Vec<Place<'a>>,
    locked: Locked<'a>,
}

enum Place<'a> {
    Flat(Target<'a>),
    Locked(u64),
    /// Of a limit of zero, which counts nobody.
    Nowhere,
}

impl<'a> Request<'a> {
    fn new<'k>(
        cells: &'a Cells,
        now: Nanos,
        keys: impl Iterator<Item = (Key<'k>, &'k Limit)>,
    ) -> Result<Self, Unsupported> {
        let place = |(key, limit): (Key<'_>, &Limit)| {
            if *limit.program() == Program::DenyAll {
                return Place::Nowhere;
            }
            let hash = cells.secret.hash(&key);
            cells.target(hash, limit, now).map_or(Place::Locked(hash), Place::Flat)
        };
        let places: Vec<Place<'a>> = keys.map(place).collect();
        let locked = places.iter().filter_map(|place| match place {
            Place::Locked(hash) => Some(*hash),
            Place::Flat(_) | Place::Nowhere => None,
        });
        let locked = match &cells.beside {
            Some(shards) => shards.lock(locked),
            None if locked.count() == 0 => Locked::default(),
            None => return Err(Unsupported),
        };
        Ok(Self { cells, now, places, locked })
    }

    /// Decides a charge, and takes nothing.
    fn look(&mut self, index: usize, charge: &Charge<'_>) -> Decision {
        match self.places[index] {
            Place::Flat(target) => target.check(charge),
            Place::Locked(hash) => self.locked.shard(hash).check(hash, charge),
            Place::Nowhere => deny_all(charge.cost),
        }
    }

    fn peek(&mut self, index: usize, charge: &Charge<'_>) -> Decision {
        match self.places[index] {
            Place::Flat(target) => target.peek(charge),
            Place::Locked(hash) => self.locked.shard(hash).peek(hash, charge),
            Place::Nowhere => deny_all(charge.cost),
        }
    }

    fn adjust(&mut self, index: usize, adjustment: &Adjustment<'_>) {
        match self.places[index] {
            Place::Flat(target) => self.cells.pay(target.adjust(adjustment)),
            Place::Locked(hash) => self.locked.shard(hash).adjust(hash, adjustment, self.now),
            Place::Nowhere => {}
        }
    }

    /// Takes every charge, or none: the keys of locked shards cannot change meanwhile, those
    /// of the table can, and what was taken of them is given back when a later one refuses.
    fn take(&mut self, charges: &[Charge<'_>], decisions: &mut [Decision]) -> bool {
        for (index, charge) in charges.iter().enumerate() {
            let Place::Flat(target) = self.places[index] else { continue };
            let (decision, toll) = target.charge(charge);
            self.cells.pay(toll);
            decisions[index] = decision;
            if !decision.is_allowed() {
                self.give_back(&charges[..index], &decisions[..index]);
                return false;
            }
        }
        for (index, charge) in charges.iter().enumerate() {
            if let Place::Locked(hash) = self.places[index] {
                decisions[index] = self.locked.shard(hash).charge(hash, charge, self.now);
            }
        }
        true
    }

    fn give_back(&mut self, charges: &[Charge<'_>], decisions: &[Decision]) {
        for (index, (charge, decision)) in charges.iter().zip(decisions).enumerate() {
            if let Place::Flat(target) = self.places[index] {
                let charged_at = charge.at.saturating_add(decision.delay);
                let change = Change::Refund { cost: charge.cost, charged_at };
                let Charge { key, limit, at, .. } = *charge;
                self.cells.pay(target.adjust(&Adjustment { key, limit, at, change }));
            }
        }
    }
}
