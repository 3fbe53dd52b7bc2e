//! A limit: how much is allowed, over which time, by which algorithm.

use core::num::NonZeroU32;

use crate::{
    CalendarUnit, LimitError, Nanos, Period, Zone,
    algorithm::{FixedWindow, Gcra, Kind, LeakyQueue, SlidingWindowCounter, SlidingWindowLog},
    key::{FNV_BASIS, digest_of},
};

/// What a user asks for, before it is known to make sense.
///
/// [`Limit::new`] checks it; nothing else accepts one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSpec {
    /// Which algorithm decides.
    pub algorithm: Kind,
    /// Units per period. Zero refuses every request.
    pub limit: u32,
    /// Over which time the units are counted.
    pub period: Period,
    /// Units that can be spent at once; `None` for the algorithm's default, which is the
    /// limit, or half of it when strict.
    pub burst: Option<u32>,
    /// Never let more than `limit` pass in any window of the period, at the price of a
    /// slower refill.
    pub strict: bool,
    /// For a leaky bucket: how long a caller may be made to wait for its turn. `None` for a
    /// meter, where nobody waits.
    pub max_wait: Option<Nanos>,
    /// Allow a sliding window log of more than [`Limit::MAX_LOG`] units.
    pub force: bool,
}

impl LimitSpec {
    /// `limit` units per `period`, with nothing special.
    #[must_use]
    pub const fn new(algorithm: Kind, limit: u32, period: Period) -> Self {
        Self { algorithm, limit, period, burst: None, strict: false, max_wait: None, force: false }
    }
}

/// A limit that makes sense, ready to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    spec: LimitSpec,
    program: Program,
    imprint: u64,
    /// See [`Limit::tag`].
    reading: u32,
}

/// The algorithm that decides for a limit, with its numbers worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// The limit is zero: every request that costs anything is refused for ever.
    DenyAll,
    /// `gcra`, `token_bucket`, and `leaky_bucket` as a meter.
    Gcra(Gcra),
    /// `leaky_bucket` with a queue.
    LeakyQueue(LeakyQueue),
    /// `fixed_window`. For a calendar period the time to pass in is the one that
    /// [`Limit::calendar_period`] speaks of.
    FixedWindow(FixedWindow),
    /// `sliding_window_counter`.
    SlidingWindowCounter(SlidingWindowCounter),
    /// `sliding_window_log`.
    SlidingWindowLog(SlidingWindowLog),
}

impl Limit {
    /// The largest sliding window log that needs no `force`, in units.
    pub const MAX_LOG: u32 = 10_000;
    /// The longest time that an empty key may take to fill: 100 years of 365 days.
    pub const MAX_FILL_TIME: Nanos = Nanos::from_secs(100 * 365 * 86_400);

    /// Checks `spec` and works out the algorithm's numbers.
    ///
    /// # Errors
    ///
    /// [`LimitError`], whose [`part`](LimitError::part) tells which field is wrong.
    pub fn new(spec: LimitSpec) -> Result<Self, LimitError> {
        Self::check_options(&spec)?;
        let program = match NonZeroU32::new(spec.limit) {
            None => Program::DenyAll,
            Some(limit) => Self::compile(&spec, limit)?,
        };
        let reading = program.reading(&spec.period);
        let imprint = program.imprint(reading);
        Ok(Self { spec, program, imprint, reading })
    }

    fn check_options(spec: &LimitSpec) -> Result<(), LimitError> {
        let algorithm = spec.algorithm;
        if spec.period == Period::Span(Nanos::ZERO) {
            return Err(LimitError::ZeroPeriod);
        }
        if matches!(spec.period, Period::Calendar { .. }) && algorithm != Kind::FixedWindow {
            return Err(LimitError::CalendarWithout { algorithm });
        }
        if spec.burst == Some(0) {
            return Err(LimitError::ZeroBurst);
        }
        if spec.burst.is_some() && !algorithm.has_burst() {
            return Err(LimitError::BurstWithout { algorithm });
        }
        if spec.strict && !algorithm.has_burst() {
            return Err(LimitError::StrictWithout { algorithm });
        }
        if spec.max_wait.is_some() && algorithm != Kind::LeakyBucket {
            return Err(LimitError::QueueWithout { algorithm });
        }
        if spec.max_wait.is_some() && (spec.burst.is_some() || spec.strict) {
            return Err(LimitError::QueueWithBurst);
        }
        match spec.burst {
            Some(burst) if spec.strict && burst > spec.limit => {
                Err(LimitError::StrictBurst { burst, limit: spec.limit })
            }
            _ => Ok(()),
        }
    }

    fn compile(spec: &LimitSpec, limit: NonZeroU32) -> Result<Program, LimitError> {
        let period = spec.window();
        if u64::from(limit.get()) > period.0 {
            return Err(LimitError::TooFast { limit: limit.get(), period });
        }
        let program = match spec.algorithm {
            Kind::FixedWindow => Program::FixedWindow(FixedWindow::new(limit, period)),
            Kind::SlidingWindowCounter => {
                Program::SlidingWindowCounter(SlidingWindowCounter::new(limit, period))
            }
            Kind::SlidingWindowLog if limit.get() > Self::MAX_LOG && !spec.force => {
                return Err(LimitError::LogTooLarge { limit: limit.get() });
            }
            Kind::SlidingWindowLog => {
                Program::SlidingWindowLog(SlidingWindowLog::new(limit, period))
            }
            Kind::Gcra | Kind::TokenBucket | Kind::LeakyBucket => match spec.max_wait {
                Some(max_wait) => Program::LeakyQueue(LeakyQueue::new(limit, period, max_wait)),
                None => Program::Gcra(Self::compile_gcra(spec, limit, period)),
            },
        };
        let fill_time = program.fill_time();
        if fill_time > Self::MAX_FILL_TIME {
            return Err(LimitError::TooSlow { seconds: fill_time.ceil_secs() });
        }
        Ok(program)
    }

