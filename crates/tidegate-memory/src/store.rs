//! The store: hashing, and all or nothing over several keys.

use std::{
    alloc::Layout,
    fmt, io,
    sync::atomic::{AtomicU64, Ordering},
};

use tidegate_core::{Adjustment, Change, Charge, Decision, Key, Limit, Nanos};

use crate::{
    class::Classes,
    flat::{Flat, Toll, WAYS},
    hash::Secret,
    region::Region,
    shards::{Locked, Shards},
    steps::Target,
};

/// Requests whose memory is asked for at once: about as many as a core can wait for.
const BATCH: usize = 32;

/// Counts in this process: exact under threads, and bounded in memory.
///
/// A check touches one set of a flat table and changes it by one compare-and-swap of 128
/// bits: no lock, no allocation, no background work. A key costs 16 bytes. When more keys are
/// alive than fit, those with the least debt, measured by their own limit, are forgotten,
/// which admits more and never less.
///
/// What does not fit into 16 bytes is kept beside the table under locks, bounded as well: the
/// sliding window log at 8 bytes for every unit, and sliding window counters of more than
/// 2 097 151 units.
pub struct MemoryStore {
    region: Region,
    classes: Classes,
    secret: Secret,
    shards: Shards,
    evictions: AtomicU64,
    retries: AtomicU64,
}

/// What a [`MemoryStore`] holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys that fit in the table; logs are bounded by bytes instead.
    pub capacity: usize,
    /// Keys that are not back to full quota yet; in a large table, estimated from a part.
    pub live: usize,
    /// Keys that were forgotten although they were alive, for want of room.
    pub evictions: u64,
    /// Checks that were decided again because another thread was faster.
    pub retries: u64,
}

impl MemoryStore {
    /// Keys that a store made by [`new`](Self::new) has room for.
    pub const DEFAULT_CAPACITY: usize = 1 << 18;
    /// Bytes that a store made by [`new`](Self::new) gives to sliding window logs.
    pub const DEFAULT_LOG_BYTES: usize = 64 << 20;

