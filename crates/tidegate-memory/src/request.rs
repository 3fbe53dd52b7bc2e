//! A request that touches several keys: all of them are charged, or none.
//!
//! Knows where each key's state is kept, and not how a single key is decided.

use tidegate_core::{Adjustment, Change, Charge, Decision, Key, Limit, Nanos, Program};

use crate::{
    cells::{Cells, Unsupported},
    shards::Locked,
    steps::{Target, used_of},
};

/// The keys of one request, each in the table or in a locked shard.
pub(crate) struct Request<'a> {
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
    pub(crate) fn new(
        cells: &'a Cells,
        now: Nanos,
        keys: impl Iterator<Item = (Key<'a>, &'a Limit)>,
    ) -> Result<Self, Unsupported> {
        let place = |(key, limit): (Key<'a>, &'a Limit)| {
            if *limit.program() == Program::DenyAll {
                return Place::Nowhere;
            }
            let hash = cells.hash(&key, limit);
            let target = cells.target(hash, limit, now);
            // Asked now, so that no key turns out to have no place half-way.
            let has_class = |_: &Target<'_>| cells.page().class_of(limit.program()).is_some();
            target.filter(has_class).map_or(Place::Locked(hash), Place::Flat)
        };
        let places: Vec<Place<'a>> = keys.map(place).collect();
        let locked = places.iter().filter_map(|place| match place {
            Place::Locked(hash) => Some(*hash),
            Place::Flat(_) | Place::Nowhere => None,
        });
        let locked = match cells.beside() {
            Some(shards) => shards.lock(locked),
            None if locked.count() == 0 => Locked::default(),
            None => return Err(Unsupported),
        };
        Ok(Self { cells, now, places, locked })
    }

    /// Decides a charge, and takes nothing.
    pub(crate) fn look(&mut self, index: usize, charge: &Charge<'_>) -> Decision {
        match self.places[index] {
            Place::Flat(target) => target.check(charge),
            Place::Locked(hash) => self.locked.shard(hash).check(hash, charge),
            Place::Nowhere => Decision::deny_all(charge.cost),
        }
    }

    pub(crate) fn peek(&mut self, index: usize, charge: &Charge<'_>) -> Decision {
        match self.places[index] {
            Place::Flat(target) => target.peek(charge),
            Place::Locked(hash) => self.locked.shard(hash).peek(hash, charge),
            Place::Nowhere => Decision::deny_all(charge.cost),
        }
    }

    pub(crate) fn adjust(&mut self, index: usize, adjustment: &Adjustment<'_>) {
        match self.places[index] {
            Place::Flat(target) => self.cells.pay(target.adjust(adjustment).unwrap_or_default()),
            Place::Locked(hash) => self.locked.shard(hash).adjust(hash, adjustment, self.now),
            Place::Nowhere => {}
        }
    }

    /// Forgets a key, and tells how many units were used.
    pub(crate) fn drain(&mut self, index: usize, charge: &Charge<'_>) -> u32 {
        match self.places[index] {
            Place::Flat(target) => {
                let (used, toll) = target.drain(charge);
                self.cells.pay(toll);
                used
            }
            Place::Locked(hash) => {
                let Charge { key, limit, at, .. } = *charge;
                let mut shard = self.locked.shard(hash);
                let used = used_of(charge, shard.peek(hash, charge));
                let reset = Adjustment { key, limit, at, change: Change::Reset };
                shard.adjust(hash, &reset, self.now);
                used
            }
            Place::Nowhere => 0,
        }
    }

    /// Takes every charge, or none: the keys of locked shards cannot change meanwhile, those
    /// of the table can, and what was taken of them is given back when a later one refuses.
    pub(crate) fn take(&mut self, charges: &[Charge<'_>], decisions: &mut [Decision]) -> bool {
        for (index, charge) in charges.iter().enumerate() {
            let Place::Flat(target) = self.places[index] else { continue };
            // Never `None`: `new` has seen to the class.
            let Some(toll) = target.charge(charge, &mut decisions[index]) else { continue };
            self.cells.pay(toll);
            if !decisions[index].is_allowed() {
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
                let toll = target.adjust(&Adjustment { key, limit, at, change });
                self.cells.pay(toll.unwrap_or_default());
            }
        }
    }
}
