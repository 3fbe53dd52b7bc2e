//! A limit and its decision as one item of the structured `RateLimit` fields.

use alloc::{borrow::Cow, string::String};
use core::fmt::{self, Write};

use super::escape::{self, Structured};
use crate::{CalendarUnit, Decision, Limit, Nanos, Period, Program, Verdict};

/// The largest integer of a structured field, RFC 9651 section 3.3.1.
const MAX_INTEGER: u64 = 999_999_999_999_999;

// So only products of times need the bound.
const _: () = assert!(Nanos::MAX.ceil_secs() <= MAX_INTEGER);

/// One limit that a request was checked against, and what it answered.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// By what clients know the limit; different for each limit of a response, also for two
    /// of one rule.
    pub name: &'a str,
    /// The limit.
    pub limit: &'a Limit,
    /// Its answer.
    pub decision: &'a Decision,
}

impl Policy<'_> {
    /// The name as fields and bodies give it: printable ASCII, everything else and `%` as `%`
    /// and two hexadecimal digits for each byte of UTF-8, so that different names stay so.
    pub(super) fn public_name(&self) -> Cow<'_, str> {
        escape::percent_encoded(self.name)
    }

    /// Appends the item of `RateLimit-Policy`: `"name";q=100;w=60`.
    ///
    /// `q` is what a rested key may spend at once, and `w` the seconds in which that comes
    /// back: the burst and its fill time, or a window's limit and its length.
    pub(super) fn push_quota(&self, out: &mut String) -> fmt::Result {
        let (quota, window) = (self.limit.capacity(), window_secs(self.limit));
        write!(out, "{};q={quota};w={window}", Structured(&self.public_name()))
    }

    /// Appends the item of `RateLimit`: `"name";r=50;t=30`.
    ///
    /// `r` is what may be spent within the next `t` seconds. After a denial nothing may, up
    /// to the moment when it would have been allowed. A full key has no `t`.
    pub(super) fn push_remaining(&self, out: &mut String) -> fmt::Result {
        let decision = self.decision;
        let (remaining, wait) = match decision.verdict {
            Verdict::Denied { retry_after } => (0, retry_after),
            Verdict::Allowed | Verdict::Never => (decision.remaining, decision.next_unit_after),
        };
        write!(out, "{};r={remaining}", Structured(&self.public_name()))?;
        if wait > Nanos::ZERO {
            write!(out, ";t={}", wait.ceil_secs())?;
        }
        Ok(())
    }
}

/// Seconds, rounded up, in which all of a limit's capacity comes back.
///
/// Worked out from what was asked for and not from the emission interval, whose rounding to
/// whole nanoseconds would make 61 seconds of 7 units per minute.
fn window_secs(limit: &Limit) -> u64 {
    let spec = limit.spec();
    let period = match &spec.period {
        Period::Span(span) => *span,
        Period::Calendar { unit, .. } => nominal(*unit),
    };
    match limit.program() {
        Program::Gcra(_) | Program::LeakyQueue(_) => {
            let capacity = limit.capacity();
            let steps =
                if spec.strict { spec.limit.saturating_sub(capacity) + 1 } else { spec.limit };
            let whole = u128::from(capacity) * u128::from(period.0);
            let secs = whole.div_ceil(u128::from(steps.max(1)) * u128::from(Nanos::SECOND.0));
            u64::try_from(secs).map_or(MAX_INTEGER, |secs| secs.min(MAX_INTEGER))
        }
        Program::DenyAll
        | Program::FixedWindow(_)
        | Program::SlidingWindowCounter(_)
        | Program::SlidingWindowLog(_) => period.ceil_secs(),
    }
}

/// The length by which people know a stretch of the calendar; real ones differ.
const fn nominal(unit: CalendarUnit) -> Nanos {
    const DAY: u64 = 86_400;
    Nanos::from_secs(match unit {
        CalendarUnit::Minute => 60,
        CalendarUnit::Hour => 3600,
        CalendarUnit::Day => DAY,
        CalendarUnit::Week => 7 * DAY,
        CalendarUnit::Month => 30 * DAY,
        CalendarUnit::Year => 365 * DAY,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LimitSpec, Zone, algorithm::Kind};

    fn spec(kind: Kind, limit: u32, period: Nanos) -> LimitSpec {
        LimitSpec::new(kind, limit, Period::Span(period))
    }

    fn window(spec: LimitSpec) -> u64 {
        window_secs(&Limit::new(spec).unwrap())
    }

    #[test]
    fn a_window_is_the_period_whatever_the_limit() {
        let minute = Nanos::from_secs(60);
        for kind in Kind::ALL {
            for limit in [0, 1, 3, 7, 60, 100, 9_999] {
                assert_eq!(window(spec(kind, limit, minute)), 60, "{kind}, {limit} per minute");
            }
            assert_eq!(window(spec(kind, 1, Nanos(1_000_000_001))), 2);
        }
    }

    #[test]
    fn a_burst_scales_the_window() {
        let ten_per_second = spec(Kind::Gcra, 10, Nanos::SECOND);
        assert_eq!(window(LimitSpec { burst: Some(100), ..ten_per_second.clone() }), 10);
        assert_eq!(window(LimitSpec { burst: Some(101), ..ten_per_second.clone() }), 11);
        assert_eq!(window(LimitSpec { burst: Some(1), ..ten_per_second }), 1);
    }

    #[test]
    fn a_strict_window_is_its_fill_time_but_for_rounding() {
        for limit in 1..200 {
            let spec = LimitSpec { strict: true, ..spec(Kind::Gcra, limit, Nanos::from_secs(60)) };
            let limit = Limit::new(spec).unwrap();
            let rounding = Nanos(u64::from(limit.capacity()));
            let fill_time = limit.program().fill_time();

            let secs = window_secs(&limit);

            assert!(Nanos::from_secs(secs) >= fill_time.saturating_sub(rounding), "{secs}");
            assert!(secs <= fill_time.ceil_secs(), "{secs}");
        }
    }

    #[test]
    fn a_calendar_window_is_its_nominal_length() {
        let lengths = [60, 3_600, 86_400, 604_800, 2_592_000, 31_536_000];
        for (unit, length) in CalendarUnit::ALL.into_iter().zip(lengths) {
            let period = Period::Calendar { unit, zone: Zone::utc() };
            assert_eq!(window(LimitSpec::new(Kind::FixedWindow, 5, period)), length);
        }
    }
}
