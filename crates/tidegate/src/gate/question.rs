//! A request's decision as a thing that can wait for its answer.

use std::sync::Arc;

use super::{Asked, plan::Plan};
use crate::{Client, Decided, Decision, Error, engine::Mode};

/// What a gate is to decide.
pub struct Question(Kind);

enum Kind {
    Answered(Box<Decision>),
    Open(Open),
}

struct Open {
    plan: Arc<Plan>,
    /// Whom each rule of the plan counts.
    subjects: Box<[Box<[u8]>]>,
    client: Option<Client>,
    cost: Option<u32>,
}

impl Question {
    pub(super) fn new(asked: Asked<'_>, cost: Option<u32>) -> Self {
        let Asked { client, plan, subjects } = asked;
        let subjects = subjects.iter().map(|subject| subject.as_bytes().into()).collect();
        Self(Kind::Open(Open { plan, subjects, client: client.map(Into::into), cost }))
    }

    pub(super) fn answered(decision: Decision) -> Self {
        Self(Kind::Answered(Box::new(decision)))
    }

    /// Whether the store is asked several times, one after the other, which only a thread that
    /// may wait can do.
    #[must_use]
    pub fn has_steps(&self) -> bool {
        matches!(&self.0, Kind::Open(open) if !open.plan.is_plain())
    }

    pub(super) fn ask(self) -> Result<Decision, Error> {
        match self.0 {
            Kind::Answered(decision) => Ok(*decision),
            Kind::Open(open) => open.ask(),
        }
    }

    pub(super) fn start(self, done: Decided) {
        let open = match self.0 {
            Kind::Answered(decision) => return done(Ok(*decision)),
            Kind::Open(open) => open,
        };
        let engine = match &open.plan.engine {
            Some(engine) if open.plan.is_plain() => Arc::clone(engine),
            _ => return done(open.ask()),
        };
        let (subjects, cost) = (open.subjects.clone(), open.cost);
        let finish = move |decided: Result<Decision, Error>| {
            done(decided.map(|decision| open.finish(decision)));
        };
        engine.start_remotely(cost, &|place| &*subjects[place], Box::new(finish));
    }
}

impl Open {
    fn ask(self) -> Result<Decision, Error> {
        let decided = self.plan.decide(Mode::Check, self.cost, |place| &*self.subjects[place]);
        Ok(self.finish(decided?))
    }

    fn finish(mut self, mut decision: Decision) -> Decision {
        if decision.is_counted() && decision.subject.is_none() {
            decision.subject = Some(std::mem::take(&mut self.subjects[decision.rule_index()]));
        }
        decision.client = self.client;
        decision
    }
}
