//! The header fields of one response.

use alloc::string::String;
use core::fmt;

use super::{Policy, Profile};
use crate::{Decision, Nanos, Verdict};

/// What one response tells about its limits.
///
/// # Examples
///
/// ```
/// use tidegate_core::{Decision, Limit, LimitSpec, Nanos, Period, Verdict, algorithm::Kind};
/// use tidegate_core::fields::{Policy, Profile, Report};
///
/// let period = Period::Span(Nanos::from_secs(60));
/// let limit = Limit::new(LimitSpec::new(Kind::FixedWindow, 100, period))?;
/// let decision = Decision {
///     verdict: Verdict::Denied { retry_after: Nanos(11_200_000_000) },
///     limit: 100,
///     remaining: 0,
///     reset_after: Nanos(11_200_000_000),
///     next_unit_after: Nanos(11_200_000_000),
///     delay: Nanos::ZERO,
/// };
/// let policies = [Policy { name: "login", limit: &limit, decision: &decision }];
///
/// let mut fields = Vec::new();
/// let report = Report::new(&policies, 0, Nanos::from_secs(1_750_000_000));
/// report.write(Profile::DRAFT, &mut |name, value| fields.push(format!("{name}: {value}")));
///
/// assert_eq!(fields, [
///     r#"RateLimit-Policy: "login";q=100;w=60"#,
///     r#"RateLimit: "login";r=0;t=12"#,
///     "Retry-After: 12",
/// ]);
/// # Ok::<(), tidegate_core::LimitError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    policies: &'a [Policy<'a>],
    binding: usize,
    unix_now: Nanos,
    /// A wait that no policy knows of.
    wait: Option<Nanos>,
}

impl<'a> Report<'a> {
    /// Tells about `policies`: every limit that may refuse this request, in the order of the
    /// rules.
    ///
    /// `binding` is the position of the one that profiles with room for a single limit show;
    /// they show none when there is no such position. `unix_now` is the time since the Unix
    /// epoch.
    #[must_use]
    pub const fn new(policies: &'a [Policy<'a>], binding: usize, unix_now: Nanos) -> Self {
        Self { policies, binding, unix_now, wait: None }
    }

    /// The same for a response that refuses for at least `wait`, whatever the limits say: a
    /// penalty, an overload, or jitter on top of [`retry_after`](Self::retry_after).
    #[must_use]
    pub const fn with_wait(self, wait: Nanos) -> Self {
        Self { wait: Some(wait), ..self }
    }

    /// The limits that this response was made under.
    #[must_use]
    pub const fn policies(&self) -> &'a [Policy<'a>] {
        self.policies
    }

    /// The wait that cures a refusal, exactly. `None` for a response that refuses nothing,
    /// and for a refusal that no wait cures, because one limit answers
    /// [`Verdict::Never`].
    #[must_use]
    pub fn retry_after(&self) -> Option<Nanos> {
        let mut longest = self.wait;
        for policy in self.policies {
            match policy.decision.verdict {
                Verdict::Allowed => {}
                Verdict::Denied { retry_after } => longest = longest.max(Some(retry_after)),
                Verdict::Never => return None,
            }
        }
        longest
    }

    /// The value of `Retry-After`: [`retry_after`](Self::retry_after) in seconds, rounded up,
    /// and at least 1.
    #[must_use]
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.retry_after().map(|wait| wait.ceil_secs().max(1))
    }

    /// Passes the name and value of each field to `sink`: those of `profile`, and
    /// `Retry-After` on a refusal that a wait can cure.
    ///
    /// Names are in their usual capitals; HTTP/2 and ASGI want them in lower case.
    pub fn write(&self, profile: Profile, sink: &mut impl FnMut(&'static str, &str)) {
        self.write_values(profile, &mut |name, value| match value {
            Value::Number(number) => {
                let mut digits = [0; Value::MOST_DIGITS];
                let digits = Value::digits(number, &mut digits);
                sink(name, core::str::from_utf8(digits).unwrap_or_default());
            }
            Value::Text(text) => sink(name, text),
        });
    }

    /// Passes the same fields to `sink` as [`write`](Self::write), with numbers as such: for a
    /// caller who keeps the text of one that it has had before.
    pub fn write_values(&self, profile: Profile, sink: &mut impl FnMut(&'static str, Value<'_>)) {
        let mut out = Writer { sink, value: String::new() };
        if let Some(binding) = self.policies.get(self.binding) {
            self.write_binding(binding, profile, &mut out);
        }
        if profile.contains(Profile::DRAFT) && !self.policies.is_empty() {
            out.list("RateLimit-Policy", self.policies, Policy::push_quota);
            out.list("RateLimit", self.policies, Policy::push_remaining);
        }
        if let Some(seconds) = self.retry_after_secs() {
            out.number("Retry-After", seconds);
        }
    }

    fn write_binding(
        &self,
        binding: &Policy<'_>,
        profile: Profile,
        out: &mut Writer<'_, impl FnMut(&'static str, Value<'_>)>,
    ) {
        let decision = binding.decision;
        let (limit, remaining) = (u64::from(decision.limit), u64::from(decision.remaining));
        if profile.contains(Profile::X_RATELIMIT) {
            let [limit, remaining, reset] = x_ratelimit(decision, self.unix_now);
            out.number("X-RateLimit-Limit", limit);
            out.number("X-RateLimit-Remaining", remaining);
            out.number("X-RateLimit-Reset", reset);
        }
        if profile.contains(Profile::LEGACY) {
            out.number("RateLimit-Limit", limit);
            out.number("RateLimit-Remaining", remaining);
            out.number("RateLimit-Reset", decision.reset_after.ceil_secs());
        }
    }
}

