//! What was used of a limit, when the limit changes: a store in which the counters of a changed
//! limit begin where those of the old one stood.
//!
//! A store in this host's memory finds a counter by its limit too, so that a changed limit has
//! counters of its own, all of them at rest. Subjects are not kept, only their digests: what
//! was used can be carried over no earlier than when a subject is seen again. Knows nothing of
//! rules but what `moves` says.

mod moves;

use std::{
    slice,
    sync::{Arc, Mutex, MutexGuard, TryLockError},
    thread,
};

use tidegate_core::{Adjustment, Change, Charge, Decision, Key, Limit, Nanos, Verdict};

pub(crate) use self::moves::Moves;
use crate::{Error, Permits, Store};

/// So that two threads rarely wait for each other because of two subjects.
const LOCKS: usize = 64;
/// How often a thread steps aside for another that holds the lock.
const PATIENCE: usize = 10_000;

/// A store, and the limits that have changed lately.
pub(crate) struct Carrying {
    store: Arc<dyn Store>,
    moves: Moves,
    /// One for a share of the subjects, as long as there may be units to carry.
    locks: [Mutex<()>; LOCKS],
}

impl Carrying {
    pub(crate) fn new(store: Arc<dyn Store>, moves: Moves) -> Self {
        Self { store, moves, locks: [const { Mutex::new(()) }; LOCKS] }
    }

    /// The store itself.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(crate) fn moves(&self) -> &Moves {
        &self.moves
    }

    fn carry_all(&self, charges: &[Charge<'_>], now: Nanos) -> Result<(), Error> {
        if self.moves.are_over(now) {
            return Ok(());
        }
        charges.iter().try_for_each(|charge| self.carry(charge.key, charge.limit, charge.at, now))
    }

    /// Takes from the new counter what was used of the old ones, and forgets those.
    fn carry(&self, key: Key<'_>, limit: &Limit, at: Nanos, now: Nanos) -> Result<(), Error> {
        // A limit of zero counts nobody; what was used waits for the limit after it.
        let capacity = limit.capacity();
        if capacity == 0 {
            return Ok(());
        }
        for change in self.moves.to(key.scope, limit) {
            let old =
                Charge { key: change.old_key(key.subject), limit: change.old_limit(), cost: 0, at };
            // Nobody finds the old counter empty while the new one does not know of it yet.
            let _alone = self.lock(key.subject);
            let used = self.store.drain(&old, now)?.min(capacity);
            if used > 0 {
                let debit = Adjustment { key, limit, at, change: Change::Debit { cost: used } };
                self.store.adjust(slice::from_ref(&debit), now)?;
            }
        }
        Ok(())
    }

    /// `None` when it takes too long: a lock that a thread held while the process was forked is
    /// held for ever in the child, and a few units too many are better than no answer.
    fn lock(&self, subject: &[u8]) -> Option<MutexGuard<'_, ()>> {
        let digest = subject
            .iter()
            .fold(0_usize, |digest, &byte| digest.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let lock = &self.locks[digest % LOCKS];
        for _ in 0..PATIENCE {
            match lock.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => thread::yield_now(),
            }
        }
        None
    }
}

impl Store for Carrying {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn refuses(&self, limit: &Limit) -> Option<String> {
        self.store.refuses(limit)
    }

    fn check(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        self.carry_all(charges, now)?;
        self.store.check(charges, now, decisions)
    }

    fn verdict(&self, charge: &Charge<'_>, now: Nanos) -> Result<Verdict, Error> {
        self.carry_all(slice::from_ref(charge), now)?;
        self.store.verdict(charge, now)
    }

    fn check_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        self.carry_all(charges, now)?;
        self.store.check_each(charges, now, decisions)
    }

    fn verdict_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        verdicts: &mut [Verdict],
    ) -> Result<(), Error> {
        self.carry_all(charges, now)?;
        self.store.verdict_each(charges, now, verdicts)
    }

    fn peek(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        self.carry_all(charges, now)?;
        self.store.peek(charges, now, decisions)
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>], now: Nanos) -> Result<(), Error> {
        if !self.moves.are_over(now) {
            for adjustment in adjustments {
                self.carry(adjustment.key, adjustment.limit, adjustment.at, now)?;
            }
        }
        self.store.adjust(adjustments, now)
    }

    fn drain(&self, charge: &Charge<'_>, now: Nanos) -> Result<u32, Error> {
        self.carry_all(slice::from_ref(charge), now)?;
        self.store.drain(charge, now)
    }

    fn permits(&self) -> Result<Option<Arc<dyn Permits>>, Error> {
        self.store.permits()
    }
}
