//! The words of the grammar, and what they stand for.

use crate::{CalendarUnit, Nanos, algorithm::Kind};

use super::suggest;

/// A closed list of words, one of which must stand in a certain place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vocabulary {
    /// Names of algorithms, before `:`.
    Algorithm,
    /// Units of time.
    Unit,
    /// Units of the calendar, after `calendar-`.
    CalendarUnit,
    /// Words that may follow the period.
    Option,
}

/// Algorithms by name, then the names under which other libraries know them.
const ALGORITHMS: [(&str, Kind); 9] = [
    ("gcra", Kind::Gcra),
    ("token_bucket", Kind::TokenBucket),
    ("leaky_bucket", Kind::LeakyBucket),
    ("fixed_window", Kind::FixedWindow),
    ("sliding_window_log", Kind::SlidingWindowLog),
    ("sliding_window_counter", Kind::SlidingWindowCounter),
    ("sliding_window", Kind::SlidingWindowLog),
    ("moving_window", Kind::SlidingWindowLog),
    ("sliding_counter", Kind::SlidingWindowCounter),
];

/// The spans that units stand for. The first [`WITH_PLURAL`] of them also take an `s`.
const UNITS: [(&str, Nanos); 19] = [
    ("second", Nanos::SECOND),
    ("minute", Nanos::from_secs(60)),
    ("hour", Nanos::from_secs(3600)),
    ("day", Nanos::from_secs(DAY)),
    ("week", Nanos::from_secs(7 * DAY)),
    ("month", Nanos::from_secs(30 * DAY)),
    ("year", Nanos::from_secs(360 * DAY)),
    ("sec", Nanos::SECOND),
    ("min", Nanos::from_secs(60)),
    ("hr", Nanos::from_secs(3600)),
    ("wk", Nanos::from_secs(7 * DAY)),
    ("s", Nanos::SECOND),
    ("m", Nanos::from_secs(60)),
    ("h", Nanos::from_secs(3600)),
    ("d", Nanos::from_secs(DAY)),
    ("w", Nanos::from_secs(7 * DAY)),
    ("ms", Nanos(1_000_000)),
    ("us", Nanos(1_000)),
    ("ns", Nanos(1)),
];
/// Seconds of a day.
const DAY: u64 = 86_400;
/// How many of [`UNITS`] are whole words, which have a plural.
const WITH_PLURAL: usize = 7;

impl Vocabulary {
    /// What one of its words is called.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::Unit => "unit",
            Self::CalendarUnit => "calendar unit",
            Self::Option => "option",
        }
    }

    /// Its words, but for plurals and other libraries' names.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        // Each arm would be a type of its own, so all are chained and three are empty.
        let algorithms = Kind::ALL.into_iter().filter(move |_| self == Self::Algorithm);
        let units = UNITS.into_iter().filter(move |_| self == Self::Unit);
        let calendar = CalendarUnit::ALL.into_iter().filter(move |_| self == Self::CalendarUnit);
        let options = OptionWord::ALL.into_iter().filter(move |_| self == Self::Option);
        (algorithms.map(Kind::name))
            .chain(units.map(|(name, _)| name))
            .chain(calendar.map(CalendarUnit::name))
            .chain(options.map(OptionWord::name))
    }

    /// The word that was probably meant by `word`.
    pub(super) fn closest(self, word: &str) -> Option<&'static str> {
        match self {
            Self::Algorithm => suggest::closest(word, ALGORITHMS.iter().map(|(name, _)| *name)),
            _ => suggest::closest(word, self.words()),
        }
    }
}

/// The word after a number of requests in flight.
pub(super) const CONCURRENT: &str = "concurrent";

/// A word that may follow the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OptionWord {
    Burst,
    Strict,
    Queue,
    Force,
}

impl OptionWord {
    const ALL: [Self; 4] = [Self::Burst, Self::Strict, Self::Queue, Self::Force];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Strict => "strict",
            Self::Queue => "queue",
            Self::Force => "force",
        }
    }

    pub(super) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| option.name().eq_ignore_ascii_case(word))
    }
}

/// The algorithm of this name. `-` is accepted for `_`.
pub(super) fn algorithm(name: &str) -> Option<Kind> {
    let fold = |b: u8| if b == b'-' { b'_' } else { b.to_ascii_lowercase() };
    let named = |known: &str| name.bytes().map(fold).eq(known.bytes());
    ALGORITHMS.iter().find(|(known, _)| named(known)).map(|(_, kind)| *kind)
}

/// The span that `word` stands for.
pub(super) fn unit(word: &str) -> Option<Nanos> {
    let position = UNITS.iter().position(|(name, _)| name.eq_ignore_ascii_case(word));
    let plural = || {
        let singular = word.strip_suffix(['s', 'S'])?;
        UNITS[..WITH_PLURAL].iter().position(|(name, _)| name.eq_ignore_ascii_case(singular))
    };
    Some(UNITS[position.or_else(plural)?].1)
}

/// The stretch of the calendar of this name.
pub(super) fn calendar_unit(word: &str) -> Option<CalendarUnit> {
    CalendarUnit::ALL.into_iter().find(|unit| unit.name().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(algorithm(kind.name()), Some(kind));
            assert_eq!(algorithm(&kind.name().to_ascii_uppercase().replace('_', "-")), Some(kind));
        }
        assert_eq!(algorithm("gcra2"), None);
        assert_eq!(algorithm("gcr"), None);
    }

    #[test]
    fn whole_words_have_a_plural_and_short_ones_have_none() {
        for (position, (name, span)) in UNITS.into_iter().enumerate() {
            let plural = alloc::format!("{name}s");
            assert_eq!(unit(name), Some(span));
            if position < WITH_PLURAL {
                assert_eq!(unit(&plural), Some(span));
            } else if !["ms"].contains(&plural.as_str()) {
                assert_eq!(unit(&plural), None, "{plural}");
            }
        }
    }

    #[test]
    fn a_vocabulary_lists_its_own_words_only() {
        assert!(Vocabulary::Algorithm.words().eq(Kind::ALL.map(Kind::name)));
        assert!(Vocabulary::Option.words().eq(["burst", "strict", "queue", "force"]));
        assert_eq!(Vocabulary::Unit.words().count(), UNITS.len());
        assert_eq!(Vocabulary::CalendarUnit.words().count(), CalendarUnit::ALL.len());
    }

    #[test]
    fn names_of_other_libraries_are_suggested_too() {
        assert_eq!(Vocabulary::Algorithm.closest("movin_window"), Some("moving_window"));
    }
}
