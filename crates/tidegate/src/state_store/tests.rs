//! A store that fails, and what its limiter makes of that.

use std::{collections::HashMap, sync::atomic::AtomicBool};

use super::*;
use crate::{Limiter, OnStoreError, Reason, Rule};

const NOW: Nanos = Nanos(1_800_000_000_000_000_000);

/// Keeps states in a map, and fails when told to.
#[derive(Default)]
struct Map {
    states: Mutex<HashMap<String, Vec<u8>>>,
    fails: AtomicBool,
}

impl StateStore for Arc<Map> {
    fn name(&self) -> &'static str {
        "map"
    }

    fn transact(&self, names: &[Name], step: &Step) -> Result<(Vec<Decision>, Nanos), RemoteError> {
        if self.fails.load(Ordering::Relaxed) {
            let reason = "told to".to_owned();
            return Err(RemoteError::Unavailable { store: "map", reason });
        }
        let mut states = lock(&self.states);
        let read: Vec<_> = names.iter().map(|name| states.get(name.as_str()).cloned()).collect();
        let read: Vec<_> = read.iter().map(Option::as_deref).collect();
        let (decisions, writes) = step.apply(&read, NOW).unwrap();
        for (name, write) in names.iter().zip(writes) {
            if let Some(write) = write {
                states.insert(name.to_string(), write.state);
            }
        }
        Ok((decisions, NOW))
    }
}

fn limiter(limits: &str, mode: OnStoreError) -> (Limiter, Arc<Map>, Arc<Mutex<Vec<Event>>>) {
    let (map, heard) = (Arc::new(Map::default()), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&heard);
    let listener: Listener = Arc::new(move |event| lock(&told).push(event.clone()));
    let limiter = Limiter::builder()
        .rule(Rule::new("api", limits.parse().unwrap()).on_store_error(mode))
        .store(StateKeeper::new(Arc::clone(&map), listener))
        .build()
        .unwrap();
    (limiter, map, heard)
}

#[test]
fn a_store_that_fails_is_told_of_once_and_once_that_it_works_again() {
    let (limiter, map, heard) = limiter("5/minute", OnStoreError::Open);
    assert!(!limiter.check("ana").unwrap().degraded);
    for _ in 0..3 {
        map.fails.store(true, Ordering::Relaxed);
        assert!((0..5).all(|_| limiter.check("bob").unwrap().degraded));
        map.fails.store(false, Ordering::Relaxed);
        assert!(!limiter.check("ana").unwrap().degraded);
    }

    let heard = lock(&heard);
    assert!(matches!(heard.as_slice(), [Event::Down(_), Event::Up]), "{heard:?}");
    let stats = limiter.store().remote().unwrap().stats();
    assert_eq!((stats.decided, stats.failures, stats.outages), (4, 15, 3));
}

#[test]
fn a_rule_says_what_becomes_of_a_request_without_an_answer() {
    for (mode, allowed) in [
        (OnStoreError::Open, [true; 4]),
        (OnStoreError::Closed, [false; 4]),
        // Two of three were spent when the store was last asked.
        (OnStoreError::Local, [true, false, false, false]),
    ] {
        let (limiter, map, _) = limiter("3/minute", mode);
        limiter.check_cost("ana", 2).unwrap();
        map.fails.store(true, Ordering::Relaxed);

        let decisions: Vec<_> = (0..4).map(|_| limiter.check("ana").unwrap()).collect();

        assert_eq!(decisions.iter().map(|it| it.allowed).collect::<Vec<_>>(), allowed);
        assert!(decisions.iter().all(|decision| decision.degraded), "{mode:?}");
        let closed = mode == OnStoreError::Closed;
        assert_eq!(decisions[3].reason == Some(Reason::StoreError), closed);
        assert!(limiter.reset("ana").is_err());
    }
}
