//! Which plan decides a request: by the rules that apply to it, and the limits that it has
//! instead of theirs.
//!
//! Plans are made when they are first needed, and kept. There is one for each set of rules that
//! meet on a request, so that a decision speaks of these alone.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use arc_swap::ArcSwap;

use super::{Facts, facts::Request, plan::Plan};
use crate::{
    Error, Key, Permits, Rule,
    engine::Engine,
    keys::named,
    matching::{Mask, Matcher},
};

/// The most plans of a kind that are kept. Clients choose paths, and providers choose limits.
const MOST: usize = 1024;

/// Limits that a request has instead of its rules' own, by the rule's position.
type Limits = Vec<(usize, Box<str>)>;

/// The plans of one gate.
pub(crate) struct Plans {
    pub(super) rules: Vec<Rule>,
    /// The first number that a rule's answers by the caller have.
    pub(super) numbers: Vec<usize>,
    /// Whether any rule has a list of keys.
    pub(super) has_key_lists: bool,
    /// `None` when every rule applies to every request.
    matcher: Option<Matcher>,
    /// The rules that need not be named to apply.
    unnamed: Mask,
    /// Where the store counts requests in flight, if it does and a rule limits them.
    permits: Option<Arc<dyn Permits>>,
    everything: Arc<Plan>,
    plain: Kept<Mask>,
    varied: Kept<(Mask, Limits)>,
}

/// Plans by what they are for. Read without a lock; a lock that is held while the process is
/// forked would be held for ever in the child.
struct Kept<K> {
    plans: ArcSwap<HashMap<K, Arc<Plan>>>,
}

impl Plans {
    pub(super) fn new(rules: Vec<Rule>, engine: &Engine) -> Result<Self, Error> {
        let applies = rules.iter().map(|rule| &rule.applies);
        // Compiled even when not needed: that finds the mistakes.
        let matcher = Matcher::new(applies.clone())?;
        let is_needed = applies.clone().any(|applies| !applies.is_everything());
        let matcher = is_needed.then_some(matcher);
        let has_key_lists = rules.iter().any(|rule| !rule.key_lists.is_empty());
        let mut next = 0;
        let numbers = rules
            .iter()
            .map(|rule| {
                let first = next;
                next += rule.key.customs();
                first
            })
            .collect();
        let counts_flights = rules.iter().any(|rule| rule.limits.concurrent().is_some());
        let permits = if counts_flights { engine.store.permits()? } else { None };
        let unnamed = rules.iter().enumerate().filter(|(_, rule)| !rule.by_name);
        let all = unnamed.clone().map(|(position, rule)| (position, rule.clone())).collect();
        let unnamed = unnamed.fold(0, |mask, (position, _)| mask | 1 << position);
        let everything = Arc::new(Plan::new(all, permits.as_ref(), engine)?);
        let (plain, varied) = (Kept::default(), Kept::default());
        Ok(Self {
            rules,
            numbers,
            has_key_lists,
            matcher,
            unnamed,
            permits,
            everything,
            plain,
            varied,
        })
    }

    /// The plan for a request.
    pub(super) fn find(&self, facts: &dyn Facts, engine: &Engine) -> Result<Arc<Plan>, Error> {
        self.find_without(0, facts, engine)
    }

    /// The same when some of its rules leave the request alone.
    pub(super) fn find_without(
        &self,
        alone: Mask,
        facts: &dyn Facts,
        engine: &Engine,
    ) -> Result<Arc<Plan>, Error> {
        let mut mask = self.mask(facts)? & !alone;
        let mut limits = Limits::new();
        for position in 0..self.rules.len() {
            let bit = 1 << position;
            if mask & bit != 0 && facts.is_exempt(position) {
                mask &= !bit;
            }
            if mask & bit != 0
                && let Some(limit) = facts.limit(position)
            {
                limits.push((position, limit.into_owned().into_boxed_str()));
            }
        }
        match limits.is_empty() {
            true if mask == self.unnamed => Ok(Arc::clone(&self.everything)),
            true => self.plain.get_or_make(&mask, || self.make(mask, &[], engine)),
            false => {
                let key = (mask, limits);
                self.varied.get_or_make(&key, || self.make(mask, &key.1, engine))
            }
        }
    }

