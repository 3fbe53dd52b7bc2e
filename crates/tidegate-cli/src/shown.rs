//! How times, keys and text from elsewhere are shown to people.

use std::{fmt::Write as _, time::Duration};

/// A time in two units at the most, rounded up: what is said to be over is over.
///
/// `350ms`, `12.4s`, `2m 5s`, `3h 20m`, `2d 1h`.
pub(crate) fn time(time: Duration) -> String {
    let millis = time.as_nanos().div_ceil(1_000_000);
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    let tenths = time.as_nanos().div_ceil(100_000_000);
    if tenths < 600 {
        return if tenths.is_multiple_of(10) {
            format!("{}s", tenths / 10)
        } else {
            format!("{}.{}s", tenths / 10, tenths % 10)
        };
    }
    let seconds = time.as_nanos().div_ceil(1_000_000_000);
    let (minutes, hours) = (seconds.div_ceil(60), seconds.div_ceil(3600));
    match seconds {
        0..3_600 => two(seconds, 60, "m", "s"),
        3_600..86_400 => two(minutes, 60, "h", "m"),
        _ => two(hours, 24, "d", "h"),
    }
}

fn two(small: u128, size: u128, large_unit: &str, small_unit: &str) -> String {
    match (small / size, small % size) {
        (large, 0) => format!("{large}{large_unit}"),
        (large, rest) => format!("{large}{large_unit} {rest}{small_unit}"),
    }
}

/// The same of a number of seconds.
pub(crate) fn time_of(seconds: f64) -> String {
    time(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// Seconds as JSON has them.
pub(crate) fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// Text without anything that a terminal would obey: control characters as `\x` and two digits.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\0'..='\x1f' | '\x7f' => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\x{:02x}", u32::from(letter));
            }
            '\u{80}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(letter));
            }
            _ => shown.push(letter),
        }
    }
    shown
}

/// A key that is counted, as [`key_bytes`] reads it.
pub(crate) fn key(subject: &[u8]) -> String {
    plain(&tidegate::subject_text(subject))
}

/// The key that [`key`] shows as `text`.
pub(crate) fn key_bytes(text: &str) -> Vec<u8> {
    tidegate::subject_typed(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_never_shown_shorter_than_it_is() {
        for (millis, expected) in [
            (0, "0ms"),
            (1, "1ms"),
            (999, "999ms"),
            (1_000, "1s"),
            (12_345, "12.4s"),
            (59_950, "1m"),
            (60_001, "1m 1s"),
            (125_000, "2m 5s"),
            (3_599_001, "1h"),
            (12_000_000, "3h 20m"),
            (86_400_000, "1d"),
            (176_400_000, "2d 1h"),
        ] {
            assert_eq!(time(Duration::from_millis(millis)), expected);
        }
        assert_eq!(time(Duration::from_nanos(1)), "1ms");
    }

    #[test]
    fn a_key_can_be_typed_as_it_is_shown() {
        for subject in [&b"user:42"[..], b"\x00203.0.113.7", b"\xff\x1b[2J", "Zo\u{eb}".as_bytes()]
        {
            let shown = key(subject);
            assert!(!shown.contains(char::is_control), "{shown}");
            assert_eq!(key_bytes(&shown), subject, "{shown}");
        }
        assert_eq!(key(b"\x00203.0.113.7"), "\\x00203.0.113.7");
        assert_eq!(key_bytes("C:\\xampp"), b"C:\\xampp");
    }
}
