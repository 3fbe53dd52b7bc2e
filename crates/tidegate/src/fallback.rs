//! What becomes of a request whose store gave no answer.
//!
//! Decides by what the rules say about it. Knows nothing of why there was no answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use smallvec::SmallVec;
use tidegate_core::{Adjustment, Change, Charge, Decision, Limit, LimitSpec, Nanos, Verdict};
use tidegate_memory::MemoryStore;
use tidegate_remote::RemoteStore;

use crate::{
    decision::Parts,
    rule::OnStoreError,
    rules::{Counted, Rules},
    store::UNDECIDED,
};

/// How long a caller who is refused for want of an answer is told to wait.
const COME_BACK: Nanos = Nanos::SECOND;

/// How long counts are kept that nobody decides by. A server that is full, or half of a cluster,
/// still answers now and then: were they thrown away each time, everybody would get a fresh rest
/// of his limit each time.
const KEPT: Duration = Duration::from_secs(60);

/// This process's own counts, for the time that the store is away.
pub(crate) struct Fallback {
    /// The rules' limits, or this process's share of them.
    limits: Vec<Limit>,
    /// This process's share, in ten thousandths.
    share: u32,
    /// Made when the store goes away, and thrown away when it has been back for a while. Not
    /// behind a lock, which might be held for ever in a process that was forked. Shared by all
    /// that count for one gate.
    own: Arc<ArcSwapOption<Own>>,
}

struct Own {
    counts: MemoryStore,
    made: Instant,
    /// When somebody last decided by them, in milliseconds since they were made.
    used: AtomicU64,
}

impl Fallback {
    pub(crate) fn new(rules: &Rules, share: u32) -> Self {
        Self { limits: of_share(rules, share), share, own: Arc::default() }
    }

    /// The same for other rules, whose counts are kept with these.
    pub(crate) fn sharing(&self, rules: &Rules) -> Self {
        Self { limits: of_share(rules, self.share), share: self.share, own: Arc::clone(&self.own) }
    }

    /// Decides `charges`, one for each of the rules' limits, without the store. `now` is the
    /// time by the caller's clock, on which `charges` are dated.
    ///
    /// Unless it `opens`, what `Open` says is done as `Local` has it. The second value tells
    /// whether a rule wants the request refused as things are.
    pub(crate) fn decide(
        &self,
        rules: &Rules,
        charges: &[Charge<'_>],
        now: Nanos,
        remote: &dyn RemoteStore,
        opens: bool,
    ) -> (Parts, bool) {
        let mode = |counted: &Counted| match rules.rules[counted.rule].on_store_error {
            OnStoreError::Open if !opens => OnStoreError::Local,
            mode => mode,
        };
        let modes = || rules.counted.iter().map(mode);
        let mut parts: Parts = charges.iter().map(rested).collect();
        if modes().any(|mode| mode == OnStoreError::Closed) {
            for (part, mode) in parts.iter_mut().zip(modes()) {
                if mode == OnStoreError::Closed {
                    part.verdict = Verdict::Denied { retry_after: COME_BACK };
                    part.remaining = 0;
                }
            }
            return (parts, true);
        }
        let places: SmallVec<[usize; 2]> = modes()
            .enumerate()
            .filter(|(_, mode)| *mode == OnStoreError::Local)
            .map(|(place, _)| place)
            .collect();
        let own: SmallVec<[Charge<'_>; 2]> = places
            .iter()
            .map(|&place| Charge { limit: &self.limits[place], ..charges[place] })
            .collect();
        let own_counts = self.own();
        let counts = &own_counts.counts;
        for charge in &own {
            self.seed(counts, charge, now, remote);
        }
        let mut decisions = Parts::from_elem(UNDECIDED, own.len());
        counts.check(&own, now, &mut decisions);
        for (place, decision) in places.into_iter().zip(decisions) {
            parts[place] = decision;
        }
        (parts, false)
    }

    /// Whether anything is counted without the store, or was until just now.
    pub(crate) fn is_kept(&self) -> bool {
        self.own.load().is_some()
    }

    /// Takes the store's answers from here on: what was counted without it is forgotten, once
    /// that has not been needed for a while.
    pub(crate) fn forget(&self) {
        let is_over = |own: &Own| {
            let used = Duration::from_millis(own.used.load(Ordering::Relaxed));
            own.made.elapsed().saturating_sub(used) > KEPT
        };
        if self.own.load().as_deref().is_some_and(is_over) {
            self.own.store(None);
        }
    }

    fn own(&self) -> Arc<Own> {
        let own = self.own.load_full().unwrap_or_else(|| {
            let (made, used) = (Instant::now(), AtomicU64::new(0));
            let new = Arc::new(Own { counts: MemoryStore::new(), made, used });
            let old = self.own.compare_and_swap(&None::<Arc<Own>>, Some(Arc::clone(&new)));
            old.as_ref().map_or(new, Arc::clone)
        });
        // Relaxed: the time orders nothing, and a late one keeps the counts a little longer.
        let used = u64::try_from(own.made.elapsed().as_millis()).unwrap_or(u64::MAX);
        own.used.store(used, Ordering::Relaxed);
        own
    }

    /// Lets a key begin where the store last saw it, so that nobody gets a fresh burst because
    /// the store went away. What was counted here since then stays, if that is more.
    fn seed(
        &self,
        counts: &MemoryStore,
        charge: &Charge<'_>,
        now: Nanos,
        remote: &dyn RemoteStore,
    ) {
        let Some((last, age)) = remote.last(&charge.key) else { return };
        let told = self.of_share(last.limit.saturating_sub(last.remaining));
        if told == 0 || last.reset_after <= age {
            return;
        }
        // Both as of when the store answered: from told on, both recover alike.
        let (key, limit, now) = (charge.key, charge.limit, now.saturating_sub(age));
        let at = charge.at.saturating_sub(age);
        let mut found = [UNDECIDED];
        counts.peek(&[Charge { cost: 0, at, ..*charge }], now, &mut found);
        let counted = found[0].limit.saturating_sub(found[0].remaining);
        let cost = told.min(limit.capacity()).saturating_sub(counted);
        if cost > 0 {
            let spent = Change::Debit { cost };
            counts.adjust(&[Adjustment { key, limit, at, change: spent }], now);
        }
    }

    fn of_share(&self, units: u32) -> u32 {
        scaled(units, self.share)
    }
}

fn of_share(rules: &Rules, share: u32) -> Vec<Limit> {
    rules.counted.iter().map(|counted| shared(&counted.limit, share)).collect()
}

/// A process's share of a limit: fewer units in the same time, at least one.
fn shared(limit: &Limit, share: u32) -> Limit {
    if limit.capacity() == 0 || share >= 10_000 {
        return limit.clone();
    }
    let spec = limit.spec();
    let smaller = LimitSpec {
        limit: scaled(spec.limit, share).max(1),
        burst: spec.burst.map(|burst| scaled(burst, share).max(1)),
        ..spec.clone()
    };
    Limit::new(smaller).unwrap_or_else(|_| limit.clone())
}

/// Rounded up.
fn scaled(units: u32, share: u32) -> u32 {
    let share = (u64::from(units) * u64::from(share)).div_ceil(10_000);
    u32::try_from(share).unwrap_or(units)
}

/// The decision on a charge that nobody counts.
fn rested(charge: &Charge<'_>) -> Decision {
    let limit = charge.limit.capacity();
    let verdict = if charge.cost > limit { Verdict::Never } else { Verdict::Allowed };
    Decision { verdict, limit, remaining: limit, ..UNDECIDED }
}
