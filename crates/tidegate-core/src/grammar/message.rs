//! The words of a [`ParseError`]: one line, safe to log whatever the text was.

use core::fmt::{self, Write};

use crate::Nanos;

use super::{Limits, NumberProblem, ParseError, Problem, Vocabulary, number::MAX_DECIMALS};

/// How many characters of a text are shown.
const SHOWN: usize = 80;

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Quoted { text: self.text(), focus: self.column() - 1 };
        write!(f, "invalid limit {text}, column {}: {}", self.column(), self.problem())?;
        if let Problem::Unknown { vocabulary, .. } = self.problem()
            && (self.suggestion().is_none() || *vocabulary == Vocabulary::Algorithm)
        {
            f.write_str(", expected one of ")?;
            write_list(f, *vocabulary)?;
        }
        match self.suggestion() {
            Some(suggestion) => write!(f, "; did you mean {}?", quoted(suggestion)),
            None => Ok(()),
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, vocabulary: Vocabulary) -> fmt::Result {
    for (position, word) in vocabulary.words().enumerate() {
        let comma = if position == 0 { "" } else { ", " };
        write!(f, "{comma}{word}")?;
    }
    Ok(())
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected { found: Some(found), expected } => {
                write!(f, "found {}, expected {expected}", quoted(found))
            }
            Self::Unexpected { found: None, expected } => {
                write!(f, "found the end, expected {expected}")
            }
            Self::Unknown { vocabulary, word } => {
                write!(f, "unknown {} {}", vocabulary.noun(), quoted(word))
            }
            Self::UnknownZone { zone } => write!(f, "unknown time zone {}", quoted(zone.name())),
            Self::ZoneName { name } => write!(
                f,
                "{} is not a time zone's name, which has 1 to 64 letters, digits, or / _ + -",
                quoted(name)
            ),
            Self::Senseless(error) => error.fmt(f),
            Self::AlgorithmConflict { written, given } => write!(
                f,
                "the text asks for {written}, but the algorithm given with it is {given}; leave one of them out"
            ),
            Self::Repeated { option } => write!(f, "{} is given twice", quoted(option)),
            Self::Duplicate { first } => write!(f, "the same limit stands at column {first}"),
            Self::SecondConcurrent { first } => write!(
                f,
                "a second limit of requests in flight; the first stands at column {first}"
            ),
            Self::ConcurrentAlgorithm => f.write_str(
                "requests in flight are counted without an algorithm; leave it out, as in 20 concurrent",
            ),
            Self::NoRate => {
                f.write_str("a limit of requests in flight, expected a rate such as 10/second")
            }
            Self::TooManyLimits => write!(f, "more than {} limits in one text", Limits::MAX_LIMITS),
            Self::MoreThanOne => f.write_str("a second limit, expected only one"),
            Self::TooLong => {
                write!(f, "the text is longer than {} characters", Limits::MAX_CHARACTERS)
            }
            Self::UnitOrder { unit } => write!(
                f,
                "{} is not shorter than the unit before it; write each unit once, the longest first, as in 1h30m",
                quoted(unit)
            ),
            Self::Number { number, problem } => write!(f, "{} {problem}", quoted(number)),
        }
    }
}

impl fmt::Display for NumberProblem {
    /// Says it of a number that stands before.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "is more than {}, the most units there can be", u32::MAX),
            Self::Negative => f.write_str("is negative, expected 0 or more"),
            Self::TooManyDigits => write!(f, "has more than {MAX_DECIMALS} decimal places"),
            Self::BurstNotWhole => f.write_str("is not a whole number, as a burst must be"),
            Self::ConcurrentNotWhole => {
                f.write_str("is not a whole number, as requests in flight must be")
            }
            Self::CalendarFraction => {
                f.write_str("is not a whole number, as it must be with a calendar period")
            }
            Self::FractionTooFine => write!(
                f,
                "is too fine: in whole units it takes more than {} of them or a period of more than {} s",
                u32::MAX,
                longest_span()
            ),
            Self::CalendarMultiple => {
                f.write_str("has no place here: a calendar period takes no multiple")
            }
            Self::SpanNotWhole => f.write_str("is not a whole number of nanoseconds"),
            Self::SpanTooLong => write!(f, "is longer than {} s (584 years)", longest_span()),
        }
    }
}

/// Whole seconds of the longest span.
const fn longest_span() -> u64 {
    Nanos::MAX.0 / Nanos::SECOND.0
}

/// A text between quotation marks, shortened to [`SHOWN`] characters around one of them.
struct Quoted<'a> {
    text: &'a str,
    /// The character that must be seen, counted from 0.
    focus: usize,
}

const fn quoted(text: &str) -> Quoted<'_> {
    Quoted { text, focus: 0 }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.text.chars().count();
        let first = self.focus.saturating_sub(SHOWN / 2).min(length.saturating_sub(SHOWN));
        f.write_str(if first > 0 { "\"…" } else { "\"" })?;
        for c in self.text.chars().skip(first).take(SHOWN) {
            match c {
                // `escape_debug` escapes it, but only a character literal needs that.
                '\'' => f.write_char(c)?,
                _ => write!(f, "{}", c.escape_debug())?,
            }
        }
        f.write_str(if first + SHOWN < length { "…\"" } else { "\"" })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::*;

    #[test]
    fn hostile_characters_are_escaped() {
        let shown = quoted("a\"b\\c\n\r\0\u{1b}[2J\u{202e}\u{2028}\u{200b}é'").to_string();

        assert_eq!(shown, r#""a\"b\\c\n\r\0\u{1b}[2J\u{202e}\u{2028}\u{200b}é'""#);
    }

    #[test]
    fn a_long_text_is_cut_around_the_focus() {
        let text: String = ('a'..='z').cycle().take(200).collect();
        let show = |focus| Quoted { text: &text, focus }.to_string();

        assert_eq!(show(0), alloc::format!("\"{}…\"", &text[..80]));
        assert_eq!(show(40), alloc::format!("\"{}…\"", &text[..80]));
        assert_eq!(show(100), alloc::format!("\"…{}…\"", &text[60..140]));
        assert_eq!(show(200), alloc::format!("\"…{}\"", &text[120..]));
    }

    #[test]
    fn a_text_of_the_shown_length_is_whole() {
        let text = "x".repeat(SHOWN);

        assert_eq!(Quoted { text: &text, focus: SHOWN }.to_string(), alloc::format!("\"{text}\""));
    }
}
