//! What a running gate tells of itself: counts by rule, the busiest keys, how long decisions take.
//!
//! Off unless a gate is given one, and made so that no request waits for it: counters are added
//! to without a lock, and the sketch of keys is left alone when somebody else has it. A watch
//! outlives its gate: the one that takes the gate's place goes on with it.
//!
//! Knows nothing of who asks, or how the answer is sent.

mod histogram;
mod sketch;
mod temporary;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, TryLockError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use tidegate_core::address::{Network, NetworkError};

use self::{histogram::Histogram, sketch::Sketch, temporary::Temporary};
use crate::{Decision, Error, Reason};

pub use self::{sketch::BusyKey, temporary::Exception};

/// The most rules that are counted by name; a gate has at most 64, and reloads bring new names.
const MOST_RULES: usize = 1024;

/// Counts of a gate. See the module.
#[derive(Debug, Default)]
pub struct Watch {
    requests: AtomicU64,
    refused: AtomicU64,
    errors: AtomicU64,
    /// Decisions that were made without the store, as the rules say for that case.
    degraded: AtomicU64,
    rules: ArcSwap<HashMap<Box<str>, Arc<Counts>>>,
    keys: Mutex<Sketch>,
    /// Requests whose keys nobody noted, because another request was being noted.
    unnoted: AtomicU64,
    latency: Histogram,
    temporary: Temporary,
}

/// Counts of one rule.
#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    refused: AtomicU64,
    shadow: AtomicU64,
}

/// What a [`Watch`] has counted for a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleCounts {
    /// The rule's name.
    pub rule: String,
    /// Requests that the rule applied to, without those that a rule in the shadow alone saw.
    pub requests: u64,
    /// Requests that it refused.
    pub refused: u64,
    /// Requests that it would have refused, were it not in the shadow.
    pub shadow: u64,
}

/// What a [`Watch`] has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counted {
    /// Requests that were decided.
    pub requests: u64,
    /// Requests that were refused, for whatever reason.
    pub refused: u64,
    /// Requests that could not be decided.
    pub errors: u64,
    /// Requests that were decided without the store.
    pub degraded: u64,
    /// By rule, in the order of their names.
    pub rules: Vec<RuleCounts>,
    /// The busiest keys, those with the most refusals first.
    pub keys: Vec<BusyKey>,
    /// Requests whose keys were not noted.
    pub unnoted: u64,
    /// How long decisions took: upper bounds in nanoseconds, and how many took no longer and
    /// longer than the bound before. Empty ones are left out.
    pub latency: Vec<(u64, u64)>,
}

