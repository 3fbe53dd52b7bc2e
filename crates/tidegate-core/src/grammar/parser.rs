//! The grammar, from its top: limits, then one limit, then its parts.
//!
//! One pass without going back, so the time is in proportion to the text.

use alloc::{format, string::String, vec::Vec};

use crate::{Limit, LimitError, LimitSpec, Nanos, Part, Period, algorithm::Kind};

use super::{
    Limits, NumberProblem, Problem, Vocabulary,
    error::{Fault, column},
    lexer::Lexer,
    number::{Number, starts_with_per},
    options::Options,
    period, suggest,
    vocabulary::{self, CONCURRENT},
};

/// What may stand between two limits.
pub(super) const SEPARATORS: [char; 3] = [',', ';', '|'];

const LIMIT: &str = "a count such as 100, or an algorithm and `:`";
const NEXT_LIMIT: &str = "another limit after the separator";
const AFTER_RATE: &str = "burst, strict, queue, force, a separator (; , |) or the end";
const AFTER_CONCURRENT: &str = "a separator (; , |) or the end";
const AFTER_COUNT: &str = "`/`, `per` or `concurrent` after the count";

/// The limits of a text; at least one of either kind.
#[derive(Default)]
pub(super) struct Parsed {
    pub(super) rates: Vec<Placed>,
    /// How many requests may be in flight, and the place where that stands.
    pub(super) concurrent: Option<(usize, u32)>,
}

/// A rate and its place in the text.
pub(super) struct Placed {
    pub(super) at: usize,
    pub(super) limit: Limit,
}

/// Reads the limits of `text`; at least one. Rates that name no algorithm have the `given`
/// one, and no other may be named beside it.
pub(super) fn parse(text: &str, given: Option<Kind>) -> Result<Parsed, Fault> {
    if let Some((at, _)) = text.char_indices().nth(Limits::MAX_CHARACTERS) {
        return Err(Fault::new(at, Problem::TooLong));
    }
    let mut lexer = Lexer::new(text);
    let mut parsed = Parsed::default();
    let mut expected = LIMIT;
    loop {
        let at = lexer.at();
        let following = match limit(&mut lexer, given, expected)? {
            Either::Rate(limit) => {
                parsed.add_rate(text, Placed { at, limit })?;
                AFTER_RATE
            }
            Either::Concurrent(requests) => {
                parsed.add_concurrent(text, at, requests)?;
                AFTER_CONCURRENT
            }
        };
        if lexer.peek().is_none() {
            return Ok(parsed);
        }
        if !lexer.eat(&SEPARATORS) {
            return Err(lexer.unexpected(following));
        }
        if parsed.len() == Limits::MAX_LIMITS && lexer.peek().is_some() {
            return Err(Fault::new(lexer.at(), Problem::TooManyLimits));
        }
        expected = NEXT_LIMIT;
    }
}

/// What stands between two separators.
enum Either {
    Rate(Limit),
    Concurrent(u32),
}

impl Parsed {
    fn len(&self) -> usize {
        self.rates.len() + usize::from(self.concurrent.is_some())
    }

    fn add_rate(&mut self, text: &str, new: Placed) -> Result<(), Fault> {
        if let Some(first) = self.rates.iter().find(|placed| placed.limit == new.limit) {
            return Err(Fault::new(new.at, Problem::Duplicate { first: column(text, first.at) }));
        }
        self.rates.push(new);
        Ok(())
    }

    fn add_concurrent(&mut self, text: &str, at: usize, requests: u32) -> Result<(), Fault> {
        if let Some((first, _)) = self.concurrent {
            return Err(Fault::new(at, Problem::SecondConcurrent { first: column(text, first) }));
        }
        self.concurrent = Some((at, requests));
        Ok(())
    }
}

/// Reads one limit, and moves to what follows it.
fn limit(
    lexer: &mut Lexer<'_>,
    given: Option<Kind>,
    expected: &'static str,
) -> Result<Either, Fault> {
    let start = lexer.at();
    let named = algorithm(lexer, given, expected)?;
    let count = Number::read_count(lexer, if named.is_some() { COUNT } else { expected })?;
    lexer.skip_space();
    let word = lexer.word();
    if !word.eq_ignore_ascii_case(CONCURRENT) {
        return rate(lexer, start, named.or(given), &count).map(Either::Rate);
    }
    if named.is_some() {
        return Err(Fault::new(start, Problem::ConcurrentAlgorithm));
    }
    lexer.skip(word);
    let requests = count.whole().ok_or_else(|| count.fault(NumberProblem::ConcurrentNotWhole))?;
    Ok(Either::Concurrent(requests))
}

