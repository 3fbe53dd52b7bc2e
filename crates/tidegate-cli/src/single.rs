//! One rule as one key meets it: a gate of that rule alone, and requests of that key alone.
//!
//! Its counters are those that the key has under the rule among any others.

use std::{borrow::Cow, sync::Arc};

use tidegate::{Clock, Decision, Ending, Facts, Gate, Key, Lines, Match, Rule, Store};

use crate::exit::Failure;

/// A rule and a key.
pub(crate) struct Single {
    gate: Gate,
    request: Request,
}

/// A request of which nothing is known but whom it counts as.
struct Request {
    subject: Vec<u8>,
    cost: Option<u32>,
}

impl Single {
    /// `rule` is enforced, whatever its mode, and applies whatever it matches.
    pub(crate) fn new(
        rule: &Rule,
        subject: Vec<u8>,
        cost: Option<u32>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let rule =
            rule.clone().key(Key::Custom).matching(Match::default()).by_name(false).shadow(false);
        let gate = Gate::builder().rule(rule).shared_store(store).clock(clock).build()?;
        Ok(Self { gate, request: Request { subject, cost } })
    }

    /// Lets one request through the gate; it ends at once, with this status.
    pub(crate) fn admit(&self, status: u16) -> Result<Decision, Failure> {
        let decision = self.gate.admit(&self.request)?;
        self.gate.settle(&decision, &Ending { status: Some(status), ..Ending::default() })?;
        Ok(decision)
    }
}

impl Facts for Request {
    fn peer(&self) -> Option<&str> {
        None
    }

    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"/")
    }

    fn header(&self, _name: &str) -> Lines<'_> {
        Lines::new()
    }

    fn key(&self, _number: usize) -> Option<Cow<'_, [u8]>> {
        Some(Cow::Borrowed(&self.subject))
    }

    fn cost(&self) -> Option<u32> {
        self.cost
    }
}
