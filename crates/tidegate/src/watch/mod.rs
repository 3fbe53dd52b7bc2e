//! What a running gate tells of itself: counts by rule, the busiest keys, how long decisions take.
//!
//! Off unless a gate is given one, and made so that no request waits for it: counters are added
//! to without a lock, and the sketch of keys is left alone when somebody else has it. A watch
//! outlives its gate: the one that takes the gate's place goes on with it.
//!
//! Knows nothing of who asks, or how the answer is sent.

mod counted;
mod histogram;
mod keys;
mod rules;
mod sketch;
mod tally;
mod temporary;
#[cfg(test)]
mod tests;

use std::{
    net::IpAddr,
    sync::{Mutex, TryLockError},
    time::{Duration, Instant},
};

use tidegate_core::address::{Network, NetworkError};

use self::{
    counted::reasons,
    histogram::{Histogram, nanos},
    keys::ExceptedKeys,
    rules::Rules,
    sketch::Sketch,
    tally::{Lane, Tally},
    temporary::Temporary,
};
use crate::{Brief, Decision, Error, Reason};

pub use self::{
    counted::{Counted, RuleCounts},
    keys::ExceptedKey,
    sketch::BusyKey,
    temporary::Exception,
};

// The counters of the whole gate; refusals come after them, by reason.
const ADMITTED: usize = 0;
const ERRORS: usize = 1;
/// Decisions that were made without the store, as the rules say for that case.
const DEGRADED: usize = 2;
/// Requests whose keys nobody noted, because another request was being noted.
const UNNOTED: usize = 3;
const NANOS: usize = 4;
const REFUSED: usize = 5;

/// Counts of a gate. See the module.
///
/// A process that is forked goes on with its parent's counts; it sets them to zero by
/// [`clear`](Self::clear) if both are asked.
#[derive(Debug, Default)]
pub struct Watch {
    whole: Tally<{ REFUSED + Reason::ALL.len() }>,
    rules: Rules,
    keys: Mutex<Sketch>,
    latency: Histogram,
    temporary: Temporary,
    excepted_keys: ExceptedKeys,
}

