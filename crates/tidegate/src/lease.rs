//! Units taken from a store in advance, and spent in this process.
//!
//! A lease costs one round trip for many requests. What is taken is taken: all processes
//! together never admit more than the limit. But what one process holds, another cannot have;
//! so a lease is short, small near the limit, and what is left of it goes back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use tidegate_core::Nanos;

use crate::decision::Parts;

/// The most requests that are paid for in advance.
const MOST: u32 = 1024;
const SHARDS: usize = 16;
/// The most keys of a shard that hold a lease at once; others ask for every request.
const KEYS: usize = 4096;

/// The longest validity: an `Instant` cannot hold any time that a `Duration` can.
const LONGEST: Duration = Duration::from_secs(86_400 * 365);

/// The leases of this process.
pub(crate) struct Leases {
    validity: Duration,
    held: ArcSwap<Held>,
}

/// What must not cross a fork: units that the parent goes on spending, and locks that others
/// may hold.
struct Held {
    process: u32,
    shards: Box<[Mutex<HashMap<u64, Lease>>]>,
}

/// Units of one request's keys, paid for in advance.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    /// Requests that are paid for.
    left: u32,
    cost: Option<u32>,
    expires: Instant,
    /// How many to pay for next.
    next: u32,
    /// When they were paid for, by the store's clock.
    pub(crate) at: Nanos,
    /// The decisions on the last of them.
    parts: Parts,
    /// The subjects, one for each rule, to give back what is left.
    pub(crate) subjects: Box<[Box<[u8]>]>,
}

/// Requests that a store has just been paid for.
pub(crate) struct Paid {
    pub(crate) cost: Option<u32>,
    /// How many were asked for.
    pub(crate) wanted: u32,
    /// How many were admitted beyond the one at hand.
    pub(crate) spare: u32,
    /// When it was asked; local.
    pub(crate) asked: Instant,
    /// When it was decided, by the store's clock.
    pub(crate) at: Nanos,
    /// The decisions on the last that was admitted.
    pub(crate) parts: Parts,
    pub(crate) subjects: Box<[Box<[u8]>]>,
}

/// What is left of a lease that is over.
pub(crate) struct Rest {
    pub(crate) lease: Lease,
    pub(crate) requests: u32,
}

impl Leases {
    pub(crate) fn new(validity: Duration) -> Self {
        Self { validity: validity.min(LONGEST), held: ArcSwap::new(Held::new()) }
    }

    pub(crate) const fn validity(&self) -> Duration {
        self.validity
    }

    /// The decision on a request that is paid for: its parts, and the time of the payment.
    pub(crate) fn spend(&self, hash: u64, cost: Option<u32>) -> Option<(Parts, Nanos)> {
        let held = self.held();
        let mut shard = held.shard(hash);
        let lease = shard.get_mut(&hash)?;
        if lease.left == 0 || lease.cost != cost || Instant::now() >= lease.expires {
            return None;
        }
        lease.left -= 1;
        let mut parts = lease.parts.clone();
        for part in &mut parts {
            // What is still held could be spent at once as well.
            let held = lease.left.saturating_mul(cost.unwrap_or(1));
            part.remaining = part.remaining.saturating_add(held).min(part.limit);
        }
        Some((parts, lease.at))
    }

    /// How many requests to pay for at once: one, for a key of which nothing is known.
    pub(crate) fn wanted(&self, hash: u64, cost: Option<u32>) -> u32 {
        let held = self.held();
        let shard = held.shard(hash);
        shard.get(&hash).filter(|lease| lease.cost == cost).map_or(1, |lease| lease.next)
    }

    /// Keeps what was paid for beyond the request at hand: `spare` more requests. Returns what
    /// was left of the lease before.
    pub(crate) fn keep(&self, hash: u64, paid: Paid) -> Option<Rest> {
        let held = self.held();
        let mut shard = held.shard(hash);
        let old = shard.remove(&hash);
        let lease = self.lease(paid, old.as_ref());
        if shard.len() >= KEYS {
            // The caller gives the spare requests back at once.
            return Some(Rest { requests: lease.left, lease });
        }
        shard.insert(hash, lease);
        old.filter(|lease| lease.left > 0).map(|lease| Rest { requests: lease.left, lease })
    }

    fn lease(&self, paid: Paid, old: Option<&Lease>) -> Lease {
        let Paid { cost, wanted, spare, asked, at, parts, subjects } = paid;
        // Doubled when the last one was used up before its time, else halved; and never more
        // than an eighth of what is there, so that others find something too.
        let is_used_up = old.is_none_or(|old| old.left == 0 && asked < old.expires);
        let next = if is_used_up { wanted.saturating_mul(2) } else { wanted / 2 };
        let fewest = parts.iter().map(|part| part.remaining / cost.unwrap_or(1).max(1)).min();
        let next = next.min(fewest.unwrap_or(0) / 8).clamp(1, MOST);
        Lease { left: spare, cost, expires: asked + self.validity, next, at, parts, subjects }
    }

    /// Takes back what is over, or everything, so that it can be given back.
    pub(crate) fn end(&self, everything: bool) -> Vec<Rest> {
        let now = Instant::now();
        let mut rests = Vec::new();
        for shard in &self.held().shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|_, lease| {
                let ends = everything || now >= lease.expires;
                if ends && lease.left > 0 {
                    rests.push(Rest { requests: lease.left, lease: lease.clone() });
                }
                !ends
            });
        }
        rests
    }

    /// The leases of this process; none yet after a fork.
    fn held(&self) -> Arc<Held> {
        let held = self.held.load_full();
        if held.process == std::process::id() {
            return held;
        }
        // The parent spends or gives back what it holds.
        let new = Held::new();
        let old = self.held.compare_and_swap(&held, Arc::clone(&new));
        if Arc::ptr_eq(&old, &held) { new } else { Arc::clone(&old) }
    }
}

impl Held {
    fn new() -> Arc<Self> {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Arc::new(Self { process: std::process::id(), shards })
    }

    #[expect(clippy::cast_possible_truncation, reason = "below the number of shards")]
    fn shard(&self, hash: u64) -> MutexGuard<'_, HashMap<u64, Lease>> {
        let index = (hash % SHARDS as u64) as usize;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rest {
    /// Units that one request took under a rule whose own cost this is.
    pub(crate) fn units(&self, own_cost: u32) -> u32 {
        self.lease.cost.unwrap_or(own_cost).saturating_mul(self.requests)
    }
}