    /// A store of the default capacity: 4 MiB of address space, of which memory is taken as
    /// keys come. Aborts, as any allocation does, when there is none left.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY, Self::DEFAULT_LOG_BYTES).unwrap_or_else(|_| {
            std::alloc::handle_alloc_error(Layout::new::<[u128; Self::DEFAULT_CAPACITY]>())
        })
    }

    /// A store with room for `keys` keys, rounded up to a power of two of at least 8, and
    /// `log_bytes` bytes of sliding window logs.
    ///
    /// # Errors
    ///
    /// When the system refuses so much address space.
    pub fn with_capacity(keys: usize, log_bytes: usize) -> io::Result<Self> {
        let slots = keys.max(WAYS).next_power_of_two();
        Ok(Self {
            region: Region::anonymous(slots)?,
            classes: Classes::new(),
            secret: Secret::random(),
            shards: Shards::new(slots.min(1 << 16), log_bytes),
            evictions: AtomicU64::new(0),
            retries: AtomicU64::new(0),
        })
    }

    /// Decides all `charges` of one request at `now`: all are taken or none.
    ///
    /// `decisions[i]` answers `charges[i]`. When any charge is refused nothing is taken, and
    /// the others' answers are those of a peek. Charges must be of different keys.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    #[inline]
    pub fn check(&self, charges: &[Charge<'_>], now: Nanos, decisions: &mut [Decision]) {
        assert_eq!(charges.len(), decisions.len(), "one decision for each charge");
        if let ([charge], [decision]) = (charges, &mut *decisions) {
            *decision = self.check_one(charge, now);
        } else {
            self.check_all(charges, now, decisions);
        }
    }

    /// Decides many requests of one charge each, one after the other.
    ///
    /// `decisions[i]` answers `charges[i]`, whose keys may repeat. Faster than as many calls of
    /// [`check`](Self::check) when the keys are not in the processor's cache: the memory of
    /// several is asked for at once.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn check_each(&self, charges: &[Charge<'_>], now: Nanos, decisions: &mut [Decision]) {
        assert_eq!(charges.len(), decisions.len(), "one decision for each charge");
        let batches = charges.chunks(BATCH).zip(decisions.chunks_mut(BATCH));
        for (charges, decisions) in batches {
            let mut hashes = [0; BATCH];
            for (hash, charge) in hashes.iter_mut().zip(charges) {
                *hash = self.secret.hash(&charge.key);
                self.flat().prefetch(*hash);
            }
            for ((charge, decision), hash) in charges.iter().zip(decisions).zip(hashes) {
                *decision = self.check_hashed(hash, charge, now);
            }
        }
    }

    /// Answers as [`check`](Self::check) would, and takes nothing.
    ///
    /// # Panics
    ///
    /// If the two slices differ in length.
    pub fn peek(&self, charges: &[Charge<'_>], now: Nanos, decisions: &mut [Decision]) {
        assert_eq!(charges.len(), decisions.len(), "one decision for each charge");
        let mut request = Request::new(self, now, charges.iter().map(|c| (c.key, c.limit)));
        for (index, charge) in charges.iter().enumerate() {
            decisions[index] = request.peek(index, charge);
        }
    }

    /// Applies changes that are not requests.
    pub fn adjust(&self, adjustments: &[Adjustment<'_>], now: Nanos) {
        let keys = adjustments.iter().map(|adjustment| (adjustment.key, adjustment.limit));
        let mut request = Request::new(self, now, keys);
        for (index, adjustment) in adjustments.iter().enumerate() {
            request.adjust(index, adjustment);
        }
    }

    /// What the store holds at `now`: for dashboards, not for requests.
    #[must_use]
    pub fn stats(&self, now: Nanos) -> Stats {
        let flat = self.flat();
        let (live, evictions) = self.shards.stats(now);
        Stats {
            capacity: flat.capacity(),
            live: live + flat.estimate(|word| self.classes.debt(word, now) > 0),
            evictions: evictions + self.evictions.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
        }
    }

    #[inline]
    fn check_one(&self, charge: &Charge<'_>, now: Nanos) -> Decision {
        self.check_hashed(self.secret.hash(&charge.key), charge, now)
    }

    #[inline]
    fn check_hashed(&self, hash: u64, charge: &Charge<'_>, now: Nanos) -> Decision {
        match self.target(hash, charge.limit, now) {
            Some(target) => {
                let (decision, toll) = target.charge(charge);
                self.pay(toll);
                decision
            }
            None => self.shards.check(hash, charge, now),
        }
    }

    /// Looks first and takes then: a refusal that is plain to see writes nothing at all. One
    /// that only a race brings about gives back what was taken before it.
    #[cold]
    fn check_all(&self, charges: &[Charge<'_>], now: Nanos, decisions: &mut [Decision]) {
        let mut request = Request::new(self, now, charges.iter().map(|c| (c.key, c.limit)));
        let mut allowed = true;
        for (index, charge) in charges.iter().enumerate() {
            decisions[index] = request.look(index, charge);
            allowed &= decisions[index].is_allowed();
        }
        if allowed {
            allowed = request.take(charges, decisions);
        }
        if !allowed {
            for (index, charge) in charges.iter().enumerate() {
                if decisions[index].is_allowed() {
                    decisions[index] = request.peek(index, charge);
                }
            }
        }
    }

    fn target(&self, hash: u64, limit: &Limit, now: Nanos) -> Option<Target<'_>> {
        let class = self.classes.of(limit.program())?;
        Some(Target { flat: self.flat(), classes: &self.classes, hash, class, now })
    }

    fn flat(&self) -> Flat<'_> {
        Flat::new(self.region.slots())
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

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// The keys of one request, each in the table or in a locked shard.
struct Request<'a> {
    store: &'a MemoryStore,
    now: Nanos,
    places: Vec<Place<'a>>,
    locked: Locked<'a>,
}

enum Place<'a> {
    Flat(Target<'a>),
    Locked(u64),
}

impl<'a> Request<'a> {
    fn new<'k>(
        store: &'a MemoryStore,
        now: Nanos,
        keys: impl Iterator<Item = (Key<'k>, &'k Limit)>,
    ) -> Self {
        let place = |(key, limit): (Key<'_>, &Limit)| {
            let hash = store.secret.hash(&key);
            store.target(hash, limit, now).map_or(Place::Locked(hash), Place::Flat)
        };
        let places: Vec<Place<'a>> = keys.map(place).collect();
        let locked = places.iter().filter_map(|place| match place {
            Place::Locked(hash) => Some(*hash),
            Place::Flat(_) => None,
        });
        let locked = store.shards.lock(locked);
        Self { store, now, places, locked }
    }

    /// Decides a charge, and takes nothing.
    fn look(&mut self, index: usize, charge: &Charge<'_>) -> Decision {
        match self.places[index] {
            Place::Flat(target) => target.check(charge),
            Place::Locked(hash) => self.locked.shard(hash).check(hash, charge),
        }
    }

    fn peek(&mut self, index: usize, charge: &Charge<'_>) -> Decision {
        match self.places[index] {
            Place::Flat(target) => target.peek(charge),
            Place::Locked(hash) => self.locked.shard(hash).peek(hash, charge),
        }
    }

    fn adjust(&mut self, index: usize, adjustment: &Adjustment<'_>) {
        match self.places[index] {
            Place::Flat(target) => self.store.pay(target.adjust(adjustment)),
            Place::Locked(hash) => self.locked.shard(hash).adjust(hash, adjustment, self.now),
        }
    }

    /// Takes every charge, or none: the keys of locked shards cannot change meanwhile, those
    /// of the table can, and what was taken of them is given back when a later one refuses.
    fn take(&mut self, charges: &[Charge<'_>], decisions: &mut [Decision]) -> bool {
        for (index, charge) in charges.iter().enumerate() {
            let Place::Flat(target) = self.places[index] else { continue };
            let (decision, toll) = target.charge(charge);
            self.store.pay(toll);
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
                self.store.pay(target.adjust(&Adjustment { key, limit, at, change }));
            }
        }
    }
}
