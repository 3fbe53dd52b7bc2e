//! How one kind of request is decided: by which rules, enforced or in the shadow, and with what
//! besides a check.
//!
//! A plan is made once for every set of rules that meet on a request, and never changed.

use std::{sync::Arc, time::Duration};

use smallvec::SmallVec;

use super::{
    pass::{Pass, Settlement},
    penalty::Penalty,
};
use crate::{
    Clock, Decision, Error, Reason, Rule, Statuses, Store,
    engine::{Engine, Mode},
    rules::Rules,
};

/// How one kind of request is decided.
pub(crate) struct Plan {
    /// The rules' positions in the gate: first the enforced ones, then those in the shadow.
    pub(super) rules: Box<[usize]>,
    /// The enforced rules; `None` when there are none.
    pub(super) engine: Option<Arc<Engine>>,
    extras: Option<Box<Extras>>,
}

/// What some rules want besides a check. Rules are numbered by their place in the plan.
struct Extras {
    penalties: Vec<(usize, Penalty)>,
    shadows: Vec<(usize, Arc<Engine>)>,
    charge_on: Vec<(usize, Statuses)>,
    settles: bool,
}

impl Plan {
    /// `rules` are those that apply, each with its position in the gate. `like` is an engine
    /// whose store, clock and counts for the time without a store are to be shared.
    pub(super) fn new(
        rules: Vec<(usize, Rule)>,
        like: &Engine,
    ) -> Result<Self, Error> {
        let (shadow, enforced): (Vec<_>, Vec<_>) = rules.into_iter().partition(|(_, it)| it.shadow);
        let positions = enforced.iter().chain(&shadow).map(|(position, _)| *position).collect();
        let extras = Extras::new(&enforced, shadow, like)?;
        let enforced: Vec<Rule> = enforced.into_iter().map(|(_, rule)| rule).collect();
        let engine = match enforced.is_empty() {
            true => None,
            false => Some(like.sharing(Rules::counting_from(0, enforced)?)),
        };
        Ok(Self { rules: positions, engine, extras })
    }

    /// Whether a check of the engine is all there is to it.
    pub(super) const fn is_plain(&self) -> bool {
        self.extras.is_none() && self.engine.is_some()
    }

    /// Whether a response has to be told of.
    fn settles(&self) -> bool {
        self.extras.as_ref().is_some_and(|extras| extras.settles)
    }

    /// Decides one request. `subject` gives a rule's subject by the rule's place.
    pub(super) fn decide<'s>(
        self: &Arc<Self>,
        mode: Mode,
        cost: Option<u32>,
        subject: impl Fn(usize) -> &'s [u8] + Copy,
    ) -> Result<Decision, Error> {
        match (&self.extras, &self.engine) {
            (None, Some(engine)) => engine.decide(mode, cost, subject),
            (None, None) => Ok(Decision::uncounted()),
            (Some(extras), engine) => self.decide_with(extras, engine, mode, cost, subject),
        }
    }

    fn decide_with<'s>(
        self: &Arc<Self>,
        extras: &Extras,
        engine: &Option<Arc<Engine>>,
        mode: Mode,
        cost: Option<u32>,
        subject: impl Fn(usize) -> &'s [u8] + Copy,
    ) -> Result<Decision, Error> {
        let is_check = matches!(mode, Mode::Check);
        if let (Some(engine), Some((place, rest))) = (engine, extras.blocked(is_check, subject)?) {
            let seen = engine.decide(Mode::Peek, Some(0), subject)?;
            return Ok(seen.into_penalised(place, rest));
        }
        let mut decision = match engine {
            Some(engine) => engine.decide(mode, cost, subject)?,
            None => Decision::uncounted(),
        };
        if !is_check {
            return Ok(decision);
        }
        if !decision.allowed {
            return extras.breached(decision, subject);
        }
        decision.shadow = extras.in_shadow(cost, subject)?;
        if self.settles() {
            let subjects = (0..self.rules.len()).map(|place| subject(place).into()).collect();
            let plan = Arc::clone(self);
            decision.pass = Some(Pass::new(plan, subjects, cost, decision.charged_at()));
        }
        Ok(decision)
    }

    /// What the end of a request makes of what was taken at its beginning.
    pub(super) fn settle(&self, done: &Settlement<'_>) -> Result<(), Error> {
        let Some(engine) = &self.engine else { return Ok(()) };
        let charge_on = self.extras.as_ref().map_or(&[][..], |extras| &extras.charge_on);
        let settle = |place: usize, actual: u32| {
            engine.settle_rule(place, done.subject(place), done.cost, done.charged_at, actual)
        };
        for place in 0..engine.rules.rules.len() {
            let statuses = charge_on.iter().find(|(of, _)| *of == place).map(|(_, it)| it);
            let told = done.ending.charges.and_then(|charges| charges(self.rules[place]));
            let by_status = || statuses.is_none_or(|it| it.contains(done.ending.status));
            if !told.unwrap_or_else(by_status) {
                settle(place, 0)?;
            } else if let Some(actual) = done.ending.cost {
                settle(place, actual)?;
            }
        }
        Ok(())
    }
}

