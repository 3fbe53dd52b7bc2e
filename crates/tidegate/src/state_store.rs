//! Stores that keep bytes, as an engine uses them: with a memory of what they said last, and a
//! word in the log when they fail.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use smallvec::smallvec;
use tidegate_core::{Adjustment, Charge, Decision, Key, Limit, Nanos};
use tidegate_remote::{
    Answer, Decisions, Done, Event, Health, Listed, Listener, Memo, Name, Outcome, Page,
    RemoteError, RemoteStats, RemoteStore,
};

use crate::{Clock as _, Error, Store, SystemClock, opaque::Step};

/// How long nobody hears again that the store failed.
const PERIOD: Duration = Duration::from_secs(60);

/// A place that keeps bytes under names, and changes several at once with nobody in between.
pub trait StateStore: Send + Sync + 'static {
    /// The store's name in messages and metrics.
    fn name(&self) -> &'static str;

    /// Reads the states of `names`, applies `step` to them, and writes what it returns, as one.
    ///
    /// Returns what the step decided in its last try, and the time that it was given, in
    /// nanoseconds since 1970.
    ///
    /// # Errors
    ///
    /// [`RemoteError`], when nothing was written. `Unavailable` is for what may be over in a
    /// moment: the rules then say what becomes of the request. `Contract` is for a store that
    /// does not do what is written here: whoever asked is told.
    fn transact(&self, names: &[Name], step: &Step) -> Result<(Vec<Decision>, Nanos), RemoteError>;
}

/// A [`StateStore`] that limiters and gates can count in.
///
/// Waits for as long as the store takes, and asks it for every request: also one that has failed
/// before. It keeps no list of its keys.
#[derive(Debug)]
pub struct StateKeeper<S> {
    store: S,
    listener: Told,
    outage: Mutex<Outage>,
    /// What the store said of each key last. Replaced after a fork, in which somebody may hold
    /// its locks for ever.
    seen: ArcSwap<Seen>,
    /// A local time, and the store's at that time.
    clock: Mutex<Option<(Instant, Nanos)>>,
    decided: AtomicU64,
    failures: AtomicU64,
    outages: AtomicU64,
}

/// A listener that has nothing to show for itself.
struct Told(Listener);

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listener")
    }
}

#[derive(Debug)]
struct Seen {
    process: u32,
    memo: Memo,
}

#[derive(Debug, Default)]
struct Outage {
    fails: bool,
    /// When somebody last heard of a failure.
    told_at: Option<Instant>,
    /// Whether somebody heard of this one.
    is_told: bool,
}

impl Seen {
    fn new() -> Arc<Self> {
        Arc::new(Self { process: std::process::id(), memo: Memo::new(Duration::ZERO) })
    }
}

impl<S: StateStore> StateKeeper<S> {
    /// Keeps states in `store`. `listener` hears of a failure at most once a minute, and of its
    /// end.
    pub fn new(store: S, listener: Listener) -> Self {
        Self {
            store,
            listener: Told(listener),
            outage: Mutex::default(),
            seen: ArcSwap::new(Seen::new()),
            clock: Mutex::default(),
            decided: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            outages: AtomicU64::new(0),
        }
    }

    /// Decides one request, and remembers what was said of each key.
    fn ask(&self, charges: &[Charge<'_>], step: &Step) -> Result<(Decisions, Nanos), RemoteError> {
        let names: Vec<Name> = charges.iter().map(|charge| Name::new(&charge.key)).collect();
        let asked = Instant::now();
        let (decisions, now) = self.transact(&names, step)?;
        let answered = Instant::now();
        let seen = self.seen();
        for (charge, decision) in charges.iter().zip(&decisions) {
            seen.memo.keep(hash(&charge.key), charge.cost, *decision, asked, answered);
        }
        // Relaxed, here and below: counts order nothing.
        self.decided.fetch_add(1, Ordering::Relaxed);
        Ok((decisions.into(), now))
    }

    fn transact(&self, names: &[Name], step: &Step) -> Result<(Vec<Decision>, Nanos), RemoteError> {
        let done = self.store.transact(names, step);
        match &done {
            Ok((_, now)) => {
                *lock(&self.clock) = Some((Instant::now(), *now));
                self.works();
            }
            Err(error) => self.fails(error),
        }
        done
    }

    fn works(&self) {
        let mut outage = lock(&self.outage);
        outage.fails = false;
        if std::mem::take(&mut outage.is_told) {
            drop(outage);
            self.tell(&Event::Up);
        }
    }

    fn fails(&self, error: &RemoteError) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        if !error.is_outage() {
            return;
        }
        let mut outage = lock(&self.outage);
        if !std::mem::replace(&mut outage.fails, true) {
            self.outages.fetch_add(1, Ordering::Relaxed);
        }
        if outage.told_at.is_none_or(|told| told.elapsed() >= PERIOD) {
            (outage.told_at, outage.is_told) = (Some(Instant::now()), true);
            drop(outage);
            self.tell(&Event::Down(error.clone()));
        }
    }

