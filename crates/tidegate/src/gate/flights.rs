//! Requests in flight, for rules that limit how many there may be at once.

use std::{sync::Arc, time::Duration};

use tidegate_core::{Change, Limit, Nanos};

use crate::{
    Error, Permit, Permits, Rule, Taken,
    engine::{Engine, Mode},
    permits::log,
    rules::Rules,
};

/// Where the number of a log begins among the limits of a rule, above those of its penalty.
const POSITION: u32 = 1 << 17;

/// How long a client is told to wait when as many requests as may are in flight: nobody knows
/// when one of them will end.
pub(super) const COME_BACK: Duration = Duration::from_secs(1);

/// The requests in flight of one rule.
pub(super) struct Flights {
    pub(super) limit: u32,
    place: Place,
}

/// Where they are counted.
enum Place {
    Permits { permits: Arc<dyn Permits>, scope: u64 },
    Log { engine: Arc<Engine>, limit: Limit },
}

/// One request in flight.
pub(super) enum Flight {
    Permit(Arc<dyn Permits>, Permit),
    Entry {
        engine: Arc<Engine>,
        subject: Box<[u8]>,
        taken_at: Nanos,
    },
    /// Nobody counts it: the store is away.
    Uncounted,
}

impl Flights {
    /// `None` for a rule that does not limit them.
    pub(super) fn new(
        rule: &Rule,
        permits: Option<&Arc<dyn Permits>>,
        like: &Engine,
    ) -> Result<Option<Self>, Error> {
        let Some(concurrent) = rule.limits.concurrent() else { return Ok(None) };
        let place = if let Some(permits) = permits {
            Place::Permits { permits: Arc::clone(permits), scope: log::scope_of(&rule.name) }
        } else {
            let limit = log::limit_of(&rule.name, concurrent, log::HOLD)?;
            let logged = Rule::new(rule.name.clone(), limit.clone().into())
                .on_store_error(rule.on_store_error);
            let engine = like.sharing(Rules::counting_from(POSITION, vec![logged])?);
            Place::Log { engine, limit }
        };
        Ok(Some(Self { limit: concurrent, place }))
    }

    /// Begins a request of `subject`; `None` when as many as may are in flight.
    pub(super) fn begin(&self, subject: &[u8]) -> Result<Option<Flight>, Error> {
        match &self.place {
            Place::Permits { permits, scope } => {
                Ok(match permits.acquire(*scope, subject, self.limit)? {
                    Taken::Yes { permit, .. } => Some(Flight::Permit(Arc::clone(permits), permit)),
                    Taken::No { .. } => None,
                })
            }
            Place::Log { engine, limit } => {
                let decision = engine.decide(Mode::Check, None, |_| subject)?;
                if !decision.allowed {
                    return Ok(None);
                }
                if decision.degraded {
                    return Ok(Some(Flight::Uncounted));
                }
                let taken_at = decision.answers().first().map_or(Nanos::ZERO, |answer| {
                    log::taken_at(limit, answer, decision.charged_at())
                });
                let (engine, subject) = (Arc::clone(engine), subject.into());
                Ok(Some(Flight::Entry { engine, subject, taken_at }))
            }
        }
    }
}

impl Flight {
    /// Ends the request, and may wait for a server.
    pub(super) fn end(self) -> Result<(), Error> {
        match self {
            Self::Permit(permits, permit) => permits.release(permit),
            Self::Entry { engine, subject, taken_at } => {
                let refund = |charged_at| Change::Refund { cost: 1, charged_at };
                engine.adjust(&subject, Some(taken_at), refund)?;
            }
            Self::Uncounted => {}
        }
        Ok(())
    }

    /// Ends a request that nobody has told the end of, where that takes no waiting. An entry in a
    /// server's log ends by itself.
    pub(super) fn abandon(self) {
        if let Self::Permit(permits, permit) = self {
            permits.release(permit);
        }
    }
}