    /// The rules that apply to a request, by position.
    pub(super) fn applying(&self, facts: &dyn Facts) -> impl Iterator<Item = usize> {
        let mask = self.mask(facts).unwrap_or_default();
        (0..self.rules.len()).filter(move |position| mask & 1 << position != 0)
    }

    /// What the rules ask of facts beyond what every request has.
    pub(super) fn needs(&self) -> Vec<&'static str> {
        let any_key =
            |is: fn(&Key) -> bool| self.rules.iter().flat_map(|rule| rule.key.parts()).any(is);
        let by_route = self.rules.iter().any(|rule| !rule.applies.routes.is_empty());
        let needs = [
            ("user", any_key(|key| matches!(key, Key::User))),
            ("route", by_route || any_key(|key| matches!(key, Key::Route))),
            ("form", any_key(|key| matches!(key, Key::Form(_)))),
        ];
        needs.into_iter().filter(|(_, is)| *is).map(|(need, _)| need).collect()
    }

    /// Whether a request under all rules is decided by one limit of this process.
    pub(super) fn is_single(&self) -> bool {
        let Plan { engine, .. } = &*self.everything;
        self.everything.is_plain() && engine.as_ref().is_some_and(|it| it.only_here().is_some())
    }

    /// Whether every request has the same plan, unless one is given a limit of its own.
    pub(super) const fn are_one(&self) -> bool {
        self.matcher.is_none()
    }

    /// Whether the end of any request matters.
    pub(super) fn settles(&self) -> bool {
        self.rules.iter().any(Rule::settles)
    }

    /// Gives back what was paid for in advance.
    pub(super) fn close(&self) {
        let kept = self.plain.all().into_iter().chain(self.varied.all());
        for plan in kept.chain([Arc::clone(&self.everything)]) {
            if let Some(engine) = &plan.engine {
                engine.close();
            }
        }
    }

    /// The rules that apply. There are at most 64, because each has a limit and there are at most
    /// 64 of those.
    fn mask(&self, facts: &dyn Facts) -> Result<Mask, Error> {
        let Some(name) = facts.rule() else {
            let all = self.unnamed;
            return Ok(self.matcher.as_ref().map_or(all, |it| it.find(&Request(facts)) & all));
        };
        let position = named(&self.rules, name)?;
        let matcher = self.matcher.as_ref().filter(|_| facts.is_request());
        Ok(matcher.map_or(Mask::MAX, |it| it.find(&Request(facts))) & 1 << position)
    }

    fn make(
        &self,
        mask: Mask,
        limits: &[(usize, Box<str>)],
        engine: &Engine,
    ) -> Result<Arc<Plan>, Error> {
        let mut rules = Vec::new();
        for (position, rule) in self.rules.iter().enumerate() {
            if mask & 1 << position == 0 {
                continue;
            }
            let mut rule = rule.clone();
            if let Some((_, limit)) = limits.iter().find(|(of, _)| *of == position) {
                rule.limits = limit.parse()?;
                // Who tells the ends of requests has asked once whether they matter.
                if let Some(concurrent) = rule.limits.concurrent()
                    && !self.rules[position].settles()
                {
                    return Err(Error::NeedsOwnConcurrency { rule: rule.name, concurrent });
                }
            }
            rules.push((position, rule));
        }
        Ok(Arc::new(Plan::new(rules, self.permits.as_ref(), engine)?))
    }
}

impl<K> Default for Kept<K> {
    fn default() -> Self {
        Self { plans: ArcSwap::default() }
    }
}

impl<K: Clone + Eq + Hash> Kept<K> {
    fn all(&self) -> Vec<Arc<Plan>> {
        self.plans.load().values().cloned().collect()
    }

    fn get_or_make(
        &self,
        key: &K,
        make: impl FnOnce() -> Result<Arc<Plan>, Error>,
    ) -> Result<Arc<Plan>, Error> {
        if let Some(plan) = self.plans.load().get(key) {
            return Ok(Arc::clone(plan));
        }
        let plan = make()?;
        self.plans.rcu(|plans| {
            let mut plans = if plans.len() < MOST { (**plans).clone() } else { HashMap::new() };
            plans.insert(key.clone(), Arc::clone(&plan));
            plans
        });
        Ok(plan)
    }
}