impl Watch {
    /// Nothing counted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What has been counted so far. The numbers are read one after the other, while requests go
    /// on.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut rules: Vec<_> = self
            .rules
            .load()
            .iter()
            .map(|(rule, counts)| RuleCounts {
                rule: rule.to_string(),
                requests: load(&counts.requests),
                refused: load(&counts.refused),
                shadow: load(&counts.shadow),
            })
            .collect();
        rules.sort_by(|a, b| a.rule.cmp(&b.rule));
        Counted {
            requests: load(&self.requests),
            refused: load(&self.refused),
            errors: load(&self.errors),
            degraded: load(&self.degraded),
            rules,
            keys: self.keys(),
            unnoted: load(&self.unnoted),
            latency: self.latency.buckets(),
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
        self.latency.add(start.elapsed());
        add(&self.requests);
        let Ok(decision) = decided else { return add(&self.errors) };
        if !decision.allowed {
            add(&self.refused);
        }
        if decision.degraded {
            add(&self.degraded);
        }
        let refusing = (!decision.allowed && decision.reason != Some(Reason::DenyList))
            .then(|| decision.rule());
        if decision.is_counted() || refusing.is_some() {
            let mut is_told = false;
            for rule in decision.rules() {
                let counts = self.counts(rule.name());
                add(&counts.requests);
                if refusing == Some(rule.name()) {
                    is_told = true;
                    add(&counts.refused);
                }
            }
            if let Some(rule) = refusing.filter(|_| !is_told) {
                let counts = self.counts(rule);
                add(&counts.requests);
                add(&counts.refused);
            }
        }
        for rule in &decision.shadow {
            add(&self.counts(rule).shadow);
        }
        if let Some(subject) = &decision.subject {
            self.note_key(decision.rule(), subject, !decision.allowed);
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

    fn note_key(&self, rule: &str, subject: &[u8], is_refused: bool) {
        match self.keys.try_lock() {
            Ok(mut keys) => keys.note(rule, subject, is_refused),
            // Somebody panicked with it in hand, or has it now.
            Err(TryLockError::Poisoned(_) | TryLockError::WouldBlock) => add(&self.unnoted),
        }
    }

    fn counts(&self, rule: &str) -> Arc<Counts> {
        if let Some(counts) = self.rules.load().get(rule) {
            return Arc::clone(counts);
        }
        let new = Arc::new(Counts::default());
        self.rules.rcu(|rules| {
            let mut rules = (**rules).clone();
            if rules.len() < MOST_RULES {
                rules.entry(rule.into()).or_insert_with(|| Arc::clone(&new));
            }
            rules
        });
        // Another thread may have been quicker, with a counter of its own.
        self.rules.load().get(rule).cloned().unwrap_or(new)
    }
}

fn add(counter: &AtomicU64) {
    // Relaxed: a counter orders nothing.
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gate, Key, Rule};

    struct Request(&'static str);

    impl crate::Facts for Request {
        fn peer(&self) -> Option<&str> {
            Some(self.0)
        }

        fn method(&self) -> &'static str {
            "GET"
        }

        fn path(&self) -> std::borrow::Cow<'_, [u8]> {
            b"/".into()
        }

        fn header(&self, _: &str) -> crate::Lines<'_> {
            crate::Lines::new()
        }
    }

    fn watched(watch: &Arc<Watch>) -> Gate {
        Gate::builder()
            .rule(Rule::new("api", "3/hour".parse().unwrap()).key(Key::Ip))
            .rule(Rule::new("all", "100/hour".parse().unwrap()))
            .rule(Rule::new("strict", "1/hour".parse().unwrap()).key(Key::Ip).shadow(true))
            .watched(Arc::clone(watch))
            .build()
            .unwrap()
    }

    #[test]
    fn decisions_are_counted_by_rule_and_key() {
        let watch = Arc::new(Watch::new());
        let gate = watched(&watch);
        for peer in ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"] {
            gate.admit(&Request(peer)).unwrap();
        }

        let counted = watch.counted();
        assert_eq!((counted.requests, counted.refused, counted.errors), (5, 1, 0));
        let of = |name: &str| {
            let rule = counted.rules.iter().find(|rule| rule.rule == name).unwrap();
            (rule.requests, rule.refused, rule.shadow)
        };
        assert_eq!((of("api"), of("all"), of("strict")), ((5, 1, 0), (5, 0, 0), (0, 0, 2)));
        let first = &counted.keys[0];
        assert_eq!((&*first.rule, &*first.key), ("api", &b"192.0.2.1"[..]));
        assert_eq!((first.requests, first.refused), (4, 1));
        assert_eq!(counted.latency.iter().map(|(_, count)| count).sum::<u64>(), 5);
    }

    #[test]
    fn a_gate_that_takes_another_s_place_goes_on_counting() {
        let watch = Arc::new(Watch::new());
        let gate = watched(&watch);
        gate.admit(&Request("192.0.2.1")).unwrap();
        let next = Gate::builder()
            .rule(Rule::new("api", "9/hour".parse().unwrap()).key(Key::Ip))
            .after(&gate)
            .build()
            .unwrap();
        next.admit(&Request("192.0.2.1")).unwrap();
        assert_eq!(watch.counted().requests, 2);
    }

    #[test]
    fn exceptions_hold_for_a_while() {
        let watch = Arc::new(Watch::new());
        let gate = Gate::builder()
            .rule(Rule::new("none", "0/hour".parse().unwrap()))
            .watched(Arc::clone(&watch))
            .build()
            .unwrap();
        let allowed = |peer| gate.admit(&Request(peer)).unwrap().allowed;
        assert!(!allowed("192.0.2.1"));

        watch.except("192.0.2.0/24", true, Duration::from_secs(60)).unwrap();
        watch.except("192.0.2.7", false, Duration::from_secs(60)).unwrap();
        watch.except("198.51.100.1", true, Duration::ZERO).unwrap();
        assert!(allowed("192.0.2.1") && !allowed("192.0.2.7") && !allowed("198.51.100.1"));
        assert!(watch.forget("192.0.2.0/24") && !watch.forget("192.0.2.0/24"));
        assert!(!allowed("192.0.2.1"));
        assert_eq!(watch.exceptions().len(), 1);
        assert!(watch.except("nobody", true, Duration::ZERO).is_err());
    }

    #[test]
    fn nothing_is_lost_under_threads() {
        let watch = Arc::new(Watch::new());
        let gate = watched(&watch);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5000 {
                        gate.admit(&Request("192.0.2.1")).unwrap();
                    }
                });
            }
        });
        let counted = watch.counted();
        assert_eq!(counted.requests, 20_000);
        assert_eq!(counted.rules[0].requests, 20_000);
        let noted: u64 = counted.keys.iter().map(|key| key.requests).sum();
        assert_eq!(noted + counted.unnoted, 20_000);
    }
}
