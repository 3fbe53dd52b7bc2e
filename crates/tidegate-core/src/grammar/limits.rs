//! One or more limits that hold together.

use alloc::boxed::Box;
use core::{slice, str::FromStr};

use crate::{Limit, Zone, algorithm::Kind};

use super::{
    ParseError, Problem,
    error::Fault,
    parser::{self, Parsed},
    period,
};

/// One or more limits that hold together: rates, in the order in which they were written, and
/// how many requests may be in flight at once. A request must pass them all.
///
/// There may be no rate when there is a limit of requests in flight, and only then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    rates: Box<[Limit]>,
    concurrent: Option<u32>,
}

impl Limits {
    /// The most characters that a limit string may have.
    pub const MAX_CHARACTERS: usize = 1000;
    /// The most limits that one string may hold.
    pub const MAX_LIMITS: usize = 16;

    /// Parses `text`, whose rates have the `default_algorithm` when they name none.
    ///
    /// An algorithm that `text` names must then be the same one. With `None` it is
    /// `fixed_window` for calendar periods and `gcra` for all others.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when `text` isn't made as the [`grammar`](crate::grammar) says, is too
    /// long, holds a limit twice or too many of them, names another algorithm, or asks for
    /// what [`Limit::new`] refuses.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidegate_core::{algorithm::Kind, grammar::Limits};
    ///
    /// let limits = Limits::parse_with("5/minute", Some(Kind::SlidingWindowLog))?;
    /// assert_eq!(limits.to_string(), "sliding_window_log: 5/minute");
    ///
    /// assert!(Limits::parse_with("gcra: 5/minute", Some(Kind::SlidingWindowLog)).is_err());
    /// # Ok::<(), tidegate_core::grammar::ParseError>(())
    /// ```
    pub fn parse_with(text: &str, default_algorithm: Option<Kind>) -> Result<Self, ParseError> {
        let parsed =
            parser::parse(text, default_algorithm).map_err(|fault| ParseError::new(text, fault))?;
        let rates = parsed.rates.into_iter().map(|placed| placed.limit).collect();
        Ok(Self { rates, concurrent: parsed.concurrent.map(|(_, requests)| requests) })
    }

    /// The error that there is no such zone as `zone`, at its place in `text`; at column 1
    /// when it isn't there.
    ///
    /// Only the crate that reads clocks knows zones, and `text` was parsed without. See also
    /// [`ParseError::with_suggestion`].
    #[must_use]
    pub fn zone_error(text: &str, zone: &Zone) -> ParseError {
        let problem = Problem::UnknownZone { zone: zone.clone() };
        ParseError::new(text, Fault::new(period::find_zone(text, zone), problem))
    }

    /// The rates, in the order in which they were written; none when only requests in flight
    /// are limited.
    #[must_use]
    pub const fn as_slice(&self) -> &[Limit] {
        &self.rates
    }

    /// The rates, as [`as_slice`](Self::as_slice) gives them.
    pub fn iter(&self) -> slice::Iter<'_, Limit> {
        self.rates.iter()
    }

    /// How many rates there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rates.len()
    }

    /// True when there is no rate, but only a limit of requests in flight.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rates.is_empty()
    }

    /// How many requests of one key may be in flight at once, if that is limited. Zero lets
    /// none begin.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidegate_core::grammar::Limits;
    ///
    /// let limits: Limits = "20 concurrent; 5/minute".parse()?;
    /// assert_eq!((limits.concurrent(), limits.len()), (Some(20), 1));
    /// assert_eq!(limits.to_string(), "5/minute; 20 concurrent");
    /// # Ok::<(), tidegate_core::grammar::ParseError>(())
    /// ```
    #[must_use]
    pub const fn concurrent(&self) -> Option<u32> {
        self.concurrent
    }
}

impl FromStr for Limits {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse_with(text, None)
    }
}

impl From<Limit> for Limits {
    fn from(limit: Limit) -> Self {
        Self { rates: Box::new([limit]), concurrent: None }
    }
}

impl<'a> IntoIterator for &'a Limits {
    type Item = &'a Limit;
    type IntoIter = slice::Iter<'a, Limit>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromStr for Limit {
    type Err = ParseError;

    /// Parses exactly one limit, a rate.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let placed = parser::parse(text, None).and_then(only);
        placed.map_err(|fault| ParseError::new(text, fault))
    }
}

fn only(parsed: Parsed) -> Result<Limit, Fault> {
    if let Some((at, _)) = parsed.concurrent {
        return Err(Fault::new(at, Problem::NoRate));
    }
    let mut rates = parsed.rates.into_iter();
    let (first, second) = (rates.next(), rates.next());
    match (first, second) {
        (Some(first), None) => Ok(first.limit),
        (_, second) => {
            let at = second.map_or(0, |second| second.at);
            Err(Fault::new(at, Problem::MoreThanOne))
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec::Vec};

    use super::*;

    #[test]
    fn limits_keep_their_order() {
        let limits: Limits = "3/s; 1/s, 2/s".parse().unwrap();

        let units: Vec<u32> = limits.iter().map(|limit| limit.spec().limit).collect();

        assert_eq!(units, [3, 1, 2]);
        assert_eq!((limits.len(), limits.as_slice().len()), (3, 3));
        assert!(limits.iter().eq(&limits));
    }

    #[test]
    fn one_limit_is_also_several() {
        let limit: Limit = "3/s".parse().unwrap();

        assert_eq!(Limits::from(limit), "3/s".parse().unwrap());
    }

    #[test]
    fn one_limit_is_not_two() {
        let error = "3/s; 4/s".parse::<Limit>().unwrap_err();

        assert_eq!((error.problem(), error.column()), (&Problem::MoreThanOne, 6));
    }

    #[test]
    fn requests_in_flight_are_no_rate() {
        let alone: Limits = "20 concurrent".parse().unwrap();
        assert_eq!((alone.concurrent(), alone.len(), alone.is_empty()), (Some(20), 0, true));
        let both: Limits = "3/s; 0 concurrent".parse().unwrap();
        assert_eq!((both.concurrent(), both.len(), both.is_empty()), (Some(0), 1, false));

        for (text, column) in [("20 concurrent", 1), ("3/s; 20 concurrent", 6)] {
            let error = text.parse::<Limit>().unwrap_err();
            assert_eq!((error.problem(), error.column()), (&Problem::NoRate, column));
        }
    }

    #[test]
    fn a_zone_that_nobody_knows_is_shown_where_it_stands() {
        let text = "1/s; 5/calendar-day @ Mars/Olympus strict";
        let zone = Zone::new("Mars/Olympus").unwrap();

        let error = Limits::zone_error(text, &zone).with_suggestion("Mars/Base");

        assert_eq!(error.column(), 23);
        assert!(error.to_string().ends_with(
            r#"column 23: unknown time zone "Mars/Olympus"; did you mean "Mars/Base"?"#
        ));
    }
}
