//! Rules and a store: decides by a key that the caller names.

use std::{fmt, sync::Arc};

use tidegate_core::{Change, Nanos};
use tidegate_memory::MemoryStore;

use crate::{
    Clock, Decision, Error, OneLimit, Outcome, Rule, Store, SystemClock,
    engine::{Engine, Mode},
    remote::Decided,
    rules::{Rules, refuse_concurrency},
    store::check_support,
};

/// Rules, and where their counts live.
///
/// Every key is counted under every limit of every rule, all or nothing. Share one limiter
/// between threads; it needs no lock around it. A clone is the same limiter.
#[derive(Clone)]
pub struct Limiter {
    engine: Arc<Engine>,
}

impl Limiter {
    /// Starts from no rules, the machine's clock, and a store in this process.
    pub fn builder() -> LimiterBuilder {
        LimiterBuilder { rules: Vec::new(), store: None, clock: Arc::new(SystemClock) }
    }

    /// Decides one request of `key` at the rules' own cost, and takes it if it is allowed.
    ///
    /// # Errors
    ///
    /// [`Error`] when the store could not decide. A denial is not an error.
    pub fn check(&self, key: &str) -> Result<Decision, Error> {
        self.engine.decide(Mode::Check, None, |_| key.as_bytes())
    }

    /// Decides one request of `key` that costs `cost` units.
    ///
    /// A cost above what a limit ever lets pass at once is refused with
    /// [`Reason::Never`](crate::Reason::Never). A cost of 0 takes nothing.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn check_cost(&self, key: impl AsRef<[u8]>, cost: u32) -> Result<Decision, Error> {
        self.engine.decide(Mode::Check, Some(cost), |_| key.as_ref())
    }

    /// Whether one request of `key` may go ahead; takes it if so.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    #[inline]
    pub fn allow(&self, key: &str) -> Result<bool, Error> {
        self.allow_at(key.as_bytes(), None)
    }

    /// Whether one request of `key` that costs `cost` units may go ahead; takes it if so.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    #[inline]
    pub fn allow_cost(&self, key: impl AsRef<[u8]>, cost: u32) -> Result<bool, Error> {
        self.allow_at(key.as_ref(), Some(cost))
    }

    #[inline]
    fn allow_at(&self, key: &[u8], cost: Option<u32>) -> Result<bool, Error> {
        match self.engine.only_here() {
            Some(only) => self.engine.allow_only(only, cost, key),
            None if self.engine.known_denial(cost, key).is_some() => Ok(false),
            None => self.allow_all(key, cost),
        }
    }

    #[cold]
    fn allow_all(&self, key: &[u8], cost: Option<u32>) -> Result<bool, Error> {
        Ok(self.engine.decide(Mode::Check, cost, |_| key)?.allowed)
    }

    /// Decides as [`check_cost`](Self::check_cost), and answers in short: the quickest check
    /// that tells more than yes or no.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    #[inline]
    pub fn outcome(&self, key: impl AsRef<[u8]>, cost: u32) -> Result<Outcome, Error> {
        let mut outcome = Outcome::UNDECIDED;
        self.outcome_into(&mut outcome, key, cost)?;
        Ok(outcome)
    }

    /// Decides as [`outcome`](Self::outcome), and writes the answer where it is wanted. After
    /// an error, what stands there means nothing.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    #[inline]
    pub fn outcome_into(
        &self,
        outcome: &mut Outcome,
        key: impl AsRef<[u8]>,
        cost: u32,
    ) -> Result<(), Error> {
        let key = key.as_ref();
        if let Some(only) = self.engine.only_here() {
            return self.engine.check_only(outcome, only, Some(cost), key);
        }
        *outcome = self.outcome_of_all(key, cost)?;
        Ok(())
    }

    #[cold]
    fn outcome_of_all(&self, key: &[u8], cost: u32) -> Result<Outcome, Error> {
        Ok(self.engine.decide(Mode::Check, Some(cost), |_| key)?.outcome())
    }

    /// Whether a request of `cost` units would now pass, and how things stand. Takes nothing.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn peek(&self, key: impl AsRef<[u8]>, cost: u32) -> Result<Decision, Error> {
        self.engine.decide(Mode::Peek, Some(cost), |_| key.as_ref())
    }

    /// Takes `cost` units now, to be corrected by [`Reservation::settle`] when the true cost
    /// is known.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check). Look at the reservation's decision: a refused one has
    /// taken nothing.
    pub fn reserve<'a>(&'a self, key: &'a str, cost: u32) -> Result<Reservation<'a>, Error> {
        let decision = self.check_cost(key, cost)?;
        let reserved = if decision.allowed { cost } else { 0 };
        Ok(Reservation { limiter: self, key, decision, reserved })
    }

    /// Gives `cost` units back to `key`, the latest that were taken, at most until it is
    /// full. In a queue nothing comes back: those behind have been told when to go. A
    /// [`Reservation`] knows better which units are meant.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn refund(&self, key: impl AsRef<[u8]>, cost: u32) -> Result<(), Error> {
        let refund = |charged_at| Change::Refund { cost, charged_at };
        self.engine.adjust(key.as_ref(), None, refund)
    }

    /// Takes `cost` units from `key` whether or not they are there: a penalty.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn debit(&self, key: impl AsRef<[u8]>, cost: u32) -> Result<(), Error> {
        self.engine.adjust(key.as_ref(), None, |_| Change::Debit { cost })
    }

    /// Replaces `reserved` units, taken for the time [`charged_at`](Decision::charged_at), by
    /// the `actual` cost.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn settle(
        &self,
        key: impl AsRef<[u8]>,
        reserved: u32,
        actual: u32,
        charged_at: Nanos,
    ) -> Result<(), Error> {
        let settle = |charged_at| Change::Settle { reserved, charged_at, actual };
        self.engine.adjust(key.as_ref(), Some(charged_at), settle)
    }

    /// Forgets `key`: it starts again with full quota.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn reset(&self, key: impl AsRef<[u8]>) -> Result<(), Error> {
        self.engine.adjust(key.as_ref(), None, |_| Change::Reset)
    }

    pub(crate) const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// What makes decisions of outcomes; `None` when there are several limits, of which an
    /// outcome tells but one.
    #[must_use]
    pub fn one_limit(&self) -> Option<OneLimit> {
        OneLimit::new(&self.engine.rules)
    }

    /// Whether a decision may have to wait for something outside of this process.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.engine.waits()
    }

    /// The refusal of a request of `key`, if it is known without waiting that there will be
    /// one: never for a store in this process, nor with several limits.
    #[inline]
    #[must_use]
    pub fn known_denial(&self, key: impl AsRef<[u8]>, cost: u32) -> Option<Outcome> {
        self.engine.known_denial(Some(cost), key.as_ref())
    }

    /// Decides as [`check_cost`](Self::check_cost), and calls `done` when it is decided: before
    /// this returns when there is nothing to wait for, by another thread otherwise.
    pub fn start(&self, key: impl AsRef<[u8]>, cost: u32, done: Decided) {
        self.engine.start_remotely(Some(cost), &|_| key.as_ref(), done);
    }

    /// As [`start`](Self::start), for a request of which [`known_denial`](Self::known_denial)
    /// has just known nothing: it is not looked for again.
    pub fn start_unknown(&self, key: impl AsRef<[u8]>, cost: u32, done: Decided) {
        let looks = self.engine.only().is_none();
        self.engine.start_asking(Some(cost), &|_| key.as_ref(), looks, done);
    }

    /// The store, for what is not a decision: lists, statistics, closing it.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.engine.store
    }

    /// Gives back what was paid for in advance, and closes connections. A later check opens
    /// what it needs again.
    pub fn close(&self) {
        self.engine.close();
    }

    /// The name of the store that keeps the counts.
    #[must_use]
    pub fn store_name(&self) -> &'static str {
        self.engine.store.name()
    }

    /// The time by this limiter's clock.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.engine.clock.now()
    }

    /// The time since 1970 by this limiter's clock, for [`Decision::fields`].
    #[must_use]
    pub fn unix_now(&self) -> Nanos {
        self.engine.clock.unix_now()
    }

    /// The rules, in the order in which they were added.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.engine.rules.rules
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("rules", &self.rules())
            .field("store", &self.engine.store.name())
            .finish_non_exhaustive()
    }
}

