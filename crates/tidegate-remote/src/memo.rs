//! The last answer about each key, as long as there is room: what need not be asked again.
//!
//! A counter that was over its limit stays so until its wait is over, whatever others do: they
//! can only spend more. So a denial is known in advance. The exception is a refund or a reset
//! by another process, which is why a denial is believed for a bounded time.
//!
//! Forgetting an answer costs a round trip, and nothing else.

use std::{
    sync::{Mutex, PoisonError, TryLockError},
    time::{Duration, Instant},
};

use tidegate_core::{Decision, Nanos, Verdict};

const SHARDS: usize = 64;
/// Answers in a shard.
const SLOTS: usize = 1024;

/// The last answers, found by a hash that nobody outside can aim.
pub struct Memo {
    /// A shard is empty until it is first written to.
    shards: Box<[Mutex<Vec<Option<Entry>>>]>,
    recheck: Duration,
}

/// What a server said of one counter.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    hash: u64,
    pub(crate) cost: u32,
    /// The decision.
    pub decision: Decision,
    /// When it was asked, and when the answer came, both local: it decided in between.
    asked: Instant,
    /// When it came; local.
    pub answered: Instant,
}

impl Entry {
    /// What is left of the denial at `now`, with waits to the end of which it surely lasts.
    fn denial(&self, cost: u32, now: Instant, recheck: Duration) -> Option<Decision> {
        let Verdict::Denied { retry_after } = self.decision.verdict else { return None };
        // Counted from when it was asked: the server decided later, so nobody is refused here
        // whom the server would admit.
        let until = (self.asked + Duration::from(retry_after)).min(self.answered + recheck);
        if self.cost != cost || now >= until {
            return None;
        }
        // Told from when the answer came: whoever waits as long as told is admitted.
        let age = Nanos::from(now.saturating_duration_since(self.answered));
        let left = |time: Nanos| time.saturating_sub(age);
        let retry_after = left(retry_after).max(Nanos(1));
        Some(Decision {
            verdict: Verdict::Denied { retry_after },
            reset_after: left(self.decision.reset_after),
            next_unit_after: left(self.decision.next_unit_after),
            ..self.decision
        })
    }

    fn is_denial(&self, now: Instant) -> bool {
        self.denial(self.cost, now, Duration::MAX / 4).is_some()
    }
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memo").finish_non_exhaustive()
    }
}

