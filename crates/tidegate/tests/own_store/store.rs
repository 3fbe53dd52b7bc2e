//! A store of one's own: a map behind a lock.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tidegate::{Error, Store};
use tidegate_core::{
    Adjustment, Change, Charge, Decision, Key, Limit, Nanos, Program, Verdict, algorithm::Algorithm,
};

/// Counts in a map, behind one lock.
pub(crate) struct MapStore {
    keys: Mutex<HashMap<Vec<u8>, Kept>>,
    most_keys: usize,
}

/// What is kept for one key.
struct Kept {
    /// The state of the limit's algorithm.
    state: Box<dyn Any + Send>,
    /// When it may be forgotten, by the caller's clock.
    over_at: Nanos,
}

impl MapStore {
    /// A store that keeps at most `most_keys` keys.
    pub(crate) fn new(most_keys: usize) -> Self {
        Self { keys: Mutex::default(), most_keys }
    }

    fn lock(&self) -> Keys<'_> {
        // Nothing panics between a decision and what it changes.
        let map = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Keys { map, most: self.most_keys }
    }
}

/// Does `$body` with the algorithm of a limit, or `$otherwise` for a limit that needs none.
macro_rules! with_algorithm {
    ($limit:expr, $algorithm:ident => $body:expr, else $otherwise:expr) => {
        match $limit.program() {
            Program::Gcra($algorithm) => $body,
            Program::LeakyQueue($algorithm) => $body,
            Program::FixedWindow($algorithm) => $body,
            Program::SlidingWindowCounter($algorithm) => $body,
            Program::DenyAll => $otherwise,
            Program::SlidingWindowLog(_) => unreachable!("refused when a limiter is built"),
        }
    };
}

impl Store for MapStore {
    fn name(&self) -> &'static str {
        "map"
    }

    fn refuses(&self, limit: &Limit) -> Option<String> {
        matches!(limit.program(), Program::SlidingWindowLog(_))
            .then(|| "a map keeps states of fixed size; use sliding_window_counter".to_owned())
    }

    fn check(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        let mut keys = self.lock();
        keys.look_at(charges, decisions);
        if decisions.iter().all(Decision::is_allowed) {
            for (charge, decision) in charges.iter().zip(decisions) {
                *decision = keys.take(charge, now);
            }
        }
        Ok(())
    }

    fn peek(
        &self,
        charges: &[Charge<'_>],
        _now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        self.lock().look_at(charges, decisions);
        Ok(())
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>], now: Nanos) -> Result<(), Error> {
        let mut keys = self.lock();
        for adjustment in adjustments {
            keys.adjust(adjustment, now);
        }
        Ok(())
    }
}

/// The map while it is locked.
struct Keys<'a> {
    map: MutexGuard<'a, HashMap<Vec<u8>, Kept>>,
    most: usize,
}

impl Keys<'_> {
    fn look_at(&self, charges: &[Charge<'_>], decisions: &mut [Decision]) {
        for (charge, decision) in charges.iter().zip(decisions) {
            *decision = with_algorithm!(charge.limit, algorithm => {
                algorithm.peek(self.state(algorithm, &charge.key), charge.at, charge.cost)
            }, else of_zero(charge.cost));
        }
    }

    fn take(&mut self, charge: &Charge<'_>, now: Nanos) -> Decision {
        let Charge { key, at, cost, .. } = *charge;
        with_algorithm!(charge.limit, algorithm => {
            let step = algorithm.check(self.state(algorithm, &key), at, cost);
            if let Some(state) = step.next {
                self.keep(algorithm, &key, state, at, now);
            }
            step.decision
        }, else of_zero(cost))
    }

    fn adjust(&mut self, adjustment: &Adjustment<'_>, now: Nanos) {
        let Adjustment { key, at, change, .. } = *adjustment;
        with_algorithm!(adjustment.limit, algorithm => {
            let state = changed(algorithm, self.state(algorithm, &key), at, change);
            self.keep(algorithm, &key, state, at, now);
        }, else ());
    }

    /// The key's state; the default for a key that was never seen.
    fn state<A>(&self, _: &A, key: &Key<'_>) -> A::State
    where
        A: Algorithm,
        A::State: Send + 'static,
    {
        let kept = self.map.get(&bytes(key));
        kept.and_then(|kept| kept.state.downcast_ref()).copied().unwrap_or_default()
    }

    fn keep<A>(&mut self, algorithm: &A, key: &Key<'_>, state: A::State, at: Nanos, now: Nanos)
    where
        A: Algorithm,
        A::State: Send + 'static,
    {
        // A limit by the calendar has a timeline of its own: only the difference counts.
        let over_in = algorithm.recovered_at(state).saturating_sub(at);
        let kept = Kept { state: Box::new(state), over_at: now.saturating_add(over_in) };
        self.map.insert(bytes(key), kept);
        if self.map.len() > self.most {
            self.make_room(now);
        }
    }

    /// Forgets the keys whose time is over; and if that is not enough, the one whose time is
    /// over first. That may admit more, and never refuses anybody.
    fn make_room(&mut self, now: Nanos) {
        self.map.retain(|_, kept| kept.over_at > now);
        if self.map.len() > self.most {
            let soonest = self.map.iter().min_by_key(|(_, kept)| kept.over_at);
            if let Some(key) = soonest.map(|(key, _)| key.clone()) {
                self.map.remove(&key);
            }
        }
    }
}

/// The state after a change that is not a request.
fn changed<A: Algorithm>(algorithm: &A, state: A::State, at: Nanos, change: Change) -> A::State {
    match change {
        Change::Refund { cost, charged_at } => algorithm.refund(state, at, charged_at, cost),
        Change::Debit { cost } => algorithm.debit(state, at, cost),
        Change::Settle { reserved, charged_at, actual } => {
            algorithm.settle(state, at, charged_at, reserved, actual)
        }
        Change::Reset => A::State::default(),
    }
}

/// All that tells keys apart, as bytes.
fn bytes(key: &Key<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    key.feed(|part| bytes.extend_from_slice(part));
    bytes
}

/// The answer of a limit of zero, which counts nobody.
fn of_zero(cost: u32) -> Decision {
    Decision {
        verdict: if cost == 0 { Verdict::Allowed } else { Verdict::Never },
        limit: 0,
        remaining: 0,
        reset_after: Nanos::ZERO,
        next_unit_after: Nanos::ZERO,
        delay: Nanos::ZERO,
    }
}
