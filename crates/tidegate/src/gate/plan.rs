//! How one kind of request is decided: by which rules, enforced or in the shadow, and with what
//! besides a check.
//!
//! A plan is made once for every set of rules that meet on a request, and never changed.

use std::{sync::Arc, time::Duration};

use smallvec::SmallVec;

use super::{
    flights::{COME_BACK, Flight, Flights},
    pass::{ChargedAt, Ending, InShadow, Pass, Settlement},
    penalty::Penalty,
};
use crate::{
    Clock, Decision, Error, Permits, Reason, Rule, Statuses, Store,
    engine::{Engine, Mode},
    key_lists::{KeyLists, ListedKey},
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

/// Names of rules in the shadow.
type Shadow = SmallVec<[Box<str>; 0]>;

/// What some rules want besides a check. Rules are numbered by their place in the plan.
struct Extras {
    penalties: Vec<(usize, Penalty)>,
    shadows: Vec<(usize, Arc<Engine>)>,
    /// What rules in the shadow would refuse whatever their limits say.
    denied: Vec<(usize, KeyLists)>,
    charge_on: Vec<(usize, Statuses)>,
    /// Enforced or in the shadow.
    flights: Vec<(usize, Flights)>,
    /// How many of the rules are enforced.
    enforced: usize,
    /// The rules' names.
    names: Vec<Box<str>>,
    /// Those of the rules that the engine knows nothing of.
    besides: Option<Arc<[Box<str>]>>,
    settles: bool,
}

impl Plan {
    /// `rules` are those that apply, each with its position in the gate. `like` is an engine
    /// whose store, clock and counts for the time without a store are to be shared.
    pub(super) fn new(
        rules: Vec<(usize, Rule)>,
        permits: Option<&Arc<dyn Permits>>,
        like: &Engine,
    ) -> Result<Self, Error> {
        let (shadow, enforced): (Vec<_>, Vec<_>) = rules.into_iter().partition(|(_, it)| it.shadow);
        let positions = enforced.iter().chain(&shadow).map(|(position, _)| *position).collect();
        let extras = Extras::new(&enforced, &shadow, permits, like)?;
        let enforced: Vec<Rule> = enforced.into_iter().map(|(_, rule)| rule).collect();
        let has_rates = enforced.iter().any(|rule| !rule.limits.is_empty());
        let engine =
            if has_rates { Some(like.sharing(Rules::counting_from(0, enforced)?)) } else { None };
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
            (Some(extras), engine) => {
                self.decide_with(extras, engine.as_ref(), mode, cost, subject)
            }
        }
    }

    fn decide_with<'s>(
        self: &Arc<Self>,
        extras: &Extras,
        engine: Option<&Arc<Engine>>,
        mode: Mode,
        cost: Option<u32>,
        subject: impl Fn(usize) -> &'s [u8] + Copy,
    ) -> Result<Decision, Error> {
        let is_check = matches!(mode, Mode::Check);
        if let (Some(engine), Some((place, rest))) = (engine, extras.blocked(is_check, subject)?) {
            let seen = engine.decide(Mode::Peek, Some(0), subject)?;
            return Ok(seen.into_penalised(place, rest));
        }
        let decide = |mode, cost| match engine {
            Some(engine) => engine.decide(mode, cost, subject),
            None => Ok(Decision::uncounted()),
        };
        if !is_check {
            return decide(mode, cost);
        }
        let mut flights = Vec::new();
        let mut shadow = SmallVec::new();
        if let Some(full) = extras.begin(&mut flights, &mut shadow, subject)? {
            end(flights)?;
            let (place, limit) = full;
            let seen = decide(Mode::Peek, Some(0))?;
            return Ok(seen.into_crowded(&extras.names[place], limit, subject(place), COME_BACK));
        }
        let mut decision = decide(mode, cost)?;
        if !decision.allowed {
            end(flights)?;
            return extras.breached(decision, subject);
        }
        let in_shadow = extras.add_shadow(&mut shadow, cost, subject)?;
        decision.shadow = shadow;
        decision.besides.clone_from(&extras.besides);
        if self.settles() {
            let subjects = (0..self.rules.len()).map(|place| subject(place).into()).collect();
            let charged_at = ChargedAt { enforced: decision.charged_at(), shadow: in_shadow };
            let plan = Arc::clone(self);
            decision.pass = Some(Pass::new(plan, subjects, cost, charged_at, flights));
        }
        Ok(decision)
    }

    /// What the end of a request makes of what was taken at its beginning.
    pub(super) fn settle(&self, done: &Settlement<'_>) -> Result<(), Error> {
        let settle = |place: usize, (engine, rule): (&Arc<Engine>, usize), charged_at| {
            let Some(actual) = self.actual(place, done.ending) else { return Ok(()) };
            engine.settle_rule(rule, done.subject(place), done.cost, charged_at, actual)
        };
        if let Some(engine) = &self.engine {
            for place in 0..engine.rules.rules.len() {
                settle(place, (engine, place), done.charged_at.enforced)?;
            }
        }
        let shadows = self.extras.iter().flat_map(|extras| &extras.shadows);
        for ((place, engine), charged_at) in shadows.zip(&done.charged_at.shadow) {
            if let Some(charged_at) = *charged_at {
                settle(*place, (engine, 0), charged_at)?;
            }
        }
        Ok(())
    }

    /// What the request costs the rule at this place in the end; `None` for what was taken.
    fn actual(&self, place: usize, ending: &Ending<'_>) -> Option<u32> {
        let charge_on = self.extras.as_ref().map_or(&[][..], |extras| &extras.charge_on);
        let statuses = charge_on.iter().find(|(of, _)| *of == place).map(|(_, it)| it);
        let told = ending.charges.and_then(|charges| charges(self.rules[place]));
        let by_status = || statuses.is_none_or(|it| it.contains(ending.status));
        if told.unwrap_or_else(by_status) { ending.cost } else { Some(0) }
    }
}

