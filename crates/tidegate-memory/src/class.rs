//! Under which limits the table's slots are to be read.
//!
//! A slot says by one byte which limit its state belongs to, so that whoever looks for room
//! can tell what forgetting it would cost. What the byte stands for is written beside the
//! slots, in one word of 128 bits that is set once and stays: so all processes that share a
//! table agree, and one that is killed while it writes leaves nothing half done.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering as StdOrdering},
};

use tidegate_core::{
    Nanos, Program,
    algorithm::{Algorithm, Counts, FixedWindow, SlidingWindowCounter},
};

use crate::{
    flat::Debt,
    slot::{self, EMPTY, MAX_COUNTED, Word},
    sync::{AtomicU128, Ordering},
};

/// Words of the page that says what classes are. The first belongs to class 1; class 0 is an
/// empty slot, and the last word counts claims.
pub(crate) const PAGE: usize = 256;

/// How many limits a table can tell apart.
const CLASSES: usize = PAGE - 1;

/// The limits that this process has used a table with.
pub(crate) struct Classes {
    /// Programs and their classes, in the order in which this process met them.
    known: Box<[OnceLock<(Program, u8)>]>,
    /// How many of them are set.
    length: AtomicUsize,
}

/// The page that says what classes are, and a table's time.
#[derive(Clone, Copy)]
pub(crate) struct Page<'a>(pub(crate) &'a [AtomicU128]);

impl Classes {
    pub(crate) fn new() -> Self {
        let known = (0..CLASSES).map(|_| OnceLock::new()).collect();
        Self { known, length: AtomicUsize::new(0) }
    }

    /// The class of `program`, written to `page` if it is new. `None` when its state does not
    /// fit into a slot, or when the page is full.
    #[inline]
    pub(crate) fn of(&self, page: Page<'_>, program: &Program) -> Option<u8> {
        let length = self.length.load(StdOrdering::Acquire);
        let known = self.known[..length].iter().filter_map(OnceLock::get);
        match known.into_iter().find(|(seen, _)| seen == program) {
            Some((_, class)) => Some(*class),
            None => self.meet(page, program),
        }
    }

    #[cold]
    fn meet(&self, page: Page<'_>, program: &Program) -> Option<u8> {
        let class = page.register(describe(program)?)?;
        // Another thread may be adding the same or another program: whoever sets a place
        // first has it, and the rest move on.
        for (index, place) in self.known.iter().enumerate() {
            if place.get_or_init(|| (program.clone(), class)).0 == *program {
                self.length.fetch_max(index + 1, StdOrdering::AcqRel);
                break;
            }
        }
        Some(class)
    }
}

impl<'a> Page<'a> {
    /// What it would cost to forget the slot, in 2^-32 of an empty key's debt: 0 for a key
    /// that is back to full quota.
    pub(crate) fn debt(self, word: Word, now: Nanos) -> Debt {
        let Some(index) = usize::from(slot::class(word)).checked_sub(1) else { return 0 };
        let (recovered_at, fill_time) = read(self.0[index].load(Ordering::Relaxed), word);
        let left = recovered_at.saturating_sub(now).0;
        let share = (u128::from(left) << 32) / u128::from(fill_time.0.max(1));
        // A key with any debt at all counts as living.
        Debt::try_from(share).unwrap_or(Debt::MAX).max(u64::from(left > 0))
    }

    /// How many claims were made on the table's slots.
    pub(crate) fn claims(self) -> &'a AtomicU128 {
        &self.0[CLASSES]
    }

    /// The class that means `description`; a new one if there is none yet.
    fn register(self, description: Word) -> Option<u8> {
        for (index, place) in self.0[..CLASSES].iter().enumerate() {
            // Acquire and release are not needed: the word is all there is to read.
            let found = match place.load(Ordering::Relaxed) {
                EMPTY => place
                    .compare_exchange(EMPTY, description, Ordering::Relaxed, Ordering::Relaxed)
                    .map_or_else(|found| found, |_| description),
                found => found,
            };
            if found == description {
                return u8::try_from(index + 1).ok();
            }
        }
        None
    }
}

const TIME: u8 = 1;
const WINDOW: u8 = 2;
const TWO_WINDOWS: u8 = 3;

/// What must be known of a limit to read its slots: the kind of state, a number of units, and
/// a time. `None` when its state does not fit into a slot.
fn describe(program: &Program) -> Option<Word> {
    let (kind, units, time) = match program {
        Program::Gcra(gcra) => (TIME, 0, gcra.fill_time()),
        Program::LeakyQueue(queue) => (TIME, 0, queue.fill_time()),
        Program::FixedWindow(window) => (WINDOW, window.limit().get(), window.period()),
        Program::SlidingWindowCounter(counter) if counter.limit().get() <= MAX_COUNTED => {
            (TWO_WINDOWS, counter.limit().get(), counter.period())
        }
        Program::SlidingWindowCounter(_) | Program::SlidingWindowLog(_) | Program::DenyAll => {
            return None;
        }
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
    fn two_processes_give_a_limit_the_same_class() {
        let page = page();
        let (one, other) = (Classes::new(), Classes::new());
        let texts = ["5/minute", "fixed_window: 5/minute", "sliding_window_counter: 5/minute"];

        let classes = texts.map(|text| one.of(Page(&page), &program(text)));
        let again = texts.map(|text| other.of(Page(&page), &program(text)));

        assert_eq!(classes, [Some(1), Some(2), Some(3)]);
        assert_eq!(again, classes);
    }

    #[test]
    fn what_does_not_fit_has_no_class() {
        let page = page();
        for text in ["sliding_window_log: 5/minute", "sliding_window_counter: 3m/day", "0/day"] {
            assert_eq!(Classes::new().of(Page(&page), &program(text)), None, "{text}");
        }
    }

    #[test]
    fn a_full_page_gives_no_more_classes() {
        let (page, classes) = (page(), Classes::new());
        for seconds in 1..=CLASSES {
            assert!(classes.of(Page(&page), &program(&format!("1/{seconds}"))).is_some());
        }

        assert_eq!(classes.of(Page(&page), &program("1/9999")), None);
        assert_eq!(classes.of(Page(&page), &program("1/7")), Some(7));
    }

    #[test]
    fn debt_is_measured_by_the_limit() {
        let (page, classes) = (page(), Classes::new());
        let debt = |text: &str, spent_seconds: u64| {
            let class = classes.of(Page(&page), &program(text)).unwrap();
            let word = Owner::new::<Nanos>(77 << 9, class).holding(Nanos::from_secs(spent_seconds));
            Page(&page).debt(word, Nanos::ZERO)
        };

        assert_eq!(debt("10/10s", 5), debt("10/hour", 1800));
        assert!(debt("10/10s", 5) > debt("10/hour", 1799));
        assert_eq!(debt("10/10s", 0), 0);
    }
}
