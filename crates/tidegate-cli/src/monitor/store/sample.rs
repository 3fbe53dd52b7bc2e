//! How a store and its keys stand, at one moment.

use std::sync::Arc;

use serde::Serialize;
use tidegate::{Error, Gate, Health, Page, Store, Subject};

use crate::{exit::Failure, shown, store::probe::Probe};

/// Keys that are looked at: each is a question to the store.
const MOST_KEYS: usize = 500;
/// How often the store is asked how long it takes, the first time not counted.
const LOOKS: usize = 3;

/// How a store stands. Times are in seconds.
#[derive(Serialize)]
pub(in crate::monitor) struct StoreSample {
    /// The store's URL, secrets masked.
    pub(super) store: String,
    /// Whether its server answers; `None` for a store without one.
    pub(super) up: Option<bool>,
    /// How long it takes to answer.
    pub(super) answer: Option<f64>,
    /// Whether these are all keys.
    pub(super) complete: bool,
    pub(super) keys: Vec<StoreKey>,
}

/// A key that a store holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct StoreKey {
    pub(super) rule: String,
    pub(super) key: String,
    /// `None` when no rule is known by which to tell.
    pub(super) standing: Option<Standing>,
}

/// How a key stands with its rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Standing {
    pub(super) limit: u32,
    pub(super) used: u32,
    pub(super) remaining: u32,
    pub(super) allowed: bool,
    /// Until it would be let in; `None` for never, or when it is.
    pub(super) retry_after: Option<f64>,
}

/// Asks the store. `gate` knows the rules, if there are any.
pub(super) fn take(
    url: &str,
    store: &Arc<dyn Store>,
    gate: Option<&Gate>,
) -> Result<StoreSample, Failure> {
    let probe = Probe::take(store, LOOKS)?;
    let keys = match gate {
        Some(gate) => counted(gate)?,
        None => named(&**store)?,
    };
    Ok(StoreSample {
        store: url.to_owned(),
        up: store.remote().map(|remote| remote.health() == Health::Up),
        answer: probe.map(|probe| probe.median().as_secs_f64()),
        complete: keys.len() < MOST_KEYS,
        keys,
    })
}

fn counted(gate: &Gate) -> Result<Vec<StoreKey>, Failure> {
    let keys = gate.keys(b"", MOST_KEYS)?.into_iter().map(|key| StoreKey {
        rule: key.rule,
        key: text(&key.subject),
        standing: key.decision.map(|decision| Standing {
            limit: decision.limit,
            used: decision.limit.saturating_sub(decision.remaining),
            remaining: decision.remaining,
            allowed: decision.allowed,
            retry_after: decision.retry_after.map(shown::seconds),
        }),
    });
    Ok(keys.collect())
}

/// The keys of whatever rules there are.
fn named(store: &dyn Store) -> Result<Vec<StoreKey>, Failure> {
    let remote = store.remote().ok_or(Error::NoList { store: store.name() })?;
    let mut keys: Vec<StoreKey> = Vec::new();
    let mut page = Page { rule: None, prefix: String::new(), after: None, size: 500 };
    loop {
        let listed = remote.list(&page)?;
        for (rule, _, subject) in listed.counters {
            let key = StoreKey { rule, key: text(&subject), standing: None };
            // One with several limits has several counters.
            if keys.len() < MOST_KEYS && !keys.contains(&key) {
                keys.push(key);
            }
        }
        match listed.next {
            Some(next) if keys.len() < MOST_KEYS => page.after = Some(next),
            _ => return Ok(keys),
        }
    }
}

fn text(subject: &Subject) -> String {
    match subject {
        Subject::Plain(bytes) => shown::key(bytes),
        Subject::Digest(_) => "(too long to be kept)".to_owned(),
    }
}

impl Standing {
    /// For sorting: those that are refused first, then those that have used the most of what they
    /// may, in millionths.
    pub(super) fn fullness(&self) -> (bool, u64) {
        let share = u64::from(self.used) * 1_000_000;
        (!self.allowed, share.checked_div(u64::from(self.limit)).unwrap_or_default())
    }
}
