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
    period, vocabulary,
};

/// What may stand between two limits.
pub(super) const SEPARATORS: [char; 3] = [',', ';', '|'];

const LIMIT: &str = "a count such as 100, or an algorithm and `:`";
const NEXT_LIMIT: &str = "another limit after the separator";
const AFTER_LIMIT: &str = "burst, strict, queue, force, a separator (; , |) or the end";

/// A limit and its place in the text.
pub(super) struct Placed {
    pub(super) at: usize,
    pub(super) limit: Limit,
}

/// Reads the limits of `text`; at least one. Those that name no algorithm have the `given`
/// one, and no other may be named beside it.
pub(super) fn parse(text: &str, given: Option<Kind>) -> Result<Vec<Placed>, Fault> {
    if let Some((at, _)) = text.char_indices().nth(Limits::MAX_CHARACTERS) {
        return Err(Fault::new(at, Problem::TooLong));
    }
    let mut lexer = Lexer::new(text);
    let mut limits = Vec::new();
    let mut expected = LIMIT;
    loop {
        let placed = Placed { at: lexer.at(), limit: limit(&mut lexer, given, expected)? };
        refuse_duplicate(text, &limits, &placed)?;
        limits.push(placed);
        if lexer.peek().is_none() {
            return Ok(limits);
        }
        if !lexer.eat(&SEPARATORS) {
            return Err(lexer.unexpected(AFTER_LIMIT));
        }
        if limits.len() == Limits::MAX_LIMITS && lexer.peek().is_some() {
            return Err(Fault::new(lexer.at(), Problem::TooManyLimits));
        }
        expected = NEXT_LIMIT;
    }
}

fn refuse_duplicate(text: &str, limits: &[Placed], new: &Placed) -> Result<(), Fault> {
    match limits.iter().find(|placed| placed.limit == new.limit) {
        Some(first) => {
            Err(Fault::new(new.at, Problem::Duplicate { first: column(text, first.at) }))
        }
        None => Ok(()),
    }
}

/// Reads one limit, and moves to what follows it.
fn limit(
    lexer: &mut Lexer<'_>,
    given: Option<Kind>,
    expected: &'static str,
) -> Result<Limit, Fault> {
    let mut places = Places { start: lexer.at(), ..Places::default() };
    let named = algorithm(lexer, given, expected)?;
    places.count = lexer.at();
    let count = Number::read_count(lexer, if named.is_some() { COUNT } else { expected })?;
    per(lexer, &count)?;
    places.period = lexer.at();
    let period = period::period(lexer)?;
    places.options = Options::read(lexer)?;

    let usual = match period {
        Period::Span(_) => Kind::Gcra,
        Period::Calendar { .. } => Kind::FixedWindow,
    };
    let (units, period) = whole_units(&count, period)?;
    let options = &places.options;
    let spec = LimitSpec {
        burst: options.burst.map(|(_, burst)| burst),
        strict: options.strict.is_some(),
        max_wait: options.queue.map(|(_, wait)| wait),
        force: options.force.is_some(),
        ..LimitSpec::new(named.or(given).unwrap_or(usual), units, period)
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
    lexer.skip_space();
    if lexer.eat(&['/']) {
        return Ok(());
    }
    let word = lexer.word();
    if starts_with_per(word) {
        lexer.skip(&word[..3]);
        return Ok(());
    }
    let suggestion = without_comma(lexer, count);
    Err(lexer.unexpected("`/` or `per` after the count").suggesting(suggestion.as_deref()))
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