    fn compile_gcra(spec: &LimitSpec, limit: NonZeroU32, period: Nanos) -> Gcra {
        let burst = spec.burst.and_then(NonZeroU32::new);
        if spec.strict {
            let half = NonZeroU32::new(limit.get().div_ceil(2)).unwrap_or(limit);
            return Gcra::strict(limit, period, burst.unwrap_or(half));
        }
        Gcra::new(limit, period).with_burst(burst.unwrap_or(limit))
    }

    /// What the limit was made from.
    #[must_use]
    pub const fn spec(&self) -> &LimitSpec {
        &self.spec
    }

    /// The algorithm, ready to decide.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// A digest of all that decides how a state is to be read. A store that keeps states
    /// without saying what they are makes it part of the key, so that no state is ever read
    /// under another limit.
    #[must_use]
    pub const fn imprint(&self) -> u64 {
        self.imprint
    }

    /// The most units a rested key can spend at once. A higher cost never passes.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.program.capacity()
    }

    /// For a limit by the calendar: its unit and zone.
    ///
    /// Such a limit is a fixed window on a timeline of its own, on which every stretch of the
    /// calendar is [`LimitSpec::window`] long and *ends* on a multiple of it. Whoever reads
    /// the clock passes `(index + 1) · window − time left`, and every answer is right.
    #[must_use]
    pub const fn calendar_period(&self) -> Option<(CalendarUnit, &Zone)> {
        match &self.spec.period {
            Period::Calendar { unit, zone } => Some((*unit, zone)),
            Period::Span(_) => None,
        }
    }

    /// Tells this limit's counters from those of a rule's other limits, by its position
    /// among them; and, because a store must never read a state as what it is not, by the
    /// algorithm and the numbers without which a state means something else. A limit that is
    /// changed in its other numbers goes on with the counters that it has.
    ///
    /// From the lowest bit: 32 bits of the position, 8 of the algorithm, 24 of a digest.
    #[must_use]
    pub const fn tag(&self, position: u32) -> u64 {
        ((self.reading as u64) << 40) | (self.program.layout() << 32) | position as u64
    }
}

impl LimitSpec {
    /// The length of a window in nanoseconds: the period, or for the calendar a length that
    /// no stretch of it exceeds.
    #[must_use]
    pub const fn window(&self) -> Nanos {
        match &self.period {
            Period::Span(span) => *span,
            Period::Calendar { unit, .. } => unit.longest(),
        }
    }
}

fn digest(numbers: &[u64]) -> u64 {
    let one = |digest, number: &u64| digest_of(&number.to_le_bytes(), digest);
    numbers.iter().fold(FNV_BASIS, one)
}

impl Program {
    /// How a state is laid out, by number.
    const fn layout(&self) -> u64 {
        match self {
            Self::DenyAll => 0,
            Self::Gcra(_) => 1,
            Self::LeakyQueue(_) => 2,
            Self::FixedWindow(_) => 3,
            Self::SlidingWindowCounter(_) => 4,
            Self::SlidingWindowLog(_) => 5,
        }
    }

    /// See [`Limit::imprint`].
    fn imprint(&self, reading: u32) -> u64 {
        let numbers = [self.layout(), self.capacity().into(), self.fill_time().0, reading.into()];
        digest(&numbers)
    }

    /// 24 bits of a digest of the numbers by which a state is read: a point in time is far away
    /// or near by the time to fill, a window has its number by the period, and the units in it
    /// are told from that by the limit. Entries of a log are what they are.
    fn reading(&self, period: &Period) -> u32 {
        let timeline = match period {
            Period::Span(_) => FNV_BASIS,
            Period::Calendar { unit, zone } => {
                digest_of(zone.name().as_bytes(), digest_of(unit.name().as_bytes(), FNV_BASIS))
            }
        };
        let numbers = match self {
            Self::DenyAll | Self::SlidingWindowLog(_) => return 0,
            Self::FixedWindow(window) => [window.period().0, window.limit().get().into(), timeline],
            Self::Gcra(_) | Self::LeakyQueue(_) | Self::SlidingWindowCounter(_) => {
                [self.fill_time().0, 0, timeline]
            }
        };
        let digest = digest(&numbers);
        // FNV mixes upwards.
        u32::try_from(digest >> 40).unwrap_or_default()
    }

    /// The most units that can pass at once.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        match self {
            Self::DenyAll => 0,
            Self::Gcra(gcra) => gcra.burst().get(),
            Self::LeakyQueue(queue) => queue.capacity(),
            Self::FixedWindow(window) => window.limit().get(),
            Self::SlidingWindowCounter(counter) => counter.limit().get(),
            Self::SlidingWindowLog(log) => log.limit().get(),
        }
    }

    /// How long an empty key takes, at most, to be as if it had never been seen.
    #[must_use]
    pub const fn fill_time(&self) -> Nanos {
        match self {
            Self::DenyAll => Nanos::ZERO,
            Self::Gcra(gcra) => gcra.fill_time(),
            Self::LeakyQueue(queue) => queue.fill_time(),
            Self::FixedWindow(window) => window.period(),
            Self::SlidingWindowCounter(counter) => counter.period().saturating_mul(2),
            Self::SlidingWindowLog(log) => log.period(),
        }
    }
}
