//! The status and body of a refusal.

use alloc::string::String;
use core::fmt::{self, Write};

use super::{
    MediaType, Policy, Report,
    escape::{Html, Json},
};
use crate::Verdict;

/// A problem type in the registry of RFC 9457.
macro_rules! registered {
    ($name:literal) => {
        concat!("https://iana.org/assignments/http-problem-types#", $name)
    };
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A limit is reached, for a while.
    Limit,
    /// The request costs more than a limit ever allows at once.
    Never,
    /// A limit was reached before, and the client is kept out for a while.
    Penalty,
    /// As many requests as are allowed at once are under way.
    Concurrency,
    /// The client is on a list of those who are kept out.
    Denied,
    /// There is more work than the service can do.
    Overload,
    /// The store that keeps the counts is away, and the rule says not to go on without it.
    StoreClosed,
}

/// A refusal, ready to be put into words.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Why the request is refused.
    pub cause: Cause,
    /// The limits, and the wait; the same report that the header fields come from.
    pub report: Report<'a>,
}

/// The content of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// What the content is.
    pub media_type: MediaType,
    /// The content, to be sent as UTF-8.
    pub text: String,
}

impl Cause {
    /// The HTTP status: 429 for a limit, which is about this client, 503 for what is about the
    /// service, and 403 for who is not wanted.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Limit | Self::Never | Self::Penalty | Self::Concurrency => 429,
            Self::Denied => 403,
            Self::Overload | Self::StoreClosed => 503,
        }
    }

    /// A few words for people, as a heading.
    const fn heading(self) -> &'static str {
        match self {
            Self::Limit | Self::Never | Self::Penalty | Self::Concurrency => "Too many requests",
            Self::Denied => "Forbidden",
            Self::Overload | Self::StoreClosed => "Service unavailable",
        }
    }

    /// The problem type, and its title.
    const fn problem(self) -> (&'static str, &'static str) {
        match self {
            Self::Limit | Self::Never | Self::Concurrency => {
                (registered!("quota-exceeded"), "Quota exceeded")
            }
            Self::Penalty => (registered!("abnormal-usage-detected"), "Abnormal usage detected"),
            Self::Denied => ("about:blank", "Forbidden"),
            Self::Overload | Self::StoreClosed => {
                (registered!("temporary-reduced-capacity"), "Temporarily reduced capacity")
            }
        }
    }
}

