//! The times of log lines, in nanoseconds since 1970.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

const SECOND: u64 = 1_000_000_000;

/// Dates of lines.
///
/// Remembers the last one: a busy server writes thousands of lines a second.
#[derive(Default)]
pub(super) struct Dates {
    text: Vec<u8>,
    nanos: u64,
}

impl Dates {
    /// A date of the common log format, `10/Oct/2000:13:55:36 -0700`.
    pub(super) fn common(&mut self, text: &[u8]) -> Option<u64> {
        self.remembered(text, || common(text))
    }

    /// A date of RFC 3339, in UTC where it does not say, or of the common log format; or seconds
    /// since 1970 with a fraction, or smaller units if they are so many.
    pub(super) fn any(&mut self, text: &str) -> Option<u64> {
        self.remembered(text.as_bytes(), || any(text))
    }

    fn remembered(&mut self, text: &[u8], read: impl FnOnce() -> Option<u64>) -> Option<u64> {
        if text == self.text && !text.is_empty() {
            return Some(self.nanos);
        }
        let nanos = read()?;
        self.text.clear();
        self.text.extend_from_slice(text);
        self.nanos = nanos;
        Some(nanos)
    }
}

fn common(text: &[u8]) -> Option<u64> {
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let [
        d1,
        d2,
        b'/',
        m1,
        m2,
        m3,
        b'/',
        year @ ..,
        b':',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b' ',
        sign,
        z1,
        z2,
        z3,
        z4,
    ] = text
    else {
        return None;
    };
    let month = MONTHS.iter().position(|name| **name == [*m1, *m2, *m3])? + 1;
    let two = |high: &u8, low: &u8| number(&[*high, *low]);
    let (hours, minutes) = (two(z1, z2)?, two(z3, z4)?);
    let offset = (hours * 60 + minutes) * 60;
    let offset = match sign {
        b'+' => i64::from(offset),
        b'-' => -i64::from(offset),
        _ => return None,
    };
    let narrow = |value: u32| i8::try_from(value).ok();
    let date = DateTime::new(
        i16::try_from(number(year)?).ok()?,
        i8::try_from(month).ok()?,
        narrow(two(d1, d2)?)?,
        narrow(two(h1, h2)?)?,
        narrow(two(n1, n2)?)?,
        narrow(two(s1, s2)?.min(59))?,
        0,
    );
    let utc = Offset::UTC.to_timestamp(date.ok()?).ok()?;
    u64::try_from(utc.as_second() - offset).ok()?.checked_mul(SECOND)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |sum, digit| {
        let digit = digit.checked_sub(b'0').filter(|it| *it < 10)?;
        sum.checked_mul(10)?.checked_add(u32::from(digit))
    })
}

fn any(text: &str) -> Option<u64> {
    if let Ok(number) = text.parse() {
        return of_whole(number);
    }
    if let Ok(number) = text.parse() {
        return of_number(number);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return u64::try_from(at.as_nanosecond()).ok();
    }
    let of_no_zone = text.parse::<DateTime>().ok();
    let in_utc = of_no_zone.and_then(|date| Offset::UTC.to_timestamp(date).ok());
    in_utc.map_or_else(|| common(text.as_bytes()), |at| u64::try_from(at.as_nanosecond()).ok())
}

/// As [`of_number`], for a number without a fraction.
pub(super) fn of_whole(number: u64) -> Option<u64> {
    let unit = match number {
        0..100_000_000_000 => SECOND,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    number.checked_mul(unit)
}

/// Seconds since 1970, or milliseconds, microseconds or nanoseconds if they are so many.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
pub(super) fn of_number(number: f64) -> Option<u64> {
    let scale = match number {
        _ if !(0.0..9e18).contains(&number) => return None,
        _ if number < 1e11 => 1e9,
        _ if number < 1e14 => 1e6,
        _ if number < 1e17 => 1e3,
        _ => 1.0,
    };
    Some((number * scale).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_logs_are_read() {
        let mut dates = Dates::default();
        let read = |dates: &mut Dates, text: &str| dates.common(text.as_bytes());
        let expected = Some(971_211_336 * SECOND);
        assert_eq!(read(&mut dates, "10/Oct/2000:13:55:36 -0700"), expected);
        assert_eq!(read(&mut dates, "10/Oct/2000:13:55:36 -0700"), expected);
        assert_eq!(read(&mut dates, "10/Oct/2000:22:25:36 +0130"), expected);
        for wrong in ["", "10/Oct/2000", "10/Okt/2000:13:55:36 -0700", "1x/Oct/2000:13:55:36 -0700"]
        {
            assert_eq!(read(&mut dates, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn other_dates_too() {
        let expected = Some(971_211_336 * SECOND);
        for text in [
            "2000-10-10T20:55:36Z",
            "2000-10-10T13:55:36-07:00",
            "2000-10-10 20:55:36",
            "971211336",
            "2000-10-10T20:55:36",
            "2000-10-10T13:55:36.000-0700",
            "10/Oct/2000:13:55:36 -0700",
            "971211336.0",
            "971211336000",
            "971211336000000",
            "971211336000000000",
        ] {
            assert_eq!(any(text), expected, "{text}");
        }
        assert_eq!(any("971211336.5"), Some(971_211_336_500_000_000));
        assert_eq!(any("1750000000123456789"), Some(1_750_000_000_123_456_789));
        for wrong in ["", "yesterday", "-1", "nan", "1e300", "99999999999999999999"] {
            assert_eq!(any(wrong), None, "{wrong}");
        }
    }
}
