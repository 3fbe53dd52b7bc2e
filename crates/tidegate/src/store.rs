//! What a store must do, and the stores that a URL can name.

use std::{slice, sync::Arc};

use tidegate_core::{Adjustment, Charge, Decision, Limit, Nanos, Verdict};
use tidegate_memory::{MemoryPermits, MemoryStore};
#[cfg(unix)]
use tidegate_memory::{SharedError, SharedStore};
use tidegate_remote::{Answer, Backend, Remote, RemoteStore};

use crate::{Error, Permits, Rule};

/// A place where counts live.
///
/// # Contract
///
/// * **Atomic.** Concurrent calls behave as if they came one after the other. More than a
///   limit allows is never admitted because two requests came at once.
/// * **All or nothing.** When one charge of a [`check`](Self::check) is refused, none of
///   them is taken.
/// * **A denial is free.** It changes nothing, so nobody pays for being refused.
/// * **Bounded.** However many keys come, memory does not grow without end. Forgetting a
///   key may admit more; it never refuses anybody.
///
/// The store decides with the state of [`Charge::key`] by the steps of
/// `tidegate_core::algorithm`; it has no rules of its own.
pub trait Store: Send + Sync + 'static {
    /// The store's name in messages, for instance `memory`.
    fn name(&self) -> &'static str;

    /// Says why `limit` cannot be counted here, if it cannot. Asked once, when a limiter or
    /// gate is built, so that no request is the first to find out.
    fn refuses(&self, _limit: &Limit) -> Option<String> {
        None
    }

    /// Decides all `charges` of one request: `decisions[i]` answers `charges[i]`.
    ///
    /// The charges are of different keys. `now` is the caller's clock, which a store that
    /// has a clock of its own ignores.
    ///
    /// # Errors
    ///
    /// [`Error`] when the store could not decide. A denial is not an error.
    fn check(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error>;

    /// Decides one request of one charge, as [`check`](Self::check) does, and tells no more than
    /// the verdict.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    fn verdict(&self, charge: &Charge<'_>, now: Nanos) -> Result<Verdict, Error> {
        let mut decision = UNDECIDED;
        self.check(slice::from_ref(charge), now, slice::from_mut(&mut decision))?;
        Ok(decision.verdict)
    }

    /// Decides many requests of one charge each; their keys may repeat.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    fn check_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        for (charge, decision) in charges.iter().zip(decisions) {
            self.check(slice::from_ref(charge), now, slice::from_mut(decision))?;
        }
        Ok(())
    }

    /// Decides many requests as [`check_each`](Self::check_each) does, and tells no more than
    /// the verdicts.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    fn verdict_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        verdicts: &mut [Verdict],
    ) -> Result<(), Error> {
        for (charge, verdict) in charges.iter().zip(verdicts) {
            *verdict = self.verdict(charge, now)?;
        }
        Ok(())
    }

    /// Answers as [`check`](Self::check) would, and takes nothing.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    fn peek(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error>;

    /// Applies changes that are not requests.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    fn adjust(&self, adjustments: &[Adjustment<'_>], now: Nanos) -> Result<(), Error>;

    /// Forgets the key of `charge`, and tells how many units were used of it, in one step: what
    /// is taken between a look and a reset would be lost. For limits that change: see
    /// [`GateBuilder::after`](crate::GateBuilder::after).
    ///
    /// Only for a store in which a counter is found by its limit besides [`Charge::key`]. In all
    /// others a changed limit goes on with the state that there is, and there is nothing to do.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    fn drain(&self, _charge: &Charge<'_>, _now: Nanos) -> Result<u32, Error> {
        Ok(0)
    }

    /// Where requests in flight are counted, if the store has a place for them. Without one,
    /// they are counted by a sliding window log, in which those that never end, because their
    /// process died, stay for a while.
    ///
    /// Asked once, when a gate is built. All gates on one store share their counts.
    ///
    /// # Errors
    ///
    /// [`Error`] when there should be such a place, and it cannot be opened.
    fn permits(&self) -> Result<Option<Arc<dyn Permits>>, Error> {
        Ok(None)
    }

    /// The store as one that lives in a server, if it does. Requests are then decided by what
    /// that offers, and by the rules when the server gives no answer.
    fn remote(&self) -> Option<&dyn RemoteStore> {
        None
    }
}