    fn tell(&self, event: &Event) {
        (self.listener.0)(event);
    }

    /// What this process has seen.
    fn seen(&self) -> Arc<Seen> {
        let seen = self.seen.load_full();
        if seen.process == std::process::id() {
            return seen;
        }
        let new = Seen::new();
        self.seen.store(Arc::clone(&new));
        new
    }
}

impl<S: StateStore> Store for StateKeeper<S> {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn check(
        &self,
        charges: &[Charge<'_>],
        _now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        decisions.copy_from_slice(&self.ask(charges, &Step::check(charges))?.0);
        Ok(())
    }

    fn peek(
        &self,
        charges: &[Charge<'_>],
        _now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        decisions.copy_from_slice(&self.ask(charges, &Step::peek(charges))?.0);
        Ok(())
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>], _now: Nanos) -> Result<(), Error> {
        Ok(RemoteStore::adjust(self, adjustments)?)
    }

    fn remote(&self) -> Option<&dyn RemoteStore> {
        Some(self)
    }
}

impl<S: StateStore> RemoteStore for StateKeeper<S> {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn refuses(&self, _limit: &Limit) -> Option<String> {
        None
    }

    /// Decides the first of the requests alone: a lease saves nothing here.
    fn check(&self, charges: &[Charge<'_>], _count: u32) -> Outcome {
        let (decisions, at) = self.ask(charges, &Step::check(charges))?;
        Ok(Answer { at, requests: smallvec![decisions] })
    }

    fn peek(&self, charges: &[Charge<'_>]) -> Outcome {
        let (decisions, at) = self.ask(charges, &Step::peek(charges))?;
        Ok(Answer { at, requests: smallvec![decisions] })
    }

    fn start(&self, charges: &[Charge<'_>], count: u32, done: Done) {
        done(RemoteStore::check(self, charges, count));
    }

    fn look(&self, charges: &[Charge<'_>], done: Done) {
        done(RemoteStore::peek(self, charges));
    }

    fn known(&self, _charges: &[Charge<'_>]) -> Option<Decisions> {
        None
    }

    fn known_denial(&self, _charge: &Charge<'_>) -> Option<Decision> {
        None
    }

    fn last(&self, key: &Key<'_>) -> Option<(Decision, Nanos)> {
        let entry = self.seen().memo.entry(hash(key))?;
        Some((entry.decision, entry.answered.elapsed().into()))
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>]) -> Result<(), RemoteError> {
        let names: Vec<Name> = adjustments.iter().map(|change| Name::new(&change.key)).collect();
        let done = self.transact(&names, &Step::adjust(adjustments)).map(drop);
        let seen = self.seen();
        for adjustment in adjustments {
            seen.memo.forget(hash(&adjustment.key));
        }
        done
    }

    fn list(&self, _page: &Page) -> Result<Listed, RemoteError> {
        let reason = format!("the store {} keeps no list of its keys", self.store.name());
        Err(RemoteError::Setup { reason })
    }

    fn now(&self) -> Result<Nanos, RemoteError> {
        Ok(self.clock().unwrap_or_else(|| SystemClock.unix_now()))
    }

    fn clock(&self) -> Option<Nanos> {
        let known = *lock(&self.clock);
        known.map(|(local, theirs)| theirs.saturating_add(local.elapsed().into()))
    }

    fn takes_time(&self) -> bool {
        false
    }

    fn health(&self) -> Health {
        if lock(&self.outage).fails { Health::Down } else { Health::Up }
    }

    fn stats(&self) -> RemoteStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (decided, failures) = (read(&self.decided), read(&self.failures));
        let outages = read(&self.outages);
        RemoteStats {
            exchanges: decided + failures,
            decided,
            failures,
            outages,
            ..Default::default()
        }
    }

    fn local_share(&self) -> u32 {
        10_000
    }

    fn close(&self) {}
}

fn hash(key: &Key<'_>) -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    use std::sync::LazyLock;
    static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let mut hasher = HASHER.build_hasher();
    hasher.write_u64(key.scope);
    hasher.write(key.subject);
    hasher.finish()
}

/// Only copies are made, and nothing can panic, under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