impl Memo {
    /// Denials are believed for `recheck`, at the longest.
    #[must_use]
    pub fn new(recheck: Duration) -> Self {
        // `Instant` cannot hold any time that a `Duration` can.
        let recheck = recheck.min(Duration::from_secs(86_400 * 365));
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), recheck }
    }

    /// The denial that a request of `cost` would meet at `now`, if that is known.
    pub(crate) fn denial(&self, hash: u64, cost: u32, now: Instant) -> Option<Decision> {
        self.read(hash, |entry| entry.denial(cost, now, self.recheck))
    }

    /// The last answer.
    #[must_use]
    pub fn entry(&self, hash: u64) -> Option<Entry> {
        self.read(hash, |entry| Some(*entry))
    }

    /// What `look` finds in the last answer, without a copy of it. Never waits: what somebody is
    /// just writing is not known yet, and what a thread was writing when its process was forked
    /// never will be.
    #[inline]
    fn read<T>(&self, hash: u64, look: impl FnOnce(&Entry) -> Option<T>) -> Option<T> {
        let shard = match self.shards[shard(hash)].try_lock() {
            Ok(shard) => shard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let kept = places(hash).into_iter().filter_map(|place| shard.get(place)?.as_ref());
        kept.into_iter().find(|entry| entry.hash == hash).and_then(look)
    }

    /// Keeps an answer, in the place of an older one or of one that says less.
    pub fn keep(
        &self,
        hash: u64,
        cost: u32,
        decision: Decision,
        asked: Instant,
        answered: Instant,
    ) {
        let entry = Entry { hash, cost, decision, asked, answered };
        let mut shard = self.shards[shard(hash)].lock().unwrap_or_else(PoisonError::into_inner);
        if shard.is_empty() {
            shard.resize(SLOTS, None);
        }
        let worth = |place: usize| match &shard[place] {
            None => (0, None),
            Some(kept) if kept.hash == hash => (0, None),
            Some(kept) => (1 + u8::from(kept.is_denial(answered)), Some(kept.answered)),
        };
        let [first, second] = places(hash);
        let place = if worth(second) < worth(first) { second } else { first };
        shard[place] = Some(entry);
        let other = if place == first { second } else { first };
        if shard[other].is_some_and(|kept| kept.hash == hash) && other != place {
            shard[other] = None;
        }
    }

    /// Forgets an answer, because the counter was changed in another way than by a request.
    pub fn forget(&self, hash: u64) {
        let mut shard = self.shards[shard(hash)].lock().unwrap_or_else(PoisonError::into_inner);
        for place in places(hash) {
            if let Some(slot) = shard.get_mut(place)
                && slot.is_some_and(|kept| kept.hash == hash)
            {
                *slot = None;
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "below the number of shards")]
fn shard(hash: u64) -> usize {
    hash as usize % SHARDS
}

/// The two places that an answer may stand in.
fn places(hash: u64) -> [usize; 2] {
    [(hash >> 16) as usize % SLOTS, (hash >> 40) as usize % SLOTS]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn denied(seconds: u64) -> Decision {
        Decision {
            verdict: Verdict::Denied { retry_after: Nanos::from_secs(seconds) },
            limit: 5,
            remaining: 0,
            reset_after: Nanos::from_secs(60),
            next_unit_after: Nanos::from_secs(seconds),
            delay: Nanos::ZERO,
        }
    }

    #[test]
    fn a_denial_is_known_until_it_may_be_over_and_tells_the_rest_of_its_wait() {
        let (memo, asked) = (Memo::new(60 * SECOND), Instant::now());
        let answered = asked + SECOND;
        memo.keep(7, 1, denied(10), asked, answered);

        let known = memo.denial(7, 1, asked + 9 * SECOND).unwrap();
        assert_eq!(known.retry_after(), Some(Nanos::from_secs(2)), "from when the answer came");
        assert_eq!(known.reset_after, Nanos::from_secs(52));
        assert!(memo.denial(7, 1, asked + 10 * SECOND).is_none(), "it may be over");
        assert!(memo.denial(7, 2, asked + SECOND).is_none(), "another cost, another wait");
        assert!(memo.denial(8, 1, asked + SECOND).is_none());
    }

    #[test]
    fn a_denial_is_not_believed_for_ever() {
        let (memo, now) = (Memo::new(SECOND), Instant::now());
        memo.keep(7, 1, denied(3600), now, now);

        assert!(memo.denial(7, 1, now + Duration::from_millis(999)).is_some());
        assert!(memo.denial(7, 1, now + SECOND).is_none());
        assert!(memo.entry(7).is_some(), "what was seen last is still known");
    }

    #[test]
    fn the_newest_answer_counts_and_can_be_forgotten() {
        let (memo, now) = (Memo::new(SECOND), Instant::now());
        memo.keep(7, 1, denied(10), now, now);
        memo.keep(7, 1, Decision { verdict: Verdict::Allowed, ..denied(10) }, now, now);

        assert!(memo.denial(7, 1, now).is_none());
        memo.forget(7);
        assert!(memo.entry(7).is_none());
    }

    #[test]
    fn a_denial_outlasts_admissions_that_want_its_place() {
        let (memo, now) = (Memo::new(SECOND), Instant::now());
        let allowed = Decision { verdict: Verdict::Allowed, ..denied(10) };
        memo.keep(1 << 16, 1, denied(10), now, now);
        for other in 1..100_u64 {
            memo.keep((1 << 16) | (other << 50), 1, allowed, now, now);
        }

        assert!(memo.denial(1 << 16, 1, now).is_some());
    }
}