impl Extras {
    fn new(
        enforced: &[(usize, Rule)],
        shadow: Vec<(usize, Rule)>,
        like: &Engine,
    ) -> Result<Option<Box<Self>>, Error> {
        let (store, clock): (&Arc<dyn Store>, &Arc<dyn Clock>) = (&like.store, &like.clock);
        let rules = || enforced.iter().map(|(_, rule)| rule).enumerate();
        let penalties = rules()
            .filter_map(|(place, rule)| Some((place, rule, rule.block.as_ref()?)))
            .map(|(place, rule, block)| Ok((place, Penalty::new(rule, block, store, clock)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        let charge_on = rules()
            .filter_map(|(place, rule)| Some((place, rule.charge_on.clone()?)))
            .collect::<Vec<_>>();
        let shadows = (enforced.len()..)
            .zip(shadow)
            .map(|(place, (_, rule))| {
                Ok((place, like.sharing(Rules::counting_from(0, vec![rule])?)))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let settles = rules().any(|(_, rule)| rule.settles());
        let is_any = settles || !penalties.is_empty() || !shadows.is_empty();
        Ok(is_any.then(|| Box::new(Self { penalties, shadows, charge_on, settles })))
    }

    /// The rule that keeps the request out as a penalty, and for how much longer.
    fn blocked<'s>(
        &self,
        is_attempt: bool,
        subject: impl Fn(usize) -> &'s [u8],
    ) -> Result<Option<(usize, Duration)>, Error> {
        let mut longest = None;
        for (place, penalty) in &self.penalties {
            if let Some(rest) = penalty.rest(subject(*place), is_attempt)? {
                longest = longest.max(Some((rest, *place)));
            }
        }
        Ok(longest.map(|(rest, place)| (place, rest)))
    }

    /// A refusal that may have a penalty.
    fn breached<'s>(
        &self,
        mut decision: Decision,
        subject: impl Fn(usize) -> &'s [u8],
    ) -> Result<Decision, Error> {
        if decision.degraded || decision.reason != Some(Reason::Limit) {
            return Ok(decision);
        }
        for (place, penalty) in &self.penalties {
            if decision.refuses(*place)
                && let Some(rest) = penalty.strike(subject(*place))?
            {
                decision = decision.into_penalised(*place, rest);
            }
        }
        Ok(decision)
    }

    /// The names of the rules in the shadow that would have refused the request.
    fn in_shadow<'s>(
        &self,
        cost: Option<u32>,
        subject: impl Fn(usize) -> &'s [u8],
    ) -> Result<SmallVec<[Box<str>; 0]>, Error> {
        let mut refusing = SmallVec::new();
        for (place, engine) in &self.shadows {
            let decision = engine.decide(Mode::Check, cost, |_| subject(*place))?;
            if !decision.allowed {
                refusing.push(decision.rule().into());
            }
        }
        Ok(refusing)
    }
}
