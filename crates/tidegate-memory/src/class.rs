//! Under which limits the table's slots are to be read.
//!
//! A slot says by one byte which limit its state belongs to, so that whoever looks for room
//! can tell what forgetting it would cost. A class, once given, stays for good.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use tidegate_core::{
    Nanos, Program,
    algorithm::{Algorithm, Counts},
};

use crate::{
    flat::Debt,
    slot::{self, MAX_COUNTED, Word},
};

/// How many limits a table can tell apart; 0 is an empty slot.
pub(crate) const CLASSES: usize = u8::MAX as usize;

/// The limits that a table has seen.
pub(crate) struct Classes {
    programs: Box<[OnceLock<Program>]>,
    /// How many are known; all before are set.
    known: AtomicUsize,
}

impl Classes {
    pub(crate) fn new() -> Self {
        let programs = (0..CLASSES).map(|_| OnceLock::new()).collect();
        Self { programs, known: AtomicUsize::new(0) }
    }

    /// The class of `program`; a new one if it was not seen before. `None` when there is no
    /// class left, or when its state does not fit into a slot.
    pub(crate) fn of(&self, program: &Program) -> Option<u8> {
        let known = self.known.load(Ordering::Acquire);
        let seen = self.programs[..known].iter().position(|seen| seen.get() == Some(program));
        match seen {
            Some(index) => u8::try_from(index + 1).ok(),
            None => self.add(program),
        }
    }

    #[cold]
    fn add(&self, program: &Program) -> Option<u8> {
        if !fits(program) {
            return None;
        }
        for (index, place) in self.programs.iter().enumerate() {
            if place.get_or_init(|| program.clone()) == program {
                self.known.fetch_max(index + 1, Ordering::AcqRel);
                return u8::try_from(index + 1).ok();
            }
        }
        None
    }

    /// What it would cost to forget the slot, in 2^-32 of an empty key's debt: 0 for a key
    /// that is back to full quota.
    pub(crate) fn debt(&self, word: Word, now: Nanos) -> Debt {
        let program = usize::from(slot::class(word))
            .checked_sub(1)
            .and_then(|index| self.programs.get(index)?.get());
        let Some(program) = program else { return 0 };
        let recovered_at = match program {
            Program::DenyAll | Program::SlidingWindowLog(_) => Nanos::ZERO,
            Program::Gcra(gcra) => gcra.recovered_at(slot::state(word)),
            Program::LeakyQueue(queue) => queue.recovered_at(slot::state(word)),
            Program::FixedWindow(window) => window.recovered_at(slot::state(word)),
            Program::SlidingWindowCounter(counter) => {
                counter.recovered_at(slot::state::<Counts>(word))
            }
        };
        let left = recovered_at.saturating_sub(now).0;
        let share = (u128::from(left) << 32) / u128::from(program.fill_time().0.max(1));
        // A key with any debt at all counts as living.
        Debt::try_from(share).unwrap_or(Debt::MAX).max(u64::from(left > 0))
    }
}

/// Whether the program's state fits into a slot.
fn fits(program: &Program) -> bool {
    match program {
        Program::Gcra(_) | Program::LeakyQueue(_) | Program::FixedWindow(_) => true,
        Program::SlidingWindowCounter(counter) => counter.limit().get() <= MAX_COUNTED,
        Program::DenyAll | Program::SlidingWindowLog(_) => false,
    }
}
