//! The canonical spelling of a limit, which parses back to an equal one.

use core::fmt;

use crate::{CalendarUnit, Limit, Nanos, Period, Zone, algorithm::Kind};

use super::{Limits, vocabulary::CONCURRENT};

const WEEK: Nanos = Nanos::from_secs(7 * 86_400);

/// Units from long to short, with the word that stands for one of them. Months and years are
/// missing on purpose: `30d` cannot be taken for a calendar's month.
const STEPS: [(Nanos, &str, &str); 7] = [
    (Nanos::from_secs(86_400), "d", "day"),
    (Nanos::from_secs(3600), "h", "hour"),
    (Nanos::from_secs(60), "m", "minute"),
    (Nanos::SECOND, "s", "second"),
    (Nanos(1_000_000), "ms", "ms"),
    (Nanos(1_000), "us", "us"),
    (Nanos(1), "ns", "ns"),
];

impl fmt::Display for Limits {
    /// Writes the limits as a limit string, that of requests in flight last. It parses back to
    /// equal limits, unless there are ten or more and so long ones that it exceeds
    /// [`Limits::MAX_CHARACTERS`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for limit in self {
            write!(f, "{separator}{limit}")?;
            separator = "; ";
        }
        match self.concurrent() {
            Some(requests) => write!(f, "{separator}{requests} {CONCURRENT}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Limit {
    /// Writes the limit as a limit string, which parses back to an equal limit. The algorithm
    /// is left out when it is the one that the period has by itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = self.spec();
        let usual = match spec.period {
            Period::Span(_) => Kind::Gcra,
            Period::Calendar { .. } => Kind::FixedWindow,
        };
        if spec.algorithm != usual {
            write!(f, "{}: ", spec.algorithm)?;
        }
        write!(f, "{}/", spec.limit)?;
        match &spec.period {
            Period::Span(span) => write_period(f, *span)?,
            Period::Calendar { unit, zone } => write_calendar(f, *unit, zone)?,
        }
        if let Some(burst) = spec.burst {
            write!(f, " burst {burst}")?;
        }
        if spec.strict {
            f.write_str(" strict")?;
        }
        if let Some(wait) = spec.max_wait {
            f.write_str(" queue ")?;
            write_span(f, wait)?;
        }
        if spec.force {
            f.write_str(" force")?;
        }
        Ok(())
    }
}

fn write_calendar(f: &mut fmt::Formatter<'_>, unit: CalendarUnit, zone: &Zone) -> fmt::Result {
    write!(f, "calendar-{}", unit.name())?;
    if *zone == Zone::utc() { Ok(()) } else { write!(f, "@{zone}") }
}

fn write_period(f: &mut fmt::Formatter<'_>, span: Nanos) -> fmt::Result {
    if span == WEEK {
        return f.write_str("week");
    }
    match STEPS.iter().find(|(unit, ..)| *unit == span) {
        Some((.., word)) => f.write_str(word),
        None => write_span(f, span),
    }
}

fn write_span(f: &mut fmt::Formatter<'_>, span: Nanos) -> fmt::Result {
    if span == Nanos::ZERO {
        return f.write_str("0s");
    }
    if span.0.is_multiple_of(WEEK.0) {
        return write!(f, "{}w", span.0 / WEEK.0);
    }
    let mut left = span.0;
    for (unit, name, _) in STEPS {
        if left >= unit.0 {
            write!(f, "{}{name}", left / unit.0)?;
        }
        left %= unit.0;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn canonical(text: &str) -> alloc::string::String {
        text.parse::<Limits>().unwrap().to_string()
    }

    #[test]
    fn what_goes_without_saying_is_left_out() {
        assert_eq!(canonical("GCRA : 1_000 per 1 hours"), "1000/hour");
        assert_eq!(canonical("fixed-window: 5/calendar-day@UTC"), "5/calendar-day");
        assert_eq!(canonical("fixed_window: 5/day"), "fixed_window: 5/day");
        assert_eq!(canonical("5/calendar-day@Asia/Tokyo"), "5/calendar-day@Asia/Tokyo");
    }

    #[test]
    fn spans_are_spelled_from_long_to_short() {
        assert_eq!(canonical("1/5400"), "1/1h30m");
        assert_eq!(canonical("1/2.5s"), "1/2s500ms");
        assert_eq!(canonical("1/month"), "1/30d");
        assert_eq!(canonical("1/14 days"), "1/2w");
        assert_eq!(canonical("1/7d"), "1/week");
        assert_eq!(canonical("1/36h"), "1/1d12h");
        assert_eq!(canonical("1/1us"), "1/us");
    }

    #[test]
    fn options_stand_in_one_order() {
        assert_eq!(canonical("9/s strict burst 4"), "9/second burst 4 strict");
        assert_eq!(
            canonical("leaky_bucket: 9/s force queue 0"),
            "leaky_bucket: 9/second queue 0s force"
        );
        assert_eq!(canonical("1/s|2/s , 3/s"), "1/second; 2/second; 3/second");
    }

    #[test]
    fn requests_in_flight_stand_last() {
        assert_eq!(canonical("2K CONCURRENT"), "2000 concurrent");
        assert_eq!(canonical("20concurrent, 1/s|2/s"), "1/second; 2/second; 20 concurrent");
    }
}
