//! A limit's numbers, as the functions in the database take them.

use tidegate_core::{Nanos, Program};

/// The longest fill time that fits: 50 years of 365 days. With it, and a clock before
/// [`LAST_MOMENT`], no sum in the database leaves 63 bits.
pub(crate) const MAX_FILL_TIME: Nanos = Nanos::from_secs(50 * 365 * 86_400);

/// The last moment by which can be decided: in the year 2116.
pub(crate) const LAST_MOMENT: Nanos = Nanos(1 << 62);

/// `kind`, `a` and `b` of the functions in `migrations/0001_arithmetic.sql`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) kind: i64,
    pub(crate) a: i64,
    pub(crate) b: i64,
}

impl Numbers {
    /// The numbers of `program`.
    ///
    /// # Errors
    ///
    /// Why it cannot be counted here, and what would do instead.
    pub(crate) fn new(program: &Program) -> Result<Self, String> {
        if program.fill_time() > MAX_FILL_TIME {
            return Err(format!(
                "an empty key would take {} s to fill, and PostgreSQL's 64-bit numbers have room for {} s (50 years); shorten the period, or lower the burst or the queue",
                program.fill_time().ceil_secs(),
                MAX_FILL_TIME.ceil_secs()
            ));
        }
        let (kind, a, b) = match program {
            Program::DenyAll => return Err("a limit of 0 needs no server".into()),
            Program::Gcra(by) => (1, by.emission_interval(), u64::from(by.burst().get())),
            Program::LeakyQueue(by) => (2, by.emission_interval(), by.max_wait().0),
            Program::FixedWindow(by) => (3, by.period(), u64::from(by.limit().get())),
            Program::SlidingWindowCounter(by) => (4, by.period(), u64::from(by.limit().get())),
            Program::SlidingWindowLog(by) => (5, by.period(), u64::from(by.limit().get())),
        };
        Ok(Self { kind, a: signed(a.0), b: signed(b) })
    }

    /// The numbers to decide requests of `cost` by.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub(crate) fn for_cost(program: &Program, cost: u32) -> Result<Self, String> {
        let mut numbers = Self::new(program)?;
        if let (Program::LeakyQueue(by), 0) = (program, cost) {
            // What costs nothing waits for nobody; it is refused only to a queue in debt.
            numbers.b = signed(by.fill_time().0);
        }
        Ok(numbers)
    }
}

/// `number` as PostgreSQL's `bigint`, saturating.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// `number` of PostgreSQL, where it can't be negative.
pub(crate) fn unsigned(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

/// The time to decide by: -1 for the server's.
///
/// # Errors
///
/// Why it does not fit.
pub(crate) fn moment(at: Option<Nanos>) -> Result<i64, String> {
    match at {
        None => Ok(-1),
        Some(at) if at <= LAST_MOMENT => Ok(signed(at.0)),
        Some(at) => Err(format!(
            "the time {} is past the year 2116, up to which PostgreSQL's 64-bit numbers have room",
            at.0
        )),
    }
}