/// What stands in a decision's place until a store has written it.
pub(crate) const UNDECIDED: Decision = Decision {
    verdict: Verdict::Never,
    limit: 0,
    remaining: 0,
    reset_after: Nanos::ZERO,
    next_unit_after: Nanos::ZERO,
    delay: Nanos::ZERO,
};

impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn check(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        self.check(charges, now, decisions);
        Ok(())
    }

    fn verdict(&self, charge: &Charge<'_>, now: Nanos) -> Result<Verdict, Error> {
        Ok(self.verdict(charge, now))
    }

    fn check_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        self.check_each(charges, now, decisions);
        Ok(())
    }

    fn verdict_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        verdicts: &mut [Verdict],
    ) -> Result<(), Error> {
        self.verdict_each(charges, now, verdicts);
        Ok(())
    }

    fn peek(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        self.peek(charges, now, decisions);
        Ok(())
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>], now: Nanos) -> Result<(), Error> {
        self.adjust(adjustments, now);
        Ok(())
    }

    fn drain(&self, charge: &Charge<'_>, now: Nanos) -> Result<u32, Error> {
        Ok(self.drain(charge, now))
    }

    fn permits(&self) -> Result<Option<Arc<dyn Permits>>, Error> {
        let permits: Arc<dyn Permits> = Arc::<MemoryPermits>::clone(self.permits());
        Ok(Some(permits))
    }
}

#[cfg(unix)]
impl Store for SharedStore {
    fn name(&self) -> &'static str {
        "shared"
    }

    fn refuses(&self, limit: &Limit) -> Option<String> {
        (!self.supports(limit)).then(|| SharedError::Unsupported.to_string())
    }

    fn check(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        Ok(self.check(charges, now, decisions)?)
    }

    fn verdict(&self, charge: &Charge<'_>, now: Nanos) -> Result<Verdict, Error> {
        Ok(self.verdict(charge, now)?)
    }

    fn check_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        Ok(self.check_each(charges, now, decisions)?)
    }

    fn verdict_each(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        verdicts: &mut [Verdict],
    ) -> Result<(), Error> {
        Ok(self.verdict_each(charges, now, verdicts)?)
    }

    fn peek(
        &self,
        charges: &[Charge<'_>],
        now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        Ok(self.peek(charges, now, decisions)?)
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>], now: Nanos) -> Result<(), Error> {
        Ok(self.adjust(adjustments, now)?)
    }

    fn drain(&self, charge: &Charge<'_>, now: Nanos) -> Result<u32, Error> {
        Ok(self.drain(charge, now)?)
    }

    fn permits(&self) -> Result<Option<Arc<dyn Permits>>, Error> {
        Ok(Some(Arc::new(self.permits()?)))
    }
}

impl<B: Backend> Store for Remote<B> {
    fn name(&self) -> &'static str {
        self.name()
    }

    fn refuses(&self, limit: &Limit) -> Option<String> {
        self.backend().program(limit).err()
    }

    fn check(
        &self,
        charges: &[Charge<'_>],
        _now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        fill(decisions, self.check(charges, 1)?);
        Ok(())
    }

    fn peek(
        &self,
        charges: &[Charge<'_>],
        _now: Nanos,
        decisions: &mut [Decision],
    ) -> Result<(), Error> {
        fill(decisions, self.peek(charges)?);
        Ok(())
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>], _now: Nanos) -> Result<(), Error> {
        Ok(self.adjust(adjustments)?)
    }

    fn remote(&self) -> Option<&dyn RemoteStore> {
        Some(self)
    }
}

fn fill(decisions: &mut [Decision], answer: Answer) {
    for (place, decision) in decisions.iter_mut().zip(answer.requests.into_iter().flatten()) {
        *place = decision;
    }
}

/// Asks the store about every limit of every rule.
pub(crate) fn check_support(store: &dyn Store, rules: &[Rule]) -> Result<(), Error> {
    for rule in rules {
        for limit in rule.limits() {
            if let Some(reason) = store.refuses(limit) {
                let (rule, limit) = (rule.name().to_owned(), limit.to_string());
                return Err(Error::UnsupportedLimit { rule, limit, reason });
            }
        }
    }
    Ok(())
}
