//! Numbers as they are written, kept exactly.

use crate::Nanos;

use super::{
    NumberProblem,
    error::Fault,
    lexer::{Lexer, is_numeric},
};

/// How many decimal places a number may have, zeros at its end not counted.
pub(super) const MAX_DECIMALS: usize = 18;

/// Stands for every whole part that is larger: more than there are units, or nanoseconds.
const HUGE: u128 = 100_000_000_000_000_000_000;

/// A number of at least zero: `numerator / denominator`, where the denominator is a power of
/// ten of at most 10^[`MAX_DECIMALS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number<'a> {
    /// The number as it was written.
    pub(super) text: &'a str,
    /// The number's place in the text.
    pub(super) at: usize,
    numerator: u128,
    denominator: u128,
}

impl<'a> Number<'a> {
    /// Reads the number that stands at `lexer`, and stays at its end. When there is none,
    /// `expected` tells what it would have been.
    pub(super) fn read(lexer: &mut Lexer<'a>, expected: &'static str) -> Result<Self, Fault> {
        refuse_other_starts(lexer, expected)?;
        let (text, at) = (lexer.run(is_numeric), lexer.at());
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        read_digits(lexer, whole)?;
        if let Some(fraction) = fraction {
            lexer.advance(".");
            read_digits(lexer, fraction)?;
        }
        let fraction = fraction.unwrap_or_default().trim_end_matches(['0', '_']);
        let decimals = fraction.bytes().filter(u8::is_ascii_digit).count();
        if decimals > MAX_DECIMALS {
            return Err(Fault::number(at, text, NumberProblem::TooManyDigits));
        }
        let denominator = 10_u128.pow(u32::try_from(decimals).unwrap_or_default());
        // At most 10^20 · 10^18 + 10^18, which is less than 2^127.
        let numerator = value(whole) * denominator + value(fraction);
        Ok(Self { text, at, numerator, denominator })
    }

    /// Reads a count: a number of units, with `k` or `m` for thousands and millions directly
    /// after it, and stays at its end.
    pub(super) fn read_count(lexer: &mut Lexer<'a>, expected: &'static str) -> Result<Self, Fault> {
        let mut number = Self::read(lexer, expected)?;
        let word = lexer.word();
        for (suffix, factor) in [('k', 1_000), ('m', 1_000_000)] {
            let rest = word.strip_prefix([suffix, suffix.to_ascii_uppercase()]);
            if rest.is_some_and(|rest| rest.is_empty() || starts_with_per(rest)) {
                lexer.advance(&word[..1]);
                number.text = lexer.since(number.at);
                number.numerator = number.numerator.saturating_mul(factor);
            }
        }
        if number.numerator > u128::from(u32::MAX) * number.denominator {
            return Err(number.fault(NumberProblem::TooLarge));
        }
        Ok(number)
    }

    /// The number in lowest terms: how many, per how many.
    pub(super) fn ratio(&self) -> (u128, u128) {
        let divisor = greatest_common_divisor(self.numerator, self.denominator);
        (self.numerator / divisor, self.denominator / divisor)
    }

    /// The number as whole units, or `None` when it is none or too large.
    pub(super) fn whole(&self) -> Option<u32> {
        let (units, per) = self.ratio();
        if per == 1 { u32::try_from(units).ok() } else { None }
    }

    /// So many times `unit`, in whole nanoseconds.
    pub(super) fn times(&self, unit: Nanos) -> Result<Nanos, NumberProblem> {
        let product = self.numerator.checked_mul(u128::from(unit.0));
        let product = product.ok_or(NumberProblem::SpanTooLong)?;
        if !product.is_multiple_of(self.denominator) {
            return Err(NumberProblem::SpanNotWhole);
        }
        let nanos = u64::try_from(product / self.denominator);
        nanos.map(Nanos).map_err(|_| NumberProblem::SpanTooLong)
    }

    /// The fault that the number has this `problem`.
    pub(super) fn fault(&self, problem: NumberProblem) -> Fault {
        Fault::number(self.at, self.text, problem)
    }
}

/// True when `text` begins with the word `per`.
pub(super) fn starts_with_per(text: &str) -> bool {
    text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("per"))
}