impl Watch {
    /// Nothing counted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What has been counted so far. The numbers are read one after the other, while requests go
    /// on; none of them ever goes back.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let sums = self.whole.sums();
        let reasons = reasons(|reason| sums[REFUSED + reason as usize]);
        let refused = reasons.iter().map(|(_, count)| count).sum();
        Counted {
            requests: sums[ADMITTED] + refused + sums[ERRORS],
            admitted: sums[ADMITTED],
            refused,
            reasons,
            errors: sums[ERRORS],
            degraded: sums[DEGRADED],
            rules: self.rules.counted(),
            keys: self.keys(),
            unnoted: sums[UNNOTED],
            latency: self.latency.buckets(),
            nanos: sums[NANOS],
        }
    }

    /// Begins to count anew: for a process that has just been forked, before its first request.
    pub fn clear(&self) {
        self.whole.clear();
        self.rules.clear();
        self.latency.clear();
        if let Ok(mut keys) = self.keys.try_lock() {
            keys.clear();
        }
    }

    /// Keeps an address or a network out for a while, or lets it in whatever the rules say; at
    /// most 1024 at a time, and until the process ends.
    ///
    /// # Errors
    ///
    /// [`Error::List`] for what is no address, or when there are too many.
    pub fn except(&self, network: &str, lets_in: bool, time: Duration) -> Result<(), Error> {
        let list = if lets_in { "allow" } else { "deny" };
        let parsed = network.parse::<Network>().map_err(|source| Error::List { list, source })?;
        let too_many =
            || NetworkError::Address { text: format!("{network} (1024 are kept already)") };
        let until = Instant::now() + time;
        self.temporary
            .add(Exception { network: parsed, lets_in, until })
            .then_some(())
            .ok_or_else(|| Error::List { list, source: too_many() })
    }

    /// Ends what [`except`](Self::except) began for a network; false when there is nothing.
    pub fn forget(&self, network: &str) -> bool {
        network.parse::<Network>().is_ok_and(|network| self.temporary.remove(network))
    }

    /// The exceptions that are in force.
    #[must_use]
    pub fn exceptions(&self) -> Vec<Exception> {
        self.temporary.all()
    }

    /// Keeps a key that a rule counts out for a while, or lets it in whatever the rules say; at most
    /// 1024 at a time, and until the process ends. False when there are as many already.
    #[must_use]
    pub fn except_key(&self, rule: &str, key: &[u8], lets_in: bool, time: Duration) -> bool {
        self.excepted_keys.add(rule, key, lets_in, Instant::now() + time)
    }

    /// Ends what [`except_key`](Self::except_key) began; false when there is nothing.
    #[must_use]
    pub fn forget_key(&self, rule: &str, key: &[u8]) -> bool {
        self.excepted_keys.remove(rule, key)
    }

    /// The keys that are let in or kept out for now.
    #[must_use]
    pub fn excepted_keys(&self) -> Vec<ExceptedKey> {
        self.excepted_keys.all()
    }

    /// The exceptions of keys, if there are any.
    pub(crate) fn key_exceptions(&self) -> Option<&ExceptedKeys> {
        (!self.excepted_keys.is_empty()).then_some(&self.excepted_keys)
    }

    /// Whether there is any exception.
    pub(crate) fn has_exceptions(&self) -> bool {
        !self.temporary.is_empty()
    }

    /// Whether an address is let in (true) or kept out (false) for now.
    pub(crate) fn exception_of(&self, address: IpAddr) -> Option<bool> {
        self.temporary.find(address)
    }

    /// Notes a decision that was begun at `start`.
    pub(crate) fn note(&self, decided: &Result<Decision, Error>, start: Instant) {
        let lane = self.note_time(start);
        let Ok(decision) = decided else { return self.whole.add(lane, ERRORS, 1) };
        if decision.degraded {
            self.whole.add(lane, DEGRADED, 1);
        }
        self.note_outcome(lane, refusal(decision));
        self.note_rules(lane, decision);
        if let Some(subject) = &decision.subject {
            self.note_key(lane, decision.rule(), subject, !decision.allowed);
        }
    }

    /// Notes an answer in short that was begun at `start`.
    pub(crate) fn note_brief(&self, answered: &Result<Brief, Error>, start: Instant) {
        let lane = self.note_time(start);
        let Ok(brief) = answered else { return self.whole.add(lane, ERRORS, 1) };
        let (rule, refusal) = (brief.limit.rule().name(), brief.outcome.refusal());
        self.note_outcome(lane, refusal);
        self.rules.add(lane, [(rule, refusal.map_or(rules::PASSED, rules::refused))]);
        self.note_key(lane, rule, &brief.subject, refusal.is_some());
    }

    fn note_time(&self, start: Instant) -> Lane {
        let (lane, took) = (Lane::of_thread(), start.elapsed());
        self.latency.add(lane, took);
        self.whole.add(lane, NANOS, nanos(took));
        lane
    }

    fn note_outcome(&self, lane: Lane, refusal: Option<Reason>) {
        let which = refusal.map_or(ADMITTED, |reason| REFUSED + reason as usize);
        self.whole.add(lane, which, 1);
    }

    /// Notes a request that went wrong before anything was decided.
    pub(crate) fn note_error(&self) {
        self.whole.add(Lane::of_thread(), ERRORS, 1);
    }

    fn note_rules(&self, lane: Lane, decision: &Decision) {
        let refusal = refusal(decision);
        // One whose limits were not asked for their part in it, because it has none.
        let mut untold = refusal.map(|_| decision.rule()).filter(|rule| !rule.is_empty());
        let enforced = decision.rules().iter().enumerate().map(|(place, rule)| {
            let is_told = untold.take_if(|untold| *untold == rule.name()).is_some();
            let which = match refusal {
                Some(reason) if is_told || decision.refuses(place) => rules::refused(reason),
                _ => rules::PASSED,
            };
            (rule.name(), which)
        });
        if !decision.rules().is_empty() {
            self.rules.add(lane, enforced);
        }
        if let (Some(rule), Some(reason)) = (untold, refusal) {
            self.rules.add(lane, [(rule, rules::refused(reason))]);
        }
        if let Some(besides) = &decision.besides {
            let which =
                |rule| if decision.shadow.contains(rule) { rules::SHADOW } else { rules::PASSED };
            self.rules.add(lane, besides.iter().map(|rule| (&**rule, which(rule))));
        }
    }

    fn keys(&self) -> Vec<BusyKey> {
        /// Who has it notes one key and is done; whoever had it when the process was forked never
        /// gives it back.
        const TRIES: usize = 1000;
        for _ in 0..TRIES {
            if let Ok(keys) = self.keys.try_lock() {
                return keys.busiest();
            }
            std::thread::yield_now();
        }
        Vec::new()
    }

    fn note_key(&self, lane: Lane, rule: &str, subject: &[u8], is_refused: bool) {
        match self.keys.try_lock() {
            Ok(mut keys) => keys.note(rule, subject, is_refused),
            // Somebody panicked with it in hand, or has it now.
            Err(TryLockError::Poisoned(_) | TryLockError::WouldBlock) => {
                self.whole.add(lane, UNNOTED, 1);
            }
        }
    }
}

/// Why a request was refused; `None` when it was admitted.
fn refusal(decision: &Decision) -> Option<Reason> {
    (!decision.allowed).then(|| decision.reason.unwrap_or(Reason::Limit))
}
