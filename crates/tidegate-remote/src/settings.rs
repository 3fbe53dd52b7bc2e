//! How a remote store behaves: its deadline, its connections, its patience.

use std::time::Duration;

use tidegate_core::grammar::closest;

use crate::RemoteError;

/// How a [`Remote`](crate::Remote) store behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest that a check waits for the server.
    pub timeout: Duration,
    /// The most connections that callers who wait have open at once. Those who await share
    /// one more.
    pub pool: usize,
    /// The most checks that may wait for a connection at once; one more is refused as busy.
    pub queue: usize,
    /// How long a denial is believed without asking again, at the most. Zero asks every time.
    /// It bounds how late a reset or a refund made by another process is noticed.
    pub recheck: Duration,
    /// Failures in a row after which the server is left alone for a moment.
    pub failures: u32,
    /// How long it is left alone, give or take a fifth.
    pub pause: Duration,
    /// This process's share of a limit while the server is away, in ten thousandths. The whole
    /// by default, so that nobody is refused for the outage; with `n` processes, a share of
    /// `1/n` keeps the limit.
    pub local_share: u32,
    /// Whether the server's clock decides. Otherwise the caller's does: for tests.
    pub own_clock: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_millis(50),
            pool: 4,
            queue: 4096,
            recheck: Duration::from_secs(1),
            failures: 3,
            pause: Duration::from_millis(500),
            local_share: 10_000,
            own_clock: true,
        }
    }
}

impl Settings {
    /// The options that every remote store's URL may have.
    pub const OPTIONS: [&'static str; 7] =
        ["timeout", "pool", "queue", "recheck", "failures", "pause", "local_share"];

    /// Takes the settings out of a store URL's options, and leaves none of them unread.
    ///
    /// # Errors
    ///
    /// [`RemoteError::Setup`] that names the option and what would be right.
    pub fn from_options(options: &[(String, String)]) -> Result<Self, RemoteError> {
        let mut settings = Self::default();
        for (name, value) in options {
            let wrong = |expected: &str| RemoteError::Setup {
                reason: format!(
                    "option `{name}={value}` of the store's URL makes no sense; expected {expected}"
                ),
            };
            match name.as_str() {
                "timeout" => {
                    settings.timeout = duration(value)
                        .filter(|time| (1..=60_000).contains(&time.as_millis()))
                        .ok_or_else(|| wrong("a time from 1ms to 60s, such as 50ms"))?;
                }
                "recheck" => {
                    settings.recheck =
                        duration(value).ok_or_else(|| wrong("a time such as 1s, or 0s"))?;
                }
                "pause" => {
                    settings.pause = duration(value)
                        .filter(|time| !time.is_zero())
                        .ok_or_else(|| wrong("a time such as 500ms"))?;
                }
                "pool" => {
                    settings.pool = count(value, 1, 256)
                        .ok_or_else(|| wrong("a number of connections from 1 to 256"))?;
                }
                "queue" => {
                    settings.queue = count(value, 1, 1_000_000)
                        .ok_or_else(|| wrong("a number of checks from 1 to 1000000"))?;
                }
                "failures" => {
                    settings.failures = count(value, 1, 1000)
                        .and_then(|number| u32::try_from(number).ok())
                        .ok_or_else(|| wrong("a number of failures from 1 to 1000"))?;
                }
                "local_share" => {
                    settings.local_share = share(value)
                        .ok_or_else(|| wrong("a share above 0 and up to 1, such as 0.25"))?;
                }
                _ => return Err(unknown_option("the store's", name, &[])),
            }
        }
        Ok(settings)
    }
}

/// The error for an option `name` that a URL does not have: it tells those that there are,
/// `own` and those of every remote store, and the one that was most likely meant.
#[must_use]
pub fn unknown_option(whose: &str, name: &str, own: &[&str]) -> RemoteError {
    let all: Vec<&str> = own.iter().copied().chain(Settings::OPTIONS).collect();
    let meant = closest(name, all.iter().copied());
    let hint = meant.map_or_else(String::new, |option| format!("did you mean `{option}`? "));
    let listed = all.iter().map(|option| format!("`{option}`")).collect::<Vec<_>>().join(", ");
    let reason = format!("{whose} URL has no option `{name}`; {hint}there are {listed}");
    RemoteError::Setup { reason }
}

fn count(text: &str, least: usize, most: usize) -> Option<usize> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

/// A share in ten thousandths.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 10000")]
fn share(text: &str) -> Option<u32> {
    let share = text.parse::<f64>().ok()? * 10_000.0;
    (1.0..=10_000.0).contains(&share).then(|| share.round() as u32)
}

/// Whole milliseconds (`50ms`) or seconds (`2s`).
fn duration(text: &str) -> Option<Duration> {
    if let Some(number) = text.strip_suffix("ms") {
        return number.parse().ok().map(Duration::from_millis);
    }
    text.strip_suffix('s')?.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[(&str, &str)]) -> Result<Settings, RemoteError> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Settings::from_options(&options.iter().map(own).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read() {
        let settings = read(&[("timeout", "20ms"), ("pool", "2"), ("recheck", "0s")]).unwrap();

        assert_eq!(settings.timeout, Duration::from_millis(20));
        assert_eq!((settings.pool, settings.recheck), (2, Duration::ZERO));
        assert_eq!(read(&[]).unwrap(), Settings::default());
    }

    #[test]
    fn a_wrong_option_is_named_with_what_would_be_right() {
        for (name, value, expected) in [
            ("timeout", "50", "50ms"),
            ("timeout", "0ms", "1ms"),
            ("pool", "0", "from 1 to 256"),
            ("pools", "3", "no option `pools`; did you mean `pool`?"),
            ("tiemout", "50ms", "did you mean `timeout`?"),
            ("colour", "red", "no option `colour`; there are `timeout`, `pool`"),
        ] {
            let message = read(&[(name, value)]).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
