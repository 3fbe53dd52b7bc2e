//! Under which limits the table's slots are to be read.
//!
//! A slot says by one byte which limit its state belongs to, so that whoever looks for room
//! can tell what forgetting it would cost. What the byte stands for is written beside the
//! slots, in one word of 128 bits that is set once and stays: so all processes that share a
//! table agree, and one that is killed while it writes leaves nothing half done.

use tidegate_core::{
    Nanos, Program,
    algorithm::{Algorithm, Counts, FixedWindow, SlidingWindowCounter},
};

use crate::{
    set::Debt,
    slot::{self, EMPTY, MAX_COUNTED, Word},
    sync::{AtomicU128, Ordering, load},
};

/// Words of the page that says what classes are. The first belongs to class 1; class 0 is an
/// empty slot, and the last word counts claims.
pub(crate) const PAGE: usize = 256;

/// How many limits a table can tell apart.
const CLASSES: usize = PAGE - 1;

/// The page that says what classes are, and a table's time.
#[derive(Clone, Copy)]
pub(crate) struct Page<'a>(pub(crate) &'a [AtomicU128]);

impl<'a> Page<'a> {
    /// The class of `program`, written down if it is new. `None` when its state does not fit
    /// into a slot, or when the page is full.
    pub(crate) fn class_of(self, program: &Program) -> Option<u8> {
        let description = describe(program)?;
        let home = home(description);
        // Acquire and release are not needed: the word is all there is to read.
        if load(&self.0[home], Ordering::Relaxed) == description {
            return number(home);
        }
        self.register(description, home)
    }

    /// What it would cost to forget the slot, in 2^-32 of an empty key's debt: 0 for a key
    /// that is back to full quota.
    pub(crate) fn debt(self, word: Word, now: Nanos) -> Debt {
        let Some(index) = usize::from(slot::class(word)).checked_sub(1) else { return 0 };
        let (recovered_at, fill_time) = read(load(&self.0[index], Ordering::Relaxed), word);
        let left = recovered_at.saturating_sub(now).0;
        let share = (u128::from(left) << 32) / u128::from(fill_time.0.max(1));
        // A key with any debt at all counts as living.
        Debt::try_from(share).unwrap_or(Debt::MAX).max(u64::from(left > 0))
    }

    /// How many claims were made on the table's slots.
    pub(crate) fn claims(self) -> &'a AtomicU128 {
        &self.0[CLASSES]
    }

    /// The class that means `description`, looked for from its `home` on; a new one if there
    /// is none yet.
    #[cold]
    fn register(self, description: Word, home: usize) -> Option<u8> {
        for index in (home..CLASSES).chain(0..home) {
            let place = &self.0[index];
            // Relaxed, as above. A place that is set stays, so all find the same one.
            let found = match load(place, Ordering::Relaxed) {
                EMPTY => place
                    .compare_exchange(EMPTY, description, Ordering::Relaxed, Ordering::Relaxed)
                    .map_or_else(|found| found, |_| description),
                found => found,
            };
            if found == description {
                return number(index);
            }
        }
        None
    }
}

/// The class whose word stands at `index`.
fn number(index: usize) -> Option<u8> {
    u8::try_from(index + 1).ok()
}

/// Where the search for a description begins: its own place, if no other came before it.
#[expect(clippy::cast_possible_truncation, reason = "a digest, and an index below 255")]
fn home(description: Word) -> usize {
    let folded = (description >> 64) as u64 ^ (description as u64).rotate_left(32);
    let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    ((mixed * CLASSES as u64) >> 32) as usize
}

const TIME: u8 = 1;
const WINDOW: u8 = 2;
const TWO_WINDOWS: u8 = 3;

/// Whether the state of `program` fits into a slot.
#[inline]
pub(crate) fn fits(program: &Program) -> bool {
    match program {
        Program::Gcra(_) | Program::LeakyQueue(_) | Program::FixedWindow(_) => true,
        Program::SlidingWindowCounter(counter) => counter.limit().get() <= MAX_COUNTED,
        Program::SlidingWindowLog(_) | Program::DenyAll => false,
    }
}

