//! What can be wrong with a limit string, as data. The words are in `message`.

use alloc::boxed::Box;
use core::error;

use crate::{LimitError, Zone, algorithm::Kind};

use super::Vocabulary;

/// Why a text is no limit, and where.
///
/// Shown, it is one line: the text, shortened around the column and with control characters
/// escaped, then what is wrong and what would be right. When [`Limit::new`](crate::Limit::new)
/// refused the limit, the line ends in its reason, and the reason itself is the
/// [`source`](error::Error::source): show the line or the chain of sources, not both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    text: Box<str>,
    column: usize,
    problem: Problem,
    suggestion: Option<Box<str>>,
}

/// What is wrong.
///
/// Numbers and words are as they were written, hostile characters included.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Something else belongs there.
    Unexpected {
        /// The word, number or character that stands there, or `None` at the text's end.
        found: Option<Box<str>>,
        /// What could have stood there.
        expected: &'static str,
    },
    /// A word that is none of those which may stand there.
    Unknown {
        /// The list that it isn't on.
        vocabulary: Vocabulary,
        /// The word.
        word: Box<str>,
    },
    /// A number, or a span of time, that cannot be meant.
    Number {
        /// The number or the span.
        number: Box<str>,
        /// What is wrong with it.
        problem: NumberProblem,
    },
    /// In a span of several units, one that isn't shorter than the unit before it.
    UnitOrder {
        /// The unit.
        unit: Box<str>,
    },
    /// What follows `@` cannot be a zone's name.
    ZoneName {
        /// The text after `@`.
        name: Box<str>,
    },
    /// There is no such zone. The parser never says so; see
    /// [`Limits::zone_error`](super::Limits::zone_error).
    UnknownZone {
        /// The zone.
        zone: Zone,
    },
    /// An option that was given before.
    Repeated {
        /// The option's name.
        option: &'static str,
    },
    /// The text names one algorithm, and the caller another one.
    AlgorithmConflict {
        /// The algorithm in the text.
        written: Kind,
        /// The algorithm that came with the text.
        given: Kind,
    },
    /// The same limit stands in the text twice.
    Duplicate {
        /// Column of the first one, counted from 1.
        first: usize,
    },
    /// A second limit of requests in flight.
    SecondConcurrent {
        /// Column of the first one, counted from 1.
        first: usize,
    },
    /// A limit of requests in flight after an algorithm.
    ConcurrentAlgorithm,
    /// A limit of requests in flight where a rate was asked for.
    NoRate,
    /// More than [`Limits::MAX_LIMITS`](super::Limits::MAX_LIMITS) limits.
    TooManyLimits,
    /// Several limits where one was asked for.
    MoreThanOne,
    /// A text of more than [`Limits::MAX_CHARACTERS`](super::Limits::MAX_CHARACTERS) characters.
    TooLong,
    /// Well written, but it makes no sense.
    Senseless(LimitError),
}

/// What is wrong with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumberProblem {
    /// A count or a burst of more than [`u32::MAX`] units.
    TooLarge,
    /// Below zero.
    Negative,
    /// More decimal places than are kept exactly.
    TooManyDigits,
    /// A burst that isn't a whole number of units.
    BurstNotWhole,
    /// A number of requests in flight with a fraction.
    ConcurrentNotWhole,
    /// A count with a fraction, per a stretch of the calendar: that cannot be lengthened.
    CalendarFraction,
    /// A count whose fraction is too fine to become whole units per a longer period.
    FractionTooFine,
    /// A number before a calendar period.
    CalendarMultiple,
    /// A span of time that isn't a whole number of nanoseconds.
    SpanNotWhole,
    /// A span of time of more than [`Nanos::MAX`](crate::Nanos::MAX).
    SpanTooLong,
}

impl ParseError {
    /// The text in which the error is. Of a text that is too long, as much of it as would
    /// have been allowed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where in the text, in characters counted from 1. One more than there are characters
    /// when something is missing at the end.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// What is wrong.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }

    /// What was probably meant, if there is a good guess.
    #[must_use]
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }

    /// The same error, with a guess at what was meant.
    ///
    /// For who calls [`Limits::zone_error`](super::Limits::zone_error) and knows the names of
    /// zones.
    #[must_use]
    pub fn with_suggestion(self, suggestion: &str) -> Self {
        Self { suggestion: Some(suggestion.into()), ..self }
    }

    pub(super) fn new(text: &str, fault: Fault) -> Self {
        let end = if fault.problem == Problem::TooLong { fault.at } else { text.len() };
        Self {
            text: text.get(..end).unwrap_or(text).into(),
            column: column(text, fault.at),
            problem: fault.problem,
            suggestion: fault.suggestion,
        }
    }
}

impl error::Error for ParseError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.problem {
            Problem::Senseless(error) => Some(error),
            _ => None,
        }
    }
}

/// An error whose column is not counted yet, so that only texts that are wrong pay for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Bytes from the text's start.
    pub(super) at: usize,
    pub(super) problem: Problem,
    pub(super) suggestion: Option<Box<str>>,
}

impl Fault {
    pub(super) const fn new(at: usize, problem: Problem) -> Self {
        Self { at, problem, suggestion: None }
    }

    pub(super) fn number(at: usize, number: &str, problem: NumberProblem) -> Self {
        Self::new(at, Problem::Number { number: number.into(), problem })
    }

    /// `word` is not in `vocabulary`, but something like it may be.
    pub(super) fn unknown(at: usize, vocabulary: Vocabulary, word: &str) -> Self {
        let suggestion = vocabulary.closest(word).map(Into::into);
        Self { at, problem: Problem::Unknown { vocabulary, word: word.into() }, suggestion }
    }

    pub(super) fn suggesting(self, suggestion: Option<&str>) -> Self {
        Self { suggestion: suggestion.map(Into::into), ..self }
    }
}

/// The column of the character that begins at byte `at`.
pub(super) fn column(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).chars().count() + 1
}

#[cfg(test)]
mod tests {
    use super::{super::Limits, *};

    #[test]
    fn columns_count_characters_and_not_bytes() {
        assert_eq!(column("", 0), 1);
        assert_eq!(column("é€x", 0), 1);
        assert_eq!(column("é€x", "é€".len()), 3);
        assert_eq!(column("é€x", "é€x".len()), 4);
    }

    #[test]
    fn an_endless_text_is_not_kept_whole() {
        let text = "é".repeat(5000);
        let at = "é".len() * Limits::MAX_CHARACTERS;

        let error = ParseError::new(&text, Fault::new(at, Problem::TooLong));

        assert_eq!(error.text().chars().count(), Limits::MAX_CHARACTERS);
        assert_eq!(error.column(), Limits::MAX_CHARACTERS + 1);
    }
}