/// The numbers in the fields of [`Profile::X_RATELIMIT`], in their order: the limit, what remains
/// of it, and when it is whole again, in seconds since the Unix epoch, rounded up.
///
/// `unix_now` is the time since the epoch.
#[must_use]
pub fn x_ratelimit(decision: &Decision, unix_now: Nanos) -> [u64; 3] {
    let reset_at = unix_now.saturating_add(decision.reset_after);
    [u64::from(decision.limit), u64::from(decision.remaining), reset_at.ceil_secs()]
}

/// The value of a header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A whole number, which most are.
    Number(u64),
    /// Anything else.
    Text(&'a str),
}

impl Value<'_> {
    /// Of the largest number.
    pub const MOST_DIGITS: usize = 20;

    /// `number` in decimal ASCII digits, at the end of `digits`. Takes a fraction of the time of
    /// `fmt`.
    pub fn digits(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
        let mut start = Self::MOST_DIGITS;
        for digit in digits.iter_mut().rev() {
            start -= 1;
            *digit = b"0123456789"[(number % 10) as usize];
            number /= 10;
            if number == 0 {
                break;
            }
        }
        &digits[start..]
    }
}

/// Hands fields to a sink, and reuses one string for all their values.
struct Writer<'s, S> {
    sink: &'s mut S,
    value: String,
}

impl<S: FnMut(&'static str, Value<'_>)> Writer<'_, S> {
    fn number(&mut self, name: &'static str, number: u64) {
        (self.sink)(name, Value::Number(number));
    }

    fn list<'p>(
        &mut self,
        name: &'static str,
        policies: &[Policy<'p>],
        push: fn(&Policy<'p>, &mut String) -> fmt::Result,
    ) {
        self.field(name, |value| {
            for (position, policy) in policies.iter().enumerate() {
                value.push_str(if position == 0 { "" } else { ", " });
                push(policy, value)?;
            }
            Ok(())
        });
    }

    fn field(&mut self, name: &'static str, fill: impl FnOnce(&mut String) -> fmt::Result) {
        self.value.clear();
        // Writing to a `String` can't fail.
        let _ = fill(&mut self.value);
        (self.sink)(name, Value::Text(&self.value));
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn numbers_are_written_as_rust_writes_them() {
        for number in [0, 1, 9, 10, 99, 100, 1_700_000_000, u64::MAX - 1, u64::MAX] {
            let mut digits = [0; Value::MOST_DIGITS];
            assert_eq!(Value::digits(number, &mut digits), number.to_string().as_bytes());
        }
    }
}
