//! Arguments that are more than text.

use std::time::Duration;

use tidegate::Limit;

/// A length of time: `500ms`, `1s`, `5m`, `1h30m`, or a number of seconds.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    // The grammar of limit strings is the one that knows what a length of time is.
    let limit = is_word.then(|| format!("1/{text}").parse::<Limit>().ok()).flatten();
    limit
        .map(|limit| limit.spec().window().into())
        .ok_or_else(|| format!("`{text}` is no length of time; expected one such as 1s or 5m"))
}

/// A time in seconds that is above zero and at most a day.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|it| *it > 0.0 && *it <= 86_400.0);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        format!("`{text}` is no number of seconds; expected one above 0 and up to 86400")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_in_a_configuration() {
        for (text, millis) in [("500ms", 500), ("1s", 1_000), ("1h30m", 5_400_000), ("90", 90_000)]
        {
            assert_eq!(time(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "0s", "1 s; 2/s", "-1s", "calendar-day", "soon"] {
            assert!(time(text).is_err(), "{text}");
        }
        assert!(seconds("0").is_err() && seconds("nan").is_err() && seconds("0.5").is_ok());
    }
}