/// Units taken before their true number is known.
///
/// Dropped without [`settle`](Self::settle), the reserved units stay taken.
#[derive(Debug)]
#[must_use = "a reservation is to be settled when the true cost is known"]
pub struct Reservation<'a> {
    limiter: &'a Limiter,
    key: &'a str,
    decision: Decision,
    reserved: u32,
}

impl Reservation<'_> {
    /// Whether the reservation was allowed.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Gives back what was reserved above `actual`, or takes what is missing. Nothing was
    /// reserved by a refused reservation.
    ///
    /// # Errors
    ///
    /// As [`Limiter::check`].
    pub fn settle(self, actual: u32) -> Result<(), Error> {
        let charged_at = self.decision.charged_at();
        self.limiter.settle(self.key, self.reserved, actual, charged_at)
    }
}

/// Puts a [`Limiter`] together.
#[must_use = "call `build` to get the limiter"]
pub struct LimiterBuilder {
    rules: Vec<Rule>,
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
}

impl LimiterBuilder {
    /// Adds a rule.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Keeps counts in `store`; by default, in a [`MemoryStore`] of its own.
    pub fn store(self, store: impl Store) -> Self {
        self.shared_store(Arc::new(store))
    }

    /// Keeps counts in a store that others use too, such as one from
    /// [`open_store`](crate::open_store).
    pub fn shared_store(self, store: Arc<dyn Store>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Reads the time from `clock`; by default, from the machine.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Checks that the rules make sense together.
    ///
    /// # Errors
    ///
    /// [`Error`] that names the rule and what would be right.
    pub fn build(self) -> Result<Limiter, Error> {
        refuse_concurrency(&self.rules)?;
        let rules = Rules::new(self.rules)?;
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        check_support(&*store, &rules.rules)?;
        Ok(Limiter { engine: Engine::new(rules, store, self.clock) })
    }
}