/// Numbers begin with a digit; people also write `-1` and `.5`.
fn refuse_other_starts(lexer: &Lexer<'_>, expected: &'static str) -> Result<(), Fault> {
    let rest = lexer.rest();
    let digit_follows = rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    match lexer.peek() {
        Some('0'..='9') => Ok(()),
        Some('-') if digit_follows => {
            let number = lexer.run(|c| c == '-' || is_numeric(c));
            Err(Fault::number(lexer.at(), number, NumberProblem::Negative))
        }
        Some('.') if digit_follows => {
            let zero = alloc::format!("0{}", lexer.run(is_numeric));
            Err(lexer.unexpected("a digit before the point").suggesting(Some(&zero)))
        }
        _ => Err(lexer.unexpected(expected)),
    }
}

/// Moves past `digits`, which stand at `lexer`: one or more, and `_` only between two.
fn read_digits(lexer: &mut Lexer<'_>, digits: &str) -> Result<(), Fault> {
    let mut after_digit = false;
    for (at, b) in digits.bytes().enumerate() {
        let before_digit = digits.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
        let between_digits = after_digit && before_digit;
        if !(b.is_ascii_digit() || b == b'_' && between_digits) {
            lexer.advance(&digits[..at]);
            return Err(lexer.unexpected("a digit, or `_` between two digits"));
        }
        after_digit = b.is_ascii_digit();
    }
    lexer.advance(digits);
    if digits.is_empty() { Err(lexer.unexpected("a digit after the point")) } else { Ok(()) }
}

/// The value of decimal `digits`, or [`HUGE`] when it is larger. Skips what is no digit.
fn value(digits: &str) -> u128 {
    let digits = digits.bytes().filter(u8::is_ascii_digit);
    digits.fold(0, |value, digit| (value * 10 + u128::from(digit - b'0')).min(HUGE))
}

fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number<'_> {
        Number::read(&mut Lexer::new(text), "a number").unwrap()
    }

    fn count(text: &str) -> Option<u32> {
        Number::read_count(&mut Lexer::new(text), "a count").unwrap().whole()
    }

    #[test]
    fn a_fraction_is_kept_exactly() {
        assert_eq!(number("0.5").ratio(), (1, 2));
        assert_eq!(number("1.50").ratio(), (3, 2));
        assert_eq!(number("0.000000000000000001").ratio(), (1, 10_u128.pow(18)));
        assert_eq!(number("0.0").ratio(), (0, 1));
        assert_eq!(number("1_000.25").ratio(), (4001, 4));
        assert_eq!(number("7.00000000000000000000000000").ratio(), (7, 1));
    }

    #[test]
    fn a_suffix_multiplies_the_count() {
        assert_eq!(count("10k"), Some(10_000));
        assert_eq!(count("4M/day"), Some(4_000_000));
        assert_eq!(count("1.5kper day"), Some(1_500));
        assert_eq!(count("0.0005k"), None);
        assert_eq!(count("10km"), Some(10));
    }

    #[test]
    fn the_largest_count_is_the_largest_u32() {
        let too_large = |text| Number::read_count(&mut Lexer::new(text), "a count").is_err();

        assert_eq!(count("4294967295"), Some(u32::MAX));
        assert_eq!(count("4294.967295m"), Some(u32::MAX));
        assert!(too_large("4294967296"));
        assert!(too_large("4294967295.1"));
        assert!(too_large("4294.967296m"));
        assert!(too_large(&"9".repeat(1000)));
    }

    #[test]
    fn spans_are_exact_or_refused() {
        assert_eq!(number("2.5").times(Nanos::SECOND), Ok(Nanos(2_500_000_000)));
        assert_eq!(number("0.000000001").times(Nanos::SECOND), Ok(Nanos(1)));
        assert_eq!(number("0.0000000001").times(Nanos::SECOND), Err(NumberProblem::SpanNotWhole));
        assert_eq!(number("18446744073709551615").times(Nanos(1)), Ok(Nanos::MAX));
        assert_eq!(number("18446744073709551616").times(Nanos(1)), Err(NumberProblem::SpanTooLong));
        assert_eq!(number(&"9".repeat(500)).times(Nanos::SECOND), Err(NumberProblem::SpanTooLong));
    }
}