/// Reads what follows the `count` of a rate that stands at `start`.
fn rate(
    lexer: &mut Lexer<'_>,
    start: usize,
    algorithm: Option<Kind>,
    count: &Number<'_>,
) -> Result<Limit, Fault> {
    let mut places = Places { start, count: count.at, ..Places::default() };
    per(lexer, count)?;
    places.period = lexer.at();
    let period = period::period(lexer)?;
    places.options = Options::read(lexer)?;

    let usual = match period {
        Period::Span(_) => Kind::Gcra,
        Period::Calendar { .. } => Kind::FixedWindow,
    };
    let (units, period) = whole_units(count, period)?;
    let options = &places.options;
    let spec = LimitSpec {
        burst: options.burst.map(|(_, burst)| burst),
        strict: options.strict.is_some(),
        max_wait: options.queue.map(|(_, wait)| wait),
        force: options.force.is_some(),
        ..LimitSpec::new(algorithm.unwrap_or(usual), units, period)
    };
    Limit::new(spec).map_err(|error| places.fault(error))
}

const COUNT: &str = "a count such as 100";

/// Reads the algorithm's name and `:`, if there are any.
fn algorithm(
    lexer: &mut Lexer<'_>,
    given: Option<Kind>,
    expected: &'static str,
) -> Result<Option<Kind>, Fault> {
    if lexer.word().is_empty() {
        return Ok(None);
    }
    let start = *lexer;
    let name = lexer.run(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    let named = vocabulary::algorithm(name);
    lexer.skip(name);
    match (lexer.eat(&[':']), named) {
        (true, Some(written)) => match given {
            Some(given) if given != written => {
                Err(Fault::new(start.at(), Problem::AlgorithmConflict { written, given }))
            }
            _ => Ok(named),
        },
        (true, None) => Err(Fault::unknown(start.at(), Vocabulary::Algorithm, name)),
        (false, Some(_)) => Err(lexer.unexpected("`:` after the algorithm")),
        (false, None) => Err(start.unexpected(expected)),
    }
}

/// Reads what stands between `count` and the period.
fn per(lexer: &mut Lexer<'_>, count: &Number<'_>) -> Result<(), Fault> {
    if lexer.eat(&['/']) {
        return Ok(());
    }
    let word = lexer.word();
    if starts_with_per(word) {
        lexer.skip(&word[..3]);
        return Ok(());
    }
    let comma = without_comma(lexer, count);
    let suggestion = comma.as_deref().or_else(|| suggest::closest(word, [CONCURRENT]));
    Err(lexer.unexpected(AFTER_COUNT).suggesting(suggestion))
}

/// What was meant by `1,000`.
fn without_comma(lexer: &Lexer<'_>, count: &Number<'_>) -> Option<String> {
    let rest = lexer.rest().strip_prefix(',')?;
    let thousands = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    (thousands.len() == 3).then(|| format!("{}_{thousands}", count.text))
}

/// `count` per `period`, in whole units: the period is stretched by as much as the count
/// needs. Exact, as all of it is integers.
fn whole_units(count: &Number<'_>, period: Period) -> Result<(u32, Period), Fault> {
    let too_fine = || count.fault(NumberProblem::FractionTooFine);
    let (units, stretch) = count.ratio();
    let units = u32::try_from(units).map_err(|_| too_fine())?;
    match period {
        _ if stretch == 1 => Ok((units, period)),
        Period::Calendar { .. } => Err(count.fault(NumberProblem::CalendarFraction)),
        Period::Span(span) => {
            let stretch = u64::try_from(stretch).map_err(|_| too_fine())?;
            let span = span.0.checked_mul(stretch).ok_or_else(too_fine)?;
            Ok((units, Period::Span(Nanos(span))))
        }
    }
}

/// Where the parts of a limit stand.
#[derive(Default)]
struct Places {
    start: usize,
    count: usize,
    period: usize,
    options: Options,
}

impl Places {
    /// The fault that the limit makes no sense, at the part which would have to change.
    fn fault(&self, error: LimitError) -> Fault {
        let burst = self.options.burst.map(|(at, _)| at);
        let place = match error.part() {
            Part::Algorithm => Some(self.start),
            Part::Count => Some(self.count),
            Part::Period => Some(self.period),
            // The burst of a queue is refused like `strict`, which may stand there alone.
            Part::Burst => burst.or(self.options.strict),
            Part::Strict => self.options.strict,
            Part::Queue => self.options.queue.map(|(at, _)| at),
        };
        Fault::new(place.unwrap_or(self.start), Problem::Senseless(error))
    }
}