/// Ends requests that do not begin after all.
fn end(flights: Vec<Flight>) -> Result<(), Error> {
    flights.into_iter().try_for_each(Flight::end)
}

impl Extras {
    /// `None` when the rules want no more than a check.
    fn new(
        enforced: &[(usize, Rule)],
        shadow: &[(usize, Rule)],
        permits: Option<&Arc<dyn Permits>>,
        like: &Engine,
    ) -> Result<Option<Box<Self>>, Error> {
        let (store, clock): (&Arc<dyn Store>, &Arc<dyn Clock>) = (&like.store, &like.clock);
        let rules = || enforced.iter().map(|(_, rule)| rule).enumerate();
        let all = || enforced.iter().chain(shadow).map(|(_, rule)| rule).enumerate();
        let penalties = rules()
            .filter_map(|(place, rule)| Some((place, rule, rule.block.as_ref()?)))
            .map(|(place, rule, block)| Ok((place, Penalty::new(rule, block, store, clock)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        let charge_on = all()
            .filter_map(|(place, rule)| Some((place, rule.charge_on.clone()?)))
            .collect::<Vec<_>>();
        let (mut shadows, mut denied) = (Vec::new(), Vec::new());
        for (place, (_, rule)) in (enforced.len()..).zip(shadow) {
            if rule.key_lists.denies() {
                denied.push((place, rule.key_lists.clone()));
            }
            if !rule.limits.is_empty() {
                let rules = Rules::counting_from(0, vec![rule.clone()])?;
                shadows.push((place, like.sharing(rules)));
            }
        }
        let mut flights = Vec::new();
        for (place, rule) in all() {
            flights.extend(Flights::new(rule, permits, like)?.map(|flights| (place, flights)));
        }
        let settles = all().any(|(_, rule)| rule.settles());
        let names: Vec<Box<str>> = all().map(|(_, rule)| rule.name.as_str().into()).collect();
        let has_engine = enforced.iter().any(|(_, rule)| !rule.limits.is_empty());
        let besides = &names[if has_engine { enforced.len() } else { 0 }..];
        let besides = (!besides.is_empty()).then(|| besides.into());
        let enforced = enforced.len();
        let is_any = settles || !penalties.is_empty() || !shadow.is_empty();
        let extras = Self {
            penalties,
            shadows,
            denied,
            charge_on,
            flights,
            enforced,
            names,
            besides,
            settles,
        };
        Ok(is_any.then(|| Box::new(extras)))
    }

    /// Begins the request under every rule that counts those in flight; tells which rule has as
    /// many as it may, and how many that is.
    fn begin<'s>(
        &self,
        begun: &mut Vec<Flight>,
        shadow: &mut Shadow,
        subject: impl Fn(usize) -> &'s [u8],
    ) -> Result<Option<(usize, u32)>, Error> {
        for (place, flights) in &self.flights {
            if self.denies(*place, subject(*place)) {
                continue;
            }
            match flights.begin(subject(*place))? {
                Some(flight) => begun.push(flight),
                None if *place >= self.enforced => shadow.push(self.names[*place].clone()),
                None => return Ok(Some((*place, flights.limit))),
            }
        }
        Ok(None)
    }

    /// Whether the rule at this place, which is in the shadow, has the key on its list of those that
    /// it refuses. Were it enforced, it would not count them.
    fn denies(&self, place: usize, key: &[u8]) -> bool {
        let lists = self.denied.iter().find(|(of, _)| *of == place);
        lists.is_some_and(|(_, lists)| lists.find(key) == ListedKey::Denied)
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

    /// Adds the names of the rules in the shadow that would have refused the request; tells when
    /// the others were charged.
    fn add_shadow<'s>(
        &self,
        shadow: &mut Shadow,
        cost: Option<u32>,
        subject: impl Fn(usize) -> &'s [u8],
    ) -> Result<InShadow, Error> {
        for (place, _) in &self.denied {
            if self.denies(*place, subject(*place)) {
                shadow.push(self.names[*place].clone());
            }
        }
        let mut charged = InShadow::new();
        for (place, engine) in &self.shadows {
            if self.denies(*place, subject(*place)) {
                charged.push(None);
                continue;
            }
            let decision = engine.decide(Mode::Check, cost, |_| subject(*place))?;
            if !decision.allowed && !shadow.contains(&self.names[*place]) {
                shadow.push(self.names[*place].clone());
            }
            charged.push(decision.allowed.then(|| decision.charged_at()));
        }
        Ok(charged)
    }
}