impl Refusal<'_> {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.cause.status()
    }

    /// The body in the form that an `Accept` field asks for (see [`MediaType::negotiate`]).
    #[must_use]
    pub fn body(&self, accept: Option<&str>) -> Body {
        let media_type = MediaType::negotiate(accept);
        let mut text = String::new();
        let written = match media_type {
            MediaType::ProblemJson => self.write_problem(&mut text),
            MediaType::Html => self.write_page(&mut text),
            MediaType::Text => write!(text, "{}\n{}\n", self.cause.heading(), self.detail()),
        };
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        Body { media_type, text }
    }

    /// Source: RFC 9457, and section 5 of draft-ietf-httpapi-ratelimit-headers-11 for the
    /// types and `violated-policies`. `retry_after` is ours: the seconds of `Retry-After`.
    fn write_problem(&self, out: &mut String) -> fmt::Result {
        let (kind, title) = self.cause.problem();
        let status = self.status();
        write!(out, r#"{{"type":"{kind}""#)?;
        write!(out, r#","title":{},"status":{status}"#, Json(title))?;
        write!(out, r#","detail":{}"#, Json(&self.detail()))?;
        if matches!(self.cause, Cause::Limit | Cause::Never | Cause::Penalty) {
            out.push_str(r#","violated-policies":["#);
            for (position, policy) in self.violated().enumerate() {
                let separator = if position == 0 { "" } else { "," };
                write!(out, "{separator}{}", Json(&policy.public_name()))?;
            }
            out.push(']');
        }
        if let Some(seconds) = self.retry_after_secs() {
            write!(out, r#","retry_after":{seconds}"#)?;
        }
        out.push('}');
        Ok(())
    }

    fn write_page(&self, out: &mut String) -> fmt::Result {
        let (heading, detail) = (self.cause.heading(), self.detail());
        writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">")?;
        writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">")?;
        writeln!(out, "<title>{heading}</title>")?;
        writeln!(
            out,
            "<style>body{{font:1.1em/1.5 sans-serif;max-width:32em;margin:4em auto;padding:0 1em}}</style>"
        )?;
        writeln!(out, "<h1>{heading}</h1>\n<p>{}</p>\n</html>", Html(&detail))
    }

    /// Sentences for whoever reads the body.
    fn detail(&self) -> String {
        let mut out = String::new();
        // Writing to a `String` can't fail.
        let _ = self.write_reason(&mut out);
        if let Some(seconds) = self.retry_after_secs() {
            let _ = write!(out, " Try again in {}.", Wait(seconds));
        }
        out
    }

    fn write_reason(&self, out: &mut String) -> fmt::Result {
        match self.cause {
            Cause::Limit => self.write_limits(out),
            Cause::Never => self.write_never(out),
            Cause::Penalty => out.write_str("A limit was exceeded, and access is suspended."),
            Cause::Concurrency => out.write_str("Too many requests are under way at once."),
            Cause::Denied => out.write_str("Access is not allowed."),
            Cause::Overload => out.write_str("The service has more work than it can do."),
            Cause::StoreClosed => out.write_str("The service cannot check its limits right now."),
        }
    }

    fn write_limits(&self, out: &mut String) -> fmt::Result {
        let (start, end) = match self.violated().count() {
            0 => return out.write_str("A limit is reached."),
            1 => ("The limit ", " is reached."),
            _ => ("The limits ", " are reached."),
        };
        out.push_str(start);
        for (position, policy) in self.violated().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(out, "{separator}\"{}\"", policy.name)?;
        }
        out.write_str(end)
    }

    fn write_never(&self, out: &mut String) -> fmt::Result {
        let never = |policy: &&Policy<'_>| policy.decision.verdict == Verdict::Never;
        match self.report.policies().iter().find(never) {
            None => out.write_str("The request costs more than is ever allowed at once.")?,
            Some(policy) if policy.limit.capacity() == 0 => {
                write!(out, "The limit \"{}\" allows no requests.", policy.name)?;
            }
            Some(Policy { name, limit, .. }) => {
                let capacity = limit.capacity();
                write!(
                    out,
                    "The request costs more than the {capacity} that the limit \"{name}\" ever allows at once."
                )?;
            }
        }
        out.write_str(" Waiting does not help.")
    }

    /// The limits that didn't allow the request.
    fn violated(&self) -> impl Iterator<Item = &Policy<'_>> {
        self.report.policies().iter().filter(|policy| !policy.decision.is_allowed())
    }

    fn retry_after_secs(&self) -> Option<u64> {
        match self.cause {
            Cause::Never | Cause::Denied => None,
            Cause::Limit
            | Cause::Penalty
            | Cause::Concurrency
            | Cause::Overload
            | Cause::StoreClosed => self.report.retry_after_secs(),
        }
    }
}

/// Prints seconds in the largest unit of which there are at least two, rounded up.
struct Wait(u64);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400, "days"), (3600, "hours"), (60, "minutes")];
        match units.into_iter().find(|(seconds, _)| self.0 >= 2 * seconds) {
            Some((seconds, unit)) => write!(f, "{} {unit}", self.0.div_ceil(seconds)),
            None if self.0 == 1 => f.write_str("1 second"),
            None => write!(f, "{} seconds", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn waits_are_in_the_unit_that_people_would_use_and_never_short() {
        for (seconds, text) in [
            (1, "1 second"),
            (2, "2 seconds"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (121, "3 minutes"),
            (7_199, "120 minutes"),
            (7_200, "2 hours"),
            (172_799, "48 hours"),
            (172_801, "3 days"),
        ] {
            assert_eq!(Wait(seconds).to_string(), text);
        }
    }
}
