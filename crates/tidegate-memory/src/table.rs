//! A table of fixed size: fingerprints and cells, in sets of eight.
//!
//! It never grows, so no flood of keys can exhaust memory or stall a resize. What it must
//! not know: algorithms, limits, locks.

use tidegate_core::Nanos;

use crate::cell::Words;

/// Slots that one key may live in. A set is four cache lines of 64 bytes.
const WAYS: usize = 8;

/// Fingerprint (0: empty), the table's time at which the cell means nothing any more, and
/// the cell. Plain integers, so that the allocator hands out untouched zero pages for them.
type Slot = [u64; 4];

/// Cells by fingerprint. See the module.
pub(crate) struct Table {
    /// Empty until the first cell is kept: most stores never keep one here.
    slots: Vec<Slot>,
    sets: usize,
    evictions: u64,
}

impl Table {
    /// A table for `capacity` keys, rounded up to whole sets, a power of two of them.
    pub(crate) fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS).next_power_of_two();
        Self { slots: Vec::new(), sets, evictions: 0 }
    }

    /// How many cells that still meant something were given up for others.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions
    }

    /// How many cells mean something at `now`. Reads the whole table.
    pub(crate) fn live(&self, now: Nanos) -> usize {
        self.slots.iter().filter(|slot| slot[0] != 0 && slot[1] > now.0).count()
    }

    /// The cell of `fingerprint`: zeros when there is none.
    pub(crate) fn get(&self, fingerprint: u64) -> Words {
        let set = self.set(fingerprint);
        let slots = self.slots.get(set..set + WAYS).unwrap_or_default();
        match slots.iter().find(|slot| slot[0] == fingerprint) {
            Some(slot) => [slot[2], slot[3]],
            None => [0, 0],
        }
    }

    /// Keeps `words` for `fingerprint` until `expires`, in the place of whatever matters
    /// least: its own slot, one that is empty or over, or the one that is over first.
    ///
    /// The one that is over first has the least debt to forget. So keys of a flood, each
    /// with one unit spent, push out each other; whoever spent more stays.
    pub(crate) fn put(&mut self, fingerprint: u64, words: Words, expires: Nanos, now: Nanos) {
        if self.slots.is_empty() {
            self.slots = vec![[0; 4]; self.sets * WAYS];
        }
        let set = self.set(fingerprint);
        let slots = &mut self.slots[set..set + WAYS];
        let place = slots.iter().position(|slot| slot[0] == fingerprint).or_else(|| {
            let free = |slot: &Slot| slot[0] == 0 || slot[1] <= now.0;
            slots.iter().position(free)
        });
        let place = place.unwrap_or_else(|| {
            self.evictions += 1;
            let soonest = slots.iter().enumerate().min_by_key(|(_, slot)| slot[1]);
            soonest.map_or(0, |(index, _)| index)
        });
        slots[place] = [fingerprint, expires.0, words[0], words[1]];
    }

    /// Forgets `fingerprint`.
    pub(crate) fn remove(&mut self, fingerprint: u64) {
        let set = self.set(fingerprint);
        let slots = self.slots.get_mut(set..set + WAYS).unwrap_or_default();
        if let Some(slot) = slots.iter_mut().find(|slot| slot[0] == fingerprint) {
            *slot = [0; 4];
        }
    }

    /// Index of the first slot of the set that `fingerprint` may live in.
    ///
    /// The low bits choose the set; the store's shards are chosen by the high ones.
    #[expect(clippy::cast_possible_truncation, reason = "masked to the table's size")]
    fn set(&self, fingerprint: u64) -> usize {
        (fingerprint as usize & (self.sets - 1)) * WAYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Nanos = Nanos(100);

    /// A table of one set.
    fn one_set() -> Table {
        Table::new(1)
    }

    #[test]
    fn a_full_set_gives_up_the_key_that_is_over_first() {
        let mut table = one_set();
        for fingerprint in 1..=8 {
            table.put(fingerprint, [fingerprint, 0], Nanos(1000 - fingerprint), NOW);
        }

        table.put(9, [9, 0], Nanos(5000), NOW);

        assert_eq!(table.get(8), [0, 0]);
        assert_eq!(table.get(1), [1, 0]);
        assert_eq!(table.get(9), [9, 0]);
        assert_eq!(table.evictions(), 1);
    }

    #[test]
    fn a_cell_that_is_over_is_reused_before_any_living_one() {
        let mut table = one_set();
        for fingerprint in 1..=8 {
            table.put(fingerprint, [1, 0], Nanos(if fingerprint == 5 { 100 } else { 101 }), NOW);
        }

        table.put(9, [9, 0], Nanos(5000), NOW);

        assert_eq!(table.get(5), [0, 0]);
        assert_eq!(table.live(NOW), 8);
        assert_eq!(table.evictions(), 0);
    }

    #[test]
    fn a_key_lives_in_one_slot() {
        let mut table = one_set();

        table.put(3, [1, 0], Nanos(200), NOW);
        table.put(3, [2, 0], Nanos(300), NOW);
        table.remove(3);

        assert_eq!(table.get(3), [0, 0]);
        assert_eq!(table.live(NOW), 0);
    }
}
