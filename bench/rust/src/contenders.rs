//! What is measured: the same limit and the same keys, through each library's own front door.
//!
//! Every contender reads its own clock once per check, as an application would have it.

use std::{hint::black_box, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tidegate::{Clock as _, Limit, Limiter, MemoryStore, Rule, SystemClock, Verdict};
use tidegate_core::{Charge, Decision, Key, Nanos};

/// Keys given to `MemoryStore::check_each` at once.
pub const BATCH: usize = 64;

/// One way to check keys.
pub trait Contender: Send + Sync {
    /// The name in the results.
    fn name(&self) -> &'static str;

    /// Checks every key once, one after the other; returns how many were allowed.
    fn check_all(&self, keys: &[String]) -> usize;

    /// Keys that have not recovered yet, where the library can tell.
    fn live(&self) -> Option<usize> {
        None
    }
}

/// So many requests a day, in the words of both libraries.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    per_day: u32,
}

impl Policy {
    /// Refuses all but the first.
    pub const REFUSING: Self = Self { per_day: 1 };

    /// Refuses nothing in a run of a billion checks spread over so many keys, and remembers
    /// each key until its next turn comes.
    pub fn allowing(keys: u64) -> Self {
        let share = 1_000_000_000 / keys.max(1);
        Self { per_day: u32::try_from(share).unwrap_or(u32::MAX).max(1) }
    }

    fn text(self) -> String {
        format!("{}/day", self.per_day)
    }

    fn quota(self) -> Option<Quota> {
        let burst = NonZeroU32::new(self.per_day)?;
        let emission_interval = Duration::from_secs(24 * 60 * 60) / self.per_day;
        Quota::with_period(emission_interval).map(|quota| quota.allow_burst(burst))
    }
}

/// All contenders, each with an empty table of its own; ours with room for `capacity` keys.
pub fn all(policy: Policy, capacity: usize) -> Result<Vec<Box<dyn Contender>>, String> {
    ["governor", "limiter_allow", "limiter_check", "store_check", "store_batch_64"]
        .iter()
        .map(|name| by_name(name, policy, capacity))
        .collect()
}

/// The contender of that name.
pub fn by_name(name: &str, policy: Policy, capacity: usize) -> Result<Box<dyn Contender>, String> {
    Ok(match name {
        "governor" => {
            let quota = policy.quota().ok_or("governor takes no such quota")?;
            Box::new(Governor(RateLimiter::keyed(quota)))
        }
        "limiter_allow" => Box::new(Allow(limiter(policy, capacity)?)),
        "limiter_check" => Box::new(Check(limiter(policy, capacity)?)),
        "store_check" => Box::new(Store(Table::new(policy, capacity)?)),
        "store_batch_64" => Box::new(Batch(Table::new(policy, capacity)?)),
        _ => return Err(format!("no contender `{name}`")),
    })
}

struct Governor(DefaultKeyedRateLimiter<String>);

impl Contender for Governor {
    fn name(&self) -> &'static str {
        "governor"
    }

    fn check_all(&self, keys: &[String]) -> usize {
        keys.iter().filter(|key| black_box(self.0.check_key(black_box(key))).is_ok()).count()
    }

    fn live(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Ours {
    limiter: Limiter,
    store: Arc<MemoryStore>,
}

fn limiter(policy: Policy, capacity: usize) -> Result<Ours, String> {
    let store = Arc::new(store(capacity)?);
    let limits = policy.text().parse().map_err(|error| format!("{error}"))?;
    let limiter = Limiter::builder()
        .rule(Rule::new("api", limits))
        .shared_store(Arc::clone(&store) as Arc<dyn tidegate::Store>)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Ours { limiter, store })
}

fn store(capacity: usize) -> Result<MemoryStore, String> {
    MemoryStore::with_capacity(capacity, 0).map_err(|error| error.to_string())
}

struct Allow(Ours);

impl Contender for Allow {
    fn name(&self) -> &'static str {
        "limiter_allow"
    }

    fn check_all(&self, keys: &[String]) -> usize {
        let limiter = &self.0.limiter;
        keys.iter().filter(|key| matches!(limiter.allow(black_box(key)), Ok(true))).count()
    }

    fn live(&self) -> Option<usize> {
        Some(self.0.store.stats(SystemClock.now()).live)
    }
}

struct Check(Ours);

impl Contender for Check {
    fn name(&self) -> &'static str {
        "limiter_check"
    }

    fn check_all(&self, keys: &[String]) -> usize {
        let limiter = &self.0.limiter;
        let allowed = |key: &&String| {
            black_box(limiter.check(black_box(key))).is_ok_and(|decision| decision.allowed)
        };
        keys.iter().filter(allowed).count()
    }
}

/// The store without the facade: what rules, errors and decisions cost is not in it.
struct Table {
    store: MemoryStore,
    limit: Limit,
    tag: u64,
}

impl Table {
    fn new(policy: Policy, capacity: usize) -> Result<Self, String> {
        let limits: tidegate::Limits = policy.text().parse().map_err(|error| format!("{error}"))?;
        let limit = limits.iter().next().cloned().ok_or("a policy has one limit")?;
        let tag = limit.tag(0);
        Ok(Self { store: store(capacity)?, limit, tag })
    }

    fn charge<'a>(&'a self, key: &'a str, now: Nanos) -> Charge<'a> {
        let key = Key::new("api", self.tag, key.as_bytes());
        Charge { key, limit: &self.limit, cost: 1, at: now }
    }
}

const UNDECIDED: Decision = Decision {
    verdict: Verdict::Never,
    limit: 0,
    remaining: 0,
    reset_after: Nanos::ZERO,
    next_unit_after: Nanos::ZERO,
    delay: Nanos::ZERO,
};

struct Store(Table);

impl Contender for Store {
    fn name(&self) -> &'static str {
        "store_check"
    }

    fn check_all(&self, keys: &[String]) -> usize {
        let allowed = |key: &&String| {
            let now = SystemClock.now();
            let mut decision = [UNDECIDED];
            self.0.store.check(&[self.0.charge(black_box(key), now)], now, &mut decision);
            black_box(decision[0]).is_allowed()
        };
        keys.iter().filter(allowed).count()
    }
}

struct Batch(Table);

impl Contender for Batch {
    fn name(&self) -> &'static str {
        "store_batch_64"
    }

    fn check_all(&self, keys: &[String]) -> usize {
        let mut allowed = 0;
        let mut charges = Vec::with_capacity(BATCH);
        let mut decisions = [UNDECIDED; BATCH];
        for keys in keys.chunks(BATCH) {
            let now = SystemClock.now();
            charges.clear();
            charges.extend(keys.iter().map(|key| self.0.charge(black_box(key), now)));
            let decisions = &mut decisions[..keys.len()];
            self.0.store.check_each(&charges, now, decisions);
            allowed += black_box(decisions).iter().filter(|answer| answer.is_allowed()).count();
        }
        allowed
    }
}
