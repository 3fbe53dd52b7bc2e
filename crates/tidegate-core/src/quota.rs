//! Periods: a span of time, or a stretch of the calendar.

use alloc::boxed::Box;
use core::fmt;

use crate::Nanos;

/// Over which time a limit's units are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// A fixed length of time, at least one nanosecond.
    Span(Nanos),
    /// A day, month … of the calendar, which begins at the zone's midnight and may be 23 or
    /// 25 hours long.
    Calendar {
        /// Which stretch of the calendar.
        unit: CalendarUnit,
        /// Where its midnight is taken.
        zone: Zone,
    },
}

/// A stretch of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CalendarUnit {
    /// From second 0 to second 0.
    Minute,
    /// From minute 0 to minute 0.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday, as in ISO 8601.
    Week,
    /// From the 1st to the 1st.
    Month,
    /// From 1 January to 1 January.
    Year,
}

impl CalendarUnit {
    /// Every unit, shortest first.
    pub const ALL: [Self; 6] =
        [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// The unit's name in a limit string, after `calendar-`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The longest that one such stretch can be, an hour for a clock change included.
    #[must_use]
    pub const fn longest(self) -> Nanos {
        let hours = match self {
            Self::Minute => return Nanos::from_secs(60),
            Self::Hour => 2,
            Self::Day => 25,
            Self::Week => 7 * 24 + 1,
            Self::Month => 31 * 24 + 1,
            Self::Year => 366 * 24 + 1,
        };
        Nanos::from_secs(hours * 3600)
    }
}

/// The name of a time zone, such as `Europe/Paris`. `UTC` unless the limit string says
/// otherwise.
///
/// Only its spelling is checked here; whether there is such a zone is known to the crate
/// that reads clocks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Zone(Box<str>);

impl Zone {
    /// The zone of this name, or `None` when it can't be a zone's name: names are 1 to 64
    /// ASCII letters, digits, and `/ _ + -`.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=64).contains(&name.len());
        let spelled = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
        (fits && spelled).then(|| Self(name.into()))
    }

    /// Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        Self("UTC".into())
    }

    /// The name, as it was written.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
