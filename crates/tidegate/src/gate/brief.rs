//! A gate's answer in short, where one limit is all that was asked.
//!
//! A [`Decision`] is large, and most of it is seldom looked at. This is what it can be made of.

use std::time::Instant;

use super::{Asked, Facts, Gate, Way};
use crate::{Client, Decision, Error, OneLimit, Outcome};

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

impl Gate {
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
