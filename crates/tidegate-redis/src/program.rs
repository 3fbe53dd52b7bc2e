//! Limits with numbers that a script can hold exactly.
//!
//! A script counts in doubles, which are exact up to 2^53. In nanoseconds that is 104 days.

use std::num::NonZeroU32;

use tidegate_core::{
    Limit, Nanos, Program,
    algorithm::{FixedWindow, Gcra, LeakyQueue, SlidingWindowCounter, SlidingWindowLog},
};

/// The largest integer up to which doubles have no gaps.
const EXACT: u64 = 1 << 53;
/// Nanoseconds in a microsecond.
pub(crate) const MICRO: u64 = 1_000;

/// `limit` as the scripts count it.
///
/// * A smooth limit that takes longer than 52 days to fill gets an emission interval of whole
///   microseconds, rounded up: by less than a thousandth, because the interval is at least a
///   millisecond then. Its longest wait, if it has one, is rounded down.
/// * A window's period becomes whole microseconds, rounded up.
pub(crate) fn program(limit: &Limit) -> Program {
    match limit.program() {
        Program::DenyAll => Program::DenyAll,
        Program::Gcra(gcra) if fits(gcra.fill_time()) => Program::Gcra(gcra.clone()),
        Program::Gcra(gcra) => {
            let interval = up(gcra.emission_interval());
            Program::Gcra(Gcra::new(NonZeroU32::MIN, interval).with_burst(gcra.burst()))
        }
        Program::LeakyQueue(queue) if fits(queue.fill_time()) => Program::LeakyQueue(queue.clone()),
        Program::LeakyQueue(queue) => {
            let interval = up(queue.emission_interval());
            let max_wait = Nanos(queue.max_wait().0 / MICRO * MICRO);
            Program::LeakyQueue(LeakyQueue::new(NonZeroU32::MIN, interval, max_wait))
        }
        Program::FixedWindow(by) => {
            Program::FixedWindow(FixedWindow::new(by.limit(), up(by.period())))
        }
        Program::SlidingWindowCounter(by) => {
            Program::SlidingWindowCounter(SlidingWindowCounter::new(by.limit(), up(by.period())))
        }
        Program::SlidingWindowLog(by) => {
            Program::SlidingWindowLog(SlidingWindowLog::new(by.limit(), up(by.period())))
        }
    }
}

/// Nanoseconds per unit of the spans that a smooth limit deals in.
pub(crate) const fn unit(fill_time: Nanos) -> u64 {
    if fits(fill_time) { 1 } else { MICRO }
}

const fn fits(fill_time: Nanos) -> bool {
    fill_time.0 <= EXACT / 2
}

fn up(time: Nanos) -> Nanos {
    Nanos(time.0.div_ceil(MICRO).saturating_mul(MICRO))
}

#[cfg(test)]
mod tests {
    use tidegate_core::{LimitSpec, Period, algorithm::Kind};

    use super::*;

    const DAY: u64 = 86_400 * 1_000_000_000;

    fn limit(algorithm: Kind, limit: u32, period: u64) -> Limit {
        Limit::new(LimitSpec::new(algorithm, limit, Period::Span(Nanos(period)))).unwrap()
    }

    #[test]
    fn an_ordinary_limit_stays_as_it_is() {
        for kind in Kind::ALL {
            let limit = limit(kind, 7, DAY);
            assert_eq!(&program(&limit), limit.program());
        }
    }

    #[test]
    fn a_slow_limit_refills_in_whole_microseconds_and_not_faster() {
        let limit = limit(Kind::Gcra, 7_000_001, 365 * DAY);
        let (Program::Gcra(asked), Program::Gcra(gcra)) = (limit.program(), program(&limit)) else {
            panic!("not gcra");
        };
        let (asked, got) = (asked.emission_interval().0, gcra.emission_interval().0);
        assert!(got % MICRO == 0 && got >= asked && got - asked < MICRO, "{got} for {asked}");
        assert_eq!(gcra.burst().get(), 7_000_001);
        assert!(2 * gcra.fill_time().0 / unit(gcra.fill_time()) < EXACT);
    }

    #[test]
    fn a_slow_queue_makes_nobody_wait_longer() {
        let mut spec = LimitSpec::new(Kind::LeakyBucket, 3, Period::Span(Nanos(1_000 * DAY)));
        spec.max_wait = Some(Nanos(100 * DAY + 1));
        let limit = Limit::new(spec).unwrap();
        let Program::LeakyQueue(queue) = program(&limit) else { panic!("not a queue") };
        assert_eq!(queue.max_wait(), Nanos(100 * DAY));
        assert_eq!(queue.emission_interval().0 % MICRO, 0);
    }

    #[test]
    fn a_windows_period_is_rounded_up() {
        for kind in [Kind::FixedWindow, Kind::SlidingWindowLog, Kind::SlidingWindowCounter] {
            let period = match program(&limit(kind, 7, 1_000_000_001)) {
                Program::FixedWindow(by) => by.period(),
                Program::SlidingWindowCounter(by) => by.period(),
                Program::SlidingWindowLog(by) => by.period(),
                other => panic!("{other:?}"),
            };
            assert_eq!(period, Nanos(1_000_001_000));
        }
    }
}
