//! Many keys in one call: the memory of several is asked for at once.

use std::sync::Arc;

use crate::{
    Decision, Error, Limiter, OneLimit, Outcome,
    engine::{Engine, Mode},
};

impl Limiter {
    /// Decides one request of each of `keys`, at `cost` units each, one after the other.
    ///
    /// Answers as [`check_cost`](Self::check_cost) called for every key in turn would; a key
    /// may come several times. Each key is decided by itself: that one is refused does not
    /// hold up the others. Under a single limit this is faster than so many calls when the
    /// keys are more than fit in the processor's cache.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check). The keys before the one that could not be decided have been
    /// charged.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidegate::{Limiter, Rule};
    ///
    /// # fn main() -> Result<(), tidegate::Error> {
    /// let limiter = Limiter::builder().rule(Rule::new("api", "1/minute".parse()?)).build()?;
    ///
    /// assert_eq!(limiter.allow_many(&["ana", "bob", "ana"], 1)?, [true, true, false]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn check_many<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        cost: u32,
    ) -> Result<Vec<Decision>, Error> {
        if self.waits() {
            return self.engine().decide_many_remotely(keys, Some(cost));
        }
        let Some(one_limit) = self.one_limit() else {
            return one_by_one(self.engine(), keys, cost).collect();
        };
        self.each(keys, cost, |outcome| OneLimit::decision(&one_limit, outcome))
    }

    /// Tells of each of `keys` whether one request of `cost` units may go ahead; takes them
    /// if so. As [`check_many`](Self::check_many).
    ///
    /// # Errors
    ///
    /// As [`check_many`](Self::check_many).
    pub fn allow_many<K: AsRef<[u8]>>(&self, keys: &[K], cost: u32) -> Result<Vec<bool>, Error> {
        match self.engine().only_here() {
            Some(only) => self.engine().allow_each(only, Some(cost), keys),
            None => self.each(keys, cost, |outcome| outcome.is_allowed()),
        }
    }

    /// Decides as [`check_many`](Self::check_many), and answers in short.
    ///
    /// # Errors
    ///
    /// As [`check_many`](Self::check_many).
    pub fn outcome_many<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        cost: u32,
    ) -> Result<Vec<Outcome>, Error> {
        self.each(keys, cost, |outcome| outcome)
    }

    fn each<K: AsRef<[u8]>, T>(
        &self,
        keys: &[K],
        cost: u32,
        make: impl Fn(Outcome) -> T,
    ) -> Result<Vec<T>, Error> {
        if self.waits() {
            let decisions = self.engine().decide_many_remotely(keys, Some(cost))?;
            return Ok(decisions.iter().map(|decision| make(decision.outcome())).collect());
        }
        let Some(only) = self.engine().only() else {
            let decisions = one_by_one(self.engine(), keys, cost);
            return decisions.map(|decision| Ok(make(decision?.outcome()))).collect();
        };
        let mut answers = Vec::with_capacity(keys.len());
        self.engine().check_each(only, Some(cost), keys, |outcome| answers.push(make(outcome)))?;
        Ok(answers)
    }
}

fn one_by_one<K: AsRef<[u8]>>(
    engine: &Arc<Engine>,
    keys: &[K],
    cost: u32,
) -> impl Iterator<Item = Result<Decision, Error>> {
    keys.iter().map(move |key| engine.decide(Mode::Check, Some(cost), |_| key.as_ref()))
}
