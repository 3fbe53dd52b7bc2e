//! A gate's answer in short, where one limit is all that was asked.
//!
//! A [`Decision`] is large, and most of it is seldom looked at. This is what it can be made of.

use std::{sync::Arc, time::Instant};

use tidegate_core::address::Trust;

use super::{Asked, Facts, Gate, Way};
use crate::{Client, Decision, Error, Key, OneLimit, Outcome, engine::Engine};

/// The answer to one request, from which its decision can be had when somebody asks for it.
#[derive(Clone, Debug)]
pub struct Brief {
    /// What the limit answered.
    pub outcome: Outcome,
    /// The limit.
    pub limit: OneLimit,
    /// Who is calling, if the gate found out.
    pub client: Option<Client>,
    /// Whom the limit counted. Empty for everybody together.
    pub subject: Box<[u8]>,
}

impl Brief {
    /// The whole decision.
    #[must_use]
    pub fn decision(&self) -> Decision {
        let mut decision = self.limit.decision(self.outcome);
        decision.client.clone_from(&self.client);
        decision.subject = Some(self.subject.clone());
        decision
    }
}

/// Somebody whose requests are all the same to a gate, whatever they ask for.
#[derive(Clone)]
pub struct Caller {
    engine: Arc<Engine>,
    limit: OneLimit,
    client: Client,
    subject: Box<[u8]>,
}

impl Caller {
    /// Decides one request, as [`Gate::admit_briefly`] does.
    ///
    /// # Errors
    ///
    /// As [`Gate::admit`].
    pub fn admit(&self) -> Result<Outcome, Error> {
        let mut outcome = Outcome::UNDECIDED;
        if let Some(only) = self.engine.only_here() {
            self.engine.check_only(&mut outcome, only, None, &self.subject)?;
        }
        Ok(outcome)
    }

    /// The limit.
    #[must_use]
    pub const fn limit(&self) -> &OneLimit {
        &self.limit
    }

    /// Who it is.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The gate's answer in short.
    #[must_use]
    pub fn brief(&self, outcome: Outcome) -> Brief {
        let (limit, client) = (self.limit.clone(), Some(self.client.clone()));
        Brief { outcome, limit, client, subject: self.subject.clone() }
    }
}

impl Gate {
    /// Whether the peer's address is all that this gate wants to know of a request: it asks one
    /// limit in this process, of every request, by address, and believes nobody.
    #[must_use]
    pub fn knows_callers(&self) -> bool {
        let is_by_address = matches!(self.rules(), [rule] if rule.key == Key::Ip);
        let is_the_same = self.is_brief && self.watch.is_none() && self.plans.are_one();
        is_by_address && is_the_same && *self.resolver.trust() == Trust::Nobody
    }

    /// Who sent this request, if it comes without the field that the
    /// [`resolver`](Self::resolver) knows. The same peer without that field is the same caller.
    ///
    /// `None` for a gate that does not [know callers](Self::knows_callers).
    #[must_use]
    pub fn caller(&self, facts: &dyn Facts) -> Option<Caller> {
        if !self.knows_callers() {
            return None;
        }
        let Ok(Way::Rules(asked)) = self.way(facts) else { return None };
        let engine = asked.plan.engine.as_ref().filter(|engine| engine.only_here().is_some())?;
        let (limit, engine) = (OneLimit::new(&engine.rules)?, Arc::clone(engine));
        let client = asked.client.filter(|client| !client.ignored)?.into();
        let subject = asked.subjects.first()?.as_bytes().into();
        Some(Caller { engine, limit, client, subject })
    }

    /// Decides as [`admit`](Self::admit), if one limit in this process is all there is to ask.
    /// `None` when there is more; nothing has been decided then.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    pub fn admit_briefly(&self, facts: &dyn Facts) -> Option<Result<Brief, Error>> {
        if !self.is_brief {
            return None;
        }
        let Some(watch) = &self.watch else { return self.brief(facts) };
        let start = Instant::now();
        let answered = self.brief(facts);
        if let Some(answered) = &answered {
            watch.note_brief(answered, start);
        }
        answered
    }

    fn brief(&self, facts: &dyn Facts) -> Option<Result<Brief, Error>> {
        match self.way(facts) {
            Ok(Way::Rules(asked)) => brief(asked, facts.cost()),
            // By somebody who watches: a gate with lists of its own does not get here.
            Ok(Way::Listed(_)) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Whether every request is let in uncounted, whoever sends it.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.watch.is_none() && self.lists.is_empty() && self.plans.rules.is_empty()
    }

    /// Whether a brief answer may be all that there is to say about a request.
    pub(super) fn can_be_brief(&self) -> bool {
        self.lists.is_empty() && !self.plans.has_key_lists && self.plans.is_single()
    }
}

/// The answer of the one limit of a plan, if it has but one.
fn brief(asked: Asked<'_>, cost: Option<u32>) -> Option<Result<Brief, Error>> {
    let Asked { client, plan, subjects } = asked;
    let engine = plan.engine.as_ref().filter(|_| plan.is_plain())?;
    let (only, subject) = (engine.only_here()?, subjects.first()?);
    let limit = OneLimit::new(&engine.rules)?;
    let mut outcome = Outcome::UNDECIDED;
    if let Err(error) = engine.check_only(&mut outcome, only, cost, subject.as_bytes()) {
        return Some(Err(error));
    }
    let (client, subject) = (client.map(Into::into), subject.as_bytes().into());
    Some(Ok(Brief { outcome, limit, client, subject }))
}
