//! Requests in flight as entries of a sliding window log, for a store that counts only units.
//!
//! ```text
//! begin  check one unit; the newest entry is then the request's own
//! end    Change::Refund { cost: 1, charged_at: taken_at(…) }
//! ```
//!
//! The log admits what has room among its live entries, and a refund takes away exactly the
//! entry that was made then; so the entries are the requests in flight. Those of a process that
//! was killed are gone after the time that an entry is held. A request that takes longer than
//! that is no longer counted.

use std::time::Duration;

use tidegate_core::{Decision, Key, Limit, LimitSpec, Nanos, Period, algorithm::Kind};

use crate::Error;

/// How long a request in flight counts at the most, unless told otherwise.
pub(crate) const HOLD: Duration = Duration::from_secs(5 * 60);

/// What stands for the number of a limit in the scope of a rule's requests in flight: none that
/// a rate has.
const IN_FLIGHT: u64 = u64::MAX;

/// The limit that counts `concurrent` requests in flight, each for as long as `hold` at most.
///
/// # Errors
///
/// [`Error::UnsupportedLimit`] when a log of so many entries, or for so long, makes no sense.
pub(crate) fn limit_of(rule: &str, concurrent: u32, hold: Duration) -> Result<Limit, Error> {
    let hold = u64::try_from(hold.as_nanos()).map_or(Nanos::MAX, Nanos);
    let spec = LimitSpec {
        // A log is usually kept short for the sake of its memory; here there is nothing else.
        force: true,
        ..LimitSpec::new(Kind::SlidingWindowLog, concurrent, Period::Span(hold))
    };
    Limit::new(spec).map_err(|error| Error::UnsupportedLimit {
        rule: rule.to_owned(),
        limit: format!("{concurrent} concurrent"),
        reason: error.to_string(),
    })
}

/// The scope of a rule's requests in flight, for [`Permits`](super::Permits): the same whatever
/// their limit is, so that one that is changed counts those that are in flight.
pub(crate) fn scope_of(rule: &str) -> u64 {
    Key::scope_of(rule, IN_FLIGHT)
}

/// When the entry was made that a request has which was just admitted, by the `answer` at `now`:
/// what its refund has to name.
///
/// That is `now`, unless the clock went back or another one is ahead; then the log has given
/// the entry the time of its newest one.
pub(crate) fn taken_at(limit: &Limit, answer: &Decision, now: Nanos) -> Nanos {
    // The newest entry is the last that stops counting, one window after it was made.
    now.saturating_add(answer.reset_after).saturating_sub(limit.spec().window())
}

#[cfg(test)]
mod tests {
    use tidegate_core::{Adjustment, Change, Charge};
    use tidegate_memory::MemoryStore;

    use super::*;
    use crate::{Store, store::UNDECIDED};

    /// Requests in flight in a store that counts them by a log.
    struct Flights {
        store: MemoryStore,
        limit: Limit,
    }

    impl Flights {
        fn new(concurrent: u32) -> Self {
            let limit = limit_of("api", concurrent, HOLD).unwrap();
            Self { store: MemoryStore::new(), limit }
        }

        fn key() -> Key<'static> {
            Key::new("api", IN_FLIGHT, b"ana")
        }

        /// When the request was counted, if it may begin.
        fn begin(&self, second: u64) -> Option<Nanos> {
            let at = Nanos::from_secs(second);
            let charge = Charge { key: Self::key(), limit: &self.limit, cost: 1, at };
            let mut answer = [UNDECIDED];
            Store::check(&self.store, &[charge], at, &mut answer).unwrap();
            answer[0].is_allowed().then(|| taken_at(&self.limit, &answer[0], at))
        }

        fn end(&self, charged_at: Nanos, second: u64) {
            let at = Nanos::from_secs(second);
            let change = Change::Refund { cost: 1, charged_at };
            let adjustment = Adjustment { key: Self::key(), limit: &self.limit, at, change };
            Store::adjust(&self.store, &[adjustment], at).unwrap();
        }
    }

    #[test]
    fn the_log_is_as_long_as_requests_may_be_in_flight() {
        let limit = limit_of("api", 20, HOLD).unwrap();
        assert_eq!(limit.to_string(), "sliding_window_log: 20/5m force");
        assert_eq!(limit_of("api", 0, HOLD).unwrap().capacity(), 0);
        assert!(limit_of("api", 50_000, HOLD).is_ok());

        let error = limit_of("api", 20, Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("`api`") && error.contains("the period is zero"), "{error}");
    }

    #[test]
    fn each_end_lets_one_begin_whoever_began_first() {
        let flights = Flights::new(2);
        let (first, second) = (flights.begin(100).unwrap(), flights.begin(110).unwrap());
        assert_eq!(first, Nanos::from_secs(100));
        assert!(flights.begin(120).is_none());

        flights.end(first, 130);
        let third = flights.begin(140).unwrap();
        assert!(flights.begin(150).is_none());
        flights.end(second, 160);
        flights.end(third, 160);

        assert!(flights.begin(170).is_some() && flights.begin(170).is_some());
        assert!(flights.begin(170).is_none());
    }

    #[test]
    fn a_clock_that_goes_back_loses_no_permit() {
        let flights = Flights::new(2);
        let ahead = flights.begin(1000).unwrap();
        let behind = flights.begin(900).unwrap();
        assert_eq!(behind, ahead, "the log is kept in order");

        flights.end(behind, 901);
        assert!(flights.begin(902).is_some());
        assert!(flights.begin(903).is_none());
    }

    #[test]
    fn what_never_ends_counts_for_as_long_as_it_is_held() {
        let flights = Flights::new(1);
        let lost = flights.begin(0).unwrap();

        assert!(flights.begin(299).is_none());
        let next = flights.begin(300).unwrap();
        flights.end(lost, 301);
        assert!(flights.begin(302).is_none(), "the late end of a lost one frees nobody else's");
        flights.end(next, 303);
        assert!(flights.begin(304).is_some());
    }

    #[test]
    fn each_rule_has_requests_in_flight_of_its_own() {
        assert_ne!(scope_of("api"), scope_of("web"));
    }
}
