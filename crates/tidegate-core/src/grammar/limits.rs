//! One or more limits that hold together.

use alloc::{boxed::Box, vec::Vec};
use core::{slice, str::FromStr};

use crate::{Limit, Zone, algorithm::Kind};

use super::{
    ParseError, Problem,
    error::Fault,
    parser::{self, Placed},
    period,
};

/// One or more limits, in the order in which they were written. A request must pass them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits(Box<[Limit]>);

impl Limits {
    /// The most characters that a limit string may have.
    pub const MAX_CHARACTERS: usize = 1000;
    /// The most limits that one string may hold.
    pub const MAX_LIMITS: usize = 16;

    /// Parses `text`, whose limits have the `default_algorithm` when they name none.
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
        let placed =
            parser::parse(text, default_algorithm).map_err(|fault| ParseError::new(text, fault))?;
        Ok(Self(placed.into_iter().map(|placed| placed.limit).collect()))
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

    /// The limits, in the order in which they were written; at least one.
    #[must_use]
    pub const fn as_slice(&self) -> &[Limit] {
        &self.0
    }

    /// The limits, in the order in which they were written; at least one.
    pub fn iter(&self) -> slice::Iter<'_, Limit> {
        self.0.iter()
    }

    /// How many limits there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub const fn len(&self) -> usize {
        self.0.len()
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
        Self(Box::new([limit]))
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

    /// Parses exactly one limit.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let placed = parser::parse(text, None).and_then(only);
        placed.map_err(|fault| ParseError::new(text, fault))
    }
}

fn only(limits: Vec<Placed>) -> Result<Limit, Fault> {
    let mut limits = limits.into_iter();
    let (first, second) = (limits.next(), limits.next());
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
    use alloc::string::ToString;

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
