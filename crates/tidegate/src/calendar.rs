//! Days, months … of a time zone, as windows of equal length.
//!
//! The core's fixed window wants every window to be as long as the others; a day may be 23
//! or 25 hours long. So each stretch of the calendar is laid on a timeline of its own where
//! it has the longest length there is and *ends* on a multiple of it: the time left, which
//! is what answers are made of, is the true one.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use tidegate_core::{CalendarUnit, Nanos, Zone};

/// A Monday at which, in every zone, all of 1970 is still to come.
const EPOCH: Date = Date::constant(1969, 12, 29);

/// A calendar period whose zone is known to exist.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    unit: CalendarUnit,
    zone: TimeZone,
}

impl Calendar {
    /// `None` when there is no such zone.
    pub(crate) fn new(unit: CalendarUnit, zone: &Zone) -> Option<Self> {
        let zone = TimeZone::get(zone.name()).ok()?;
        Some(Self { unit, zone })
    }

    /// The time on the limit's own timeline at `unix` nanoseconds after 1970.
    pub(crate) fn at(&self, unix: Nanos) -> Nanos {
        let window = self.unit.longest();
        // A clock beyond the year 9999 stands still there.
        let (index, left) = self.stretch(unix).unwrap_or((0, Nanos::ZERO));
        window.saturating_mul(index + 1).saturating_sub(left)
    }

    /// Which stretch it is at `unix`, counted from one before 1970, and how long it lasts
    /// from then on.
    fn stretch(&self, unix: Nanos) -> Option<(u64, Nanos)> {
        let timestamp = Timestamp::from_nanosecond(i128::from(unix.0)).ok()?;
        let (index, end) = match self.unit {
            CalendarUnit::Minute => return self.clock_face(unix, timestamp, 60),
            CalendarUnit::Hour => return self.clock_face(unix, timestamp, 3600),
            CalendarUnit::Day | CalendarUnit::Week | CalendarUnit::Month | CalendarUnit::Year => {
                self.dates(self.zone.to_datetime(timestamp).date())?
            }
        };
        let end = end.to_zoned(self.zone.clone()).ok()?.start_of_day().ok()?.timestamp();
        let left = end.as_nanosecond() - timestamp.as_nanosecond();
        Some((index, Nanos(u64::try_from(left).ok()?)))
    }

    /// Which day, week … `date` is in, and the first date after it.
    fn dates(&self, date: Date) -> Option<(u64, Date)> {
        let days = date.duration_since(EPOCH).as_secs() / 86_400;
        let months = i64::from(date.year() - EPOCH.year()) * 12 + i64::from(date.month() - 1);
        let (index, end) = match self.unit {
            CalendarUnit::Week => {
                let to_monday = 7 - i64::from(date.weekday().to_monday_zero_offset());
                (days / 7, date.checked_add(to_monday.days()))
            }
            CalendarUnit::Month => (months, date.first_of_month().checked_add(1.month())),
            CalendarUnit::Year => (months / 12, date.first_of_year().checked_add(1.year())),
            CalendarUnit::Minute | CalendarUnit::Hour | CalendarUnit::Day => {
                (days, date.checked_add(1.day()))
            }
        };
        Some((u64::try_from(index).ok()?, end.ok()?))
    }

