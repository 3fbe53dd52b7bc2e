//! What was used of a limit, when the limit changes: a store in which the counters of a changed
//! limit begin where those of the old one stood.
//!
//! A store in this host's memory keeps a counter under its limit, so that a changed limit has
//! counters of its own, all of them at rest. Subjects are not kept, only their digests: what
//! was used can be carried over no earlier than when a subject is seen again. Knows nothing of
//! rules but what a [`Move`] says.

mod moves;

use std::{
    slice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidegate_core::{Adjustment, Change, Charge, Decision, Key, Limit, Nanos, Verdict};

pub(crate) use self::moves::Moves;
use crate::{Error, Permits, Store, store::UNDECIDED};

/// So that two threads rarely wait for each other because of two subjects.
const LOCKS: usize = 64;

/// A store, and the limits that have changed lately.
pub(crate) struct Carrying {
    store: Arc<dyn Store>,
    moves: Moves,
    /// One for a share of the subjects. Held only while a subject's units are carried, which
    /// is once for each that was seen before the change.
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
        for change in self.moves.to(key.scope, limit) {
            let old = change.old_key(key.subject);
            if self.used(old, change.old_limit(), at, now)? == 0 {
                continue;
            }
            let _alone = self.lock(key.subject);
            let used = self.used(old, change.old_limit(), at, now)?;
            if used == 0 {
                continue;
            }
            // First the new one: whoever comes without waiting for the lock finds the old one
            // used until the new one is.
            let cost = used.min(limit.capacity());
            let debit = Adjustment { key, limit, at, change: Change::Debit { cost } };
            self.store.adjust(slice::from_ref(&debit), now)?;
            let reset =
                Adjustment { key: old, limit: change.old_limit(), at, change: Change::Reset };
            self.store.adjust(slice::from_ref(&reset), now)?;
        }
        Ok(())
    }

    /// Units that are used at this moment.
    fn used(&self, key: Key<'_>, limit: &Limit, at: Nanos, now: Nanos) -> Result<u32, Error> {
        let charge = Charge { key, limit, cost: 0, at };
        let mut decision = UNDECIDED;
        self.store.peek(slice::from_ref(&charge), now, slice::from_mut(&mut decision))?;
        Ok(limit.capacity().saturating_sub(decision.remaining))
    }

    fn lock(&self, subject: &[u8]) -> MutexGuard<'_, ()> {
        let digest = subject
            .iter()
            .fold(0_usize, |digest, &byte| digest.wrapping_mul(31).wrapping_add(usize::from(byte)));
        self.locks[digest % LOCKS].lock().unwrap_or_else(PoisonError::into_inner)
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

    fn permits(&self) -> Result<Option<Arc<dyn Permits>>, Error> {
        self.store.permits()
    }
}
