//! The circuit breaker: a server that does not answer is left alone, and asked again soon.
//!
//! Knows outcomes and times, and nothing of what was asked.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How things stand with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Up,
    /// It has not answered lately, and is left alone but for a try now and then.
    Down,
}

/// Counts failures, and says when not to ask.
pub(crate) struct Breaker {
    failures: u32,
    pause: Duration,
    /// Calls that take longer than this are slow.
    slow: Duration,
    state: Mutex<State>,
}

struct State {
    /// Failures since the last success.
    failed: u32,
    /// The last calls, the newest in the lowest bit: 1 for one that was slow or failed.
    recent: u64,
    /// How many of those bits were ever written.
    known: u32,
    /// Until when nobody is to ask; `None` while the server is up.
    down_until: Option<Instant>,
    /// Stirs the pauses, so that many processes do not come back at the same moment.
    stir: u64,
}

/// Half of so many calls being slow is as bad as failing.
const RECENT: u32 = 32;

impl Breaker {
    pub(crate) fn new(failures: u32, pause: Duration, timeout: Duration) -> Self {
        let state = State {
            failed: 0,
            recent: 0,
            known: 0,
            down_until: None,
            stir: u64::from(std::process::id()) | 1,
        };
        Self { failures, pause, slow: timeout / 2, state: Mutex::new(state) }
    }

    /// Whether to ask at `now`. When the pause is over, one caller is let through to try, and
    /// the others wait for what comes of it.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.down_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                state.down_until = Some(now + self.jittered(&mut state));
                true
            }
        }
    }

    /// Lets the next caller try at once, where a pause was begun: there is a sign of life.
    pub(crate) fn hurry(&self, now: Instant) {
        let mut state = self.state();
        state.down_until = state.down_until.map(|until| until.min(now));
    }

    /// How things stand.
    pub(crate) fn health(&self) -> Health {
        if self.state().down_until.is_some() { Health::Down } else { Health::Up }
    }

    /// Notes an answer that took so long. What health changed to, if it changed.
    pub(crate) fn answered(&self, now: Instant, took: Duration) -> Option<Health> {
        let mut state = self.state();
        state.failed = 0;
        let slow = took > self.slow;
        state.note(slow);
        if slow && state.is_slow() {
            return self.trip(&mut state, now);
        }
        // A slow answer is no proof of recovery.
        if slow || state.down_until.take().is_none() {
            return None;
        }
        (state.recent, state.known) = (0, 0);
        Some(Health::Up)
    }

    /// Notes that there was no answer. What health changed to, if it changed.
    pub(crate) fn failed(&self, now: Instant) -> Option<Health> {
        let mut state = self.state();
        state.failed = state.failed.saturating_add(1);
        state.note(true);
        if state.failed >= self.failures || state.down_until.is_some() {
            return self.trip(&mut state, now);
        }
        None
    }

    fn trip(&self, state: &mut State, now: Instant) -> Option<Health> {
        let was_up = state.down_until.is_none();
        state.down_until = Some(now + self.jittered(state));
        was_up.then_some(Health::Down)
    }

    /// The pause, give or take a fifth.
    fn jittered(&self, state: &mut State) -> Duration {
        // Source: Marsaglia, "Xorshift RNGs", 2003.
        state.stir ^= state.stir << 13;
        state.stir ^= state.stir >> 7;
        state.stir ^= state.stir << 17;
        let percent = 80 + u32::try_from(state.stir % 41).unwrap_or(20);
        self.pause * percent / 100
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, slow: bool) {
        self.recent = (self.recent << 1) | u64::from(slow);
        self.known = (self.known + 1).min(RECENT);
    }

    fn is_slow(&self) -> bool {
        let mask = (1 << RECENT) - 1;
        self.known == RECENT && (self.recent & mask).count_ones() * 2 >= RECENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(500);
    const QUICK: Duration = Duration::from_millis(1);
    const SLOW: Duration = Duration::from_millis(40);

    fn breaker() -> (Breaker, Instant) {
        (Breaker::new(3, PAUSE, Duration::from_millis(50)), Instant::now())
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_try_closes_it() {
        let (breaker, now) = breaker();

        assert_eq!((breaker.failed(now), breaker.failed(now)), (None, None));
        assert_eq!(breaker.failed(now), Some(Health::Down));
        assert!(!breaker.admits(now + PAUSE * 79 / 100));
        let later = now + PAUSE * 6 / 5;
        assert!(breaker.admits(later), "the pause is over");
        assert!(!breaker.admits(later), "one try is enough");
        assert_eq!(breaker.answered(later, QUICK), Some(Health::Up));
        assert!(breaker.admits(later));
    }

    #[test]
    fn a_try_that_fails_begins_another_pause() {
        let (breaker, now) = breaker();
        for _ in 0..3 {
            breaker.failed(now);
        }
        let later = now + PAUSE * 2;
        assert!(breaker.admits(later));

        assert_eq!(breaker.failed(later), None, "it was down already");

        assert!(!breaker.admits(later + PAUSE * 79 / 100));
        assert!(breaker.admits(later + PAUSE * 6 / 5));
    }

    #[test]
    fn a_sign_of_life_ends_the_pause_and_not_the_outage() {
        let (breaker, now) = breaker();
        for _ in 0..3 {
            breaker.failed(now);
        }
        assert!(!breaker.admits(now));

        breaker.hurry(now);

        assert_eq!(breaker.health(), Health::Down);
        assert!(breaker.admits(now), "one may try");
        assert!(!breaker.admits(now), "and no other");
    }

    #[test]
    fn failures_that_are_not_in_a_row_do_not_count() {
        let (breaker, now) = breaker();
        for _ in 0..10 {
            assert_eq!(breaker.failed(now), None);
            assert_eq!(breaker.failed(now), None);
            assert_eq!(breaker.answered(now, QUICK), None);
        }
        assert_eq!(breaker.health(), Health::Up);
    }

    #[test]
    fn half_of_the_calls_being_slow_opens_it() {
        let (breaker, now) = breaker();
        let mut changes = Vec::new();
        for _ in 0..RECENT {
            changes.extend(breaker.answered(now, QUICK));
            changes.extend(breaker.answered(now, SLOW));
        }
        assert_eq!(changes[0], Health::Down);
    }
}