    /// Minutes and hours, as the zone's clocks show them.
    ///
    /// Counted along real time, so that the hour which a clock change repeats is counted
    /// twice. Only the part of the zone's offset below one `seconds` shifts them.
    fn clock_face(&self, unix: Nanos, timestamp: Timestamp, seconds: u32) -> Option<(u64, Nanos)> {
        let offset = i64::from(self.zone.to_offset(timestamp).seconds());
        let shift = u64::try_from(offset.rem_euclid(i64::from(seconds))).ok()?;
        let shown = unix.saturating_add(Nanos::from_secs(shift)).0;
        let length = Nanos::from_secs(u64::from(seconds)).0;
        Some((shown / length, Nanos(length - shown % length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Index of the stretch, and seconds until its end, at an RFC 3339 time.
    fn at(unit: CalendarUnit, zone: &str, time: &str) -> (u64, u64) {
        let calendar = Calendar::new(unit, &Zone::new(zone).unwrap()).unwrap();
        let time: Timestamp = time.parse().unwrap();
        let since_1970 = Nanos(u64::try_from(time.as_nanosecond()).unwrap());
        let (window, at) = (unit.longest().0, calendar.at(since_1970).0);
        (at / window, (window - at % window) / Nanos::SECOND.0)
    }

    #[test]
    fn a_day_ends_at_midnight_of_its_zone() {
        assert_eq!(at(CalendarUnit::Day, "UTC", "2026-11-22T23:00:00Z").1, 3600);
        assert_eq!(at(CalendarUnit::Day, "Europe/Paris", "2026-11-22T22:00:00Z").1, 3600);
        assert_eq!(at(CalendarUnit::Day, "Asia/Kolkata", "2026-11-22T18:29:59Z").1, 1);
    }

    #[test]
    fn a_day_of_a_clock_change_has_its_own_length() {
        let midnight = |time| at(CalendarUnit::Day, "Europe/Paris", time).1;

        assert_eq!(midnight("2026-03-28T23:00:00Z"), 23 * 3600);
        assert_eq!(midnight("2026-10-24T22:00:00Z"), 25 * 3600);
    }

    #[test]
    fn the_hour_that_a_clock_change_repeats_is_two_hours() {
        let hour = |time| at(CalendarUnit::Hour, "Europe/Paris", time);

        assert_eq!(hour("2026-10-25T00:30:00Z").1, 1800);
        assert_eq!(hour("2026-10-25T01:30:00Z").1, 1800);
        assert_ne!(hour("2026-10-25T00:30:00Z").0, hour("2026-10-25T01:30:00Z").0);
        assert_eq!(at(CalendarUnit::Hour, "Asia/Kolkata", "2026-11-22T10:00:00Z").1, 1800);
    }

    #[test]
    fn weeks_months_and_years_end_where_the_calendar_says() {
        let day = 86_400;

        assert_eq!(at(CalendarUnit::Week, "UTC", "2026-11-22T00:00:00Z").1, day);
        assert_eq!(at(CalendarUnit::Week, "UTC", "2026-11-23T00:00:00Z").1, 7 * day);
        assert_eq!(at(CalendarUnit::Month, "UTC", "2028-02-28T00:00:00Z").1, 2 * day);
        assert_eq!(at(CalendarUnit::Year, "UTC", "2026-12-31T00:00:00Z").1, day);
        assert_eq!(at(CalendarUnit::Minute, "UTC", "2026-12-31T00:00:10Z").1, 50);
    }

    #[test]
    fn every_stretch_is_followed_by_the_next() {
        let pairs = [
            (CalendarUnit::Day, "2026-11-22T12:00:00Z", "2026-11-23T12:00:00Z"),
            (CalendarUnit::Week, "2026-11-22T12:00:00Z", "2026-11-23T12:00:00Z"),
            (CalendarUnit::Month, "2026-12-22T12:00:00Z", "2027-01-01T12:00:00Z"),
            (CalendarUnit::Year, "2026-12-22T12:00:00Z", "2027-01-01T12:00:00Z"),
            (CalendarUnit::Year, "1970-01-01T00:00:00Z", "1971-01-01T12:00:00Z"),
        ];
        for (unit, before, after) in pairs {
            assert_eq!(at(unit, "UTC", before).0 + 1, at(unit, "UTC", after).0, "{unit:?}");
        }
    }

    #[test]
    fn the_end_of_time_is_no_panic() {
        for unit in CalendarUnit::ALL {
            let calendar = Calendar::new(unit, &Zone::utc()).unwrap();
            let _ = calendar.at(Nanos::MAX);
            let _ = calendar.at(Nanos::ZERO);
        }
    }

    #[test]
    fn there_is_no_zone_of_a_name_that_is_not_one() {
        assert!(Calendar::new(CalendarUnit::Day, &Zone::new("Europe/Pariss").unwrap()).is_none());
    }
}
