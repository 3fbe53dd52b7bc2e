//! Periods and other spans of time: `minute`, `5m`, `1h30m`, `300`, `calendar-day@UTC`.

use crate::{Nanos, Period, Zone};

use super::{
    NumberProblem, Problem, Vocabulary,
    error::Fault,
    lexer::Lexer,
    number::Number,
    parser::SEPARATORS,
    vocabulary::{OptionWord, calendar_unit, unit},
};

const PERIOD: &str = "a period such as minute, 5m or calendar-day";
const CALENDAR: &str = "calendar";

/// Reads the period that stands at `lexer`, and moves to the next token.
pub(super) fn period(lexer: &mut Lexer<'_>) -> Result<Period, Fault> {
    let word = lexer.word();
    if word.eq_ignore_ascii_case(CALENDAR) {
        return calendar(lexer);
    }
    if !word.is_empty() {
        let span = known_unit(lexer, word)?;
        lexer.skip(word);
        return Ok(Period::Span(span));
    }
    span(lexer, PERIOD).map(Period::Span)
}

/// Reads the numbers and units that stand at `lexer`, and moves to the next token. A number
/// alone is in seconds.
pub(super) fn span(lexer: &mut Lexer<'_>, expected: &'static str) -> Result<Nanos, Fault> {
    let start = lexer.at();
    let mut total: Option<Nanos> = None;
    let mut shortest = Nanos::MAX;
    loop {
        let number = Number::read(lexer, expected)?;
        lexer.skip_space();
        let word = lexer.word();
        if total.is_none() && (word.is_empty() || OptionWord::named(word).is_some()) {
            return number.times(Nanos::SECOND).map_err(|problem| number.fault(problem));
        }
        let unit = unit_after(lexer, &number, word)?;
        if unit >= shortest {
            return Err(Fault::new(lexer.at(), Problem::UnitOrder { unit: word.into() }));
        }
        shortest = unit;
        lexer.advance(word);
        let text = lexer.since(start);
        let fault = |problem| Fault::number(start, text, problem);
        let part = number.times(unit).map_err(fault)?;
        let sum = total.unwrap_or_default().0.checked_add(part.0);
        let sum = Nanos(sum.ok_or_else(|| fault(NumberProblem::SpanTooLong))?);
        total = Some(sum);
        lexer.skip_space();
        if !lexer.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Ok(sum);
        }
    }
}

fn unit_after(lexer: &Lexer<'_>, number: &Number<'_>, word: &str) -> Result<Nanos, Fault> {
    if word.is_empty() {
        return Err(lexer.unexpected("a unit such as s, m or h after the number"));
    }
    if word.eq_ignore_ascii_case(CALENDAR) {
        return Err(number.fault(NumberProblem::CalendarMultiple));
    }
    known_unit(lexer, word)
}

fn known_unit(lexer: &Lexer<'_>, word: &str) -> Result<Nanos, Fault> {
    unit(word).ok_or_else(|| Fault::unknown(lexer.at(), Vocabulary::Unit, word))
}

/// Reads what stands at `lexer` and begins with the word `calendar`.
fn calendar(lexer: &mut Lexer<'_>) -> Result<Period, Fault> {
    lexer.advance(lexer.word());
    if lexer.peek() != Some('-') {
        return Err(lexer.unexpected("`-` and a unit, as in calendar-day"));
    }
    lexer.advance("-");
    let word = lexer.word();
    if word.is_empty() {
        return Err(lexer.unexpected("a unit, as in calendar-day"));
    }
    let unit = calendar_unit(word)
        .ok_or_else(|| Fault::unknown(lexer.at(), Vocabulary::CalendarUnit, word))?;
    lexer.skip(word);
    let zone = if lexer.eat(&['@']) { zone(lexer)? } else { Zone::utc() };
    Ok(Period::Calendar { unit, zone })
}

/// Reads the name of a zone: everything up to white space or the next limit.
fn zone(lexer: &mut Lexer<'_>) -> Result<Zone, Fault> {
    let name = lexer.run(in_zone_name);
    if name.is_empty() {
        return Err(lexer.unexpected("a time zone such as Europe/Paris"));
    }
    let fault = || Fault::new(lexer.at(), Problem::ZoneName { name: name.into() });
    let zone = Zone::new(name).ok_or_else(fault)?;
    lexer.skip(name);
    Ok(zone)
}

/// True for what doesn't end a zone's name, whether or not it belongs into one.
fn in_zone_name(c: char) -> bool {
    !c.is_whitespace() && !SEPARATORS.contains(&c)
}

/// The place of `zone` in `text`, or the text's start when it isn't there.
pub(super) fn find_zone(text: &str, zone: &Zone) -> usize {
    // `@` stands nowhere but before a zone.
    let mut lexer = Lexer::new(text);
    loop {
        lexer.advance(lexer.run(|c| c != '@'));
        if !lexer.eat(&['@']) {
            return 0;
        }
        let after = lexer.rest().strip_prefix(zone.name());
        if after.is_some_and(|after| !after.starts_with(in_zone_name)) {
            return lexer.at();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        let mut lexer = Lexer::new(text);
        let nanos = span(&mut lexer, "a span").ok()?;
        Some(nanos.0 / Nanos::SECOND.0)
    }

    #[test]
    fn units_add_up_from_long_to_short() {
        assert_eq!(seconds("1h30m"), Some(5400));
        assert_eq!(seconds("1 h 30 m"), Some(5400));
        assert_eq!(seconds("1w2d3h4m5s"), Some(604_800 + 172_800 + 10_800 + 240 + 5));
        assert_eq!(seconds("30m1h"), None);
        assert_eq!(seconds("1h1h"), None);
        assert_eq!(seconds("1h30"), None);
    }

    #[test]
    fn an_option_is_no_unit() {
        let mut lexer = Lexer::new("300 burst 5");

        assert_eq!(span(&mut lexer, "a span"), Ok(Nanos::from_secs(300)));
        assert_eq!(lexer.found(), Some("burst"));
    }

    #[test]
    fn a_sum_that_overflows_is_too_long() {
        let mut lexer = Lexer::new("18446744073s709ms551us615ns");
        assert_eq!(span(&mut lexer, "a span"), Ok(Nanos::MAX));

        let mut lexer = Lexer::new("18446744073s709ms551us616ns");
        let fault = span(&mut lexer, "a span").unwrap_err();
        let problem = NumberProblem::SpanTooLong;
        assert_eq!(fault, Fault::number(0, "18446744073s709ms551us616ns", problem));
    }

    #[test]
    fn a_zone_is_found_by_its_whole_name() {
        let text = "1/calendar-day@Europe/Parisot; 1/calendar-day @ Europe/Paris";
        let find = |name| find_zone(text, &Zone::new(name).unwrap());

        assert_eq!(find("Europe/Parisot"), 15);
        assert_eq!(find("Europe/Paris"), 48);
        assert_eq!(find("Europe/London"), 0);
    }
}