/// What must be known of a limit to read its slots: the kind of state, a number of units, and
/// a time. `None` when its state does not fit into a slot.
fn describe(program: &Program) -> Option<Word> {
    if !fits(program) {
        return None;
    }
    let (kind, units, time) = match program {
        Program::Gcra(gcra) => (TIME, 0, gcra.fill_time()),
        Program::LeakyQueue(queue) => (TIME, 0, queue.fill_time()),
        Program::FixedWindow(window) => (WINDOW, window.limit().get(), window.period()),
        Program::SlidingWindowCounter(counter) => {
            (TWO_WINDOWS, counter.limit().get(), counter.period())
        }
        Program::SlidingWindowLog(_) | Program::DenyAll => return None,
    };
    Some((u128::from(time.0) << 64) | (u128::from(units) << 32) | u128::from(kind))
}

/// When the state of `word` means nothing any more, and how long an empty key takes to get
/// there. Zeros when the description makes no sense, as in a file that somebody has damaged.
#[expect(clippy::cast_possible_truncation, reason = "the parts of a description")]
fn read(description: Word, word: Word) -> (Nanos, Nanos) {
    let time = Nanos((description >> 64) as u64);
    let units = std::num::NonZeroU32::new((description >> 32) as u32);
    match (description as u8, units) {
        (TIME, _) => (slot::state(word), time),
        (WINDOW, Some(limit)) => {
            (FixedWindow::new(limit, time).recovered_at(slot::state(word)), time)
        }
        (TWO_WINDOWS, Some(limit)) => {
            let counter = SlidingWindowCounter::new(limit, time);
            let recovered_at = counter.recovered_at(slot::state::<Counts>(word));
            (recovered_at, time.saturating_mul(2))
        }
        _ => (Nanos::ZERO, Nanos::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_with;

    use tidegate_core::Limit;

    use super::*;
    use crate::slot::Owner;

    fn program(text: &str) -> Program {
        text.parse::<Limit>().unwrap().program().clone()
    }

    fn page() -> Vec<AtomicU128> {
        repeat_with(|| AtomicU128::new(EMPTY)).take(PAGE).collect()
    }

    #[test]
    fn a_limit_keeps_its_class_and_shares_it_with_no_other() {
        let page = page();
        let texts = ["5/minute", "fixed_window: 5/minute", "sliding_window_counter: 5/minute"];

        let classes = texts.map(|text| Page(&page).class_of(&program(text)));
        let again = texts.map(|text| Page(&page).class_of(&program(text)));

        assert!(classes.iter().all(Option::is_some), "{classes:?}");
        assert!(classes[0] != classes[1] && classes[1] != classes[2] && classes[0] != classes[2]);
        assert_eq!(again, classes);
    }

    #[test]
    fn what_does_not_fit_has_no_class() {
        let page = page();
        for text in ["sliding_window_log: 5/minute", "sliding_window_counter: 3m/day", "0/day"] {
            assert_eq!(Page(&page).class_of(&program(text)), None, "{text}");
        }
    }

    #[test]
    fn a_full_page_gives_no_more_classes() {
        let page = page();
        for seconds in 1..=CLASSES {
            assert!(Page(&page).class_of(&program(&format!("1/{seconds}"))).is_some());
        }

        assert_eq!(Page(&page).class_of(&program("1/9999")), None);
        assert!(Page(&page).class_of(&program("1/7")).is_some());
    }

    #[test]
    fn debt_is_measured_by_the_limit() {
        let page = page();
        let debt = |text: &str, spent_seconds: u64| {
            let class = Page(&page).class_of(&program(text)).unwrap();
            let state = Nanos::from_secs(spent_seconds);
            let word = Owner::new::<Nanos>(77 << 9).holding(state, class);
            Page(&page).debt(word, Nanos::ZERO)
        };

        assert_eq!(debt("10/10s", 5), debt("10/hour", 1800));
        assert!(debt("10/10s", 5) > debt("10/hour", 1799));
        assert_eq!(debt("10/10s", 0), 0);
    }
}
