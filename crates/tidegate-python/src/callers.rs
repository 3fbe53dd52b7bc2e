//! The clients that a gate has seen, where the peer's address is all that it wants to know of a
//! request: what it made of an address is found again by the address's text.

use std::sync::Arc;

use pyo3::{
    intern,
    prelude::*,
    types::{PyDict, PyString, PyTuple},
};
use tidegate::{Clock, Gate, Nanos, fields::Profile};

use crate::{
    decision::PyDecision,
    errors::from_engine,
    facts::{FORWARDED_FOR, Given, PyFacts, Source},
    headers::report,
    lookup::{has_asgi_header, item},
    origin::Known,
};

/// The most that are kept. When there are more, all are forgotten: it takes less to find them
/// again than to keep an order.
const MOST: usize = 4096;

/// What a gate that is never replaced has seen.
pub(crate) struct Callers {
    gate: Arc<Gate>,
    profile: Option<Profile>,
    clock: Arc<dyn Clock>,
    /// `Known`, by the text of an address.
    known: Py<PyDict>,
}

impl Callers {
    /// `None` for a gate that wants to know more.
    pub(crate) fn new(
        py: Python<'_>,
        gate: &Arc<Gate>,
        profile: Option<Profile>,
        clock: &Arc<dyn Clock>,
    ) -> Option<Self> {
        let is_usual = gate.resolver().header().name().eq_ignore_ascii_case(FORWARDED_FOR);
        (is_usual && gate.knows_callers()).then(|| Self {
            gate: Arc::clone(gate),
            profile,
            clock: Arc::clone(clock),
            known: PyDict::new(py).unbind(),
        })
    }

    /// What the header fields of a response depend on, apart from its decision.
    pub(crate) fn report(&self) -> (Profile, Nanos) {
        report(self.profile.unwrap_or_default(), &*self.clock)
    }

    /// Decides a request, if its peer alone says who is calling. `None` when there is more to
    /// find out; nothing has been decided then.
    pub(crate) fn decide(
        &self,
        py: Python<'_>,
        source: &Source<'_, '_>,
    ) -> PyResult<Option<PyDecision>> {
        let Some(known) = self.known(py, source)? else { return Ok(None) };
        match known.get().caller.admit() {
            Ok(outcome) => {
                let decision = PyDecision::of_known(outcome, known.unbind());
                Ok(Some(decision.shown_in(self.profile)))
            }
            Err(error) => Err(from_engine(&error)),
        }
    }

    fn known<'py>(
        &self,
        py: Python<'py>,
        source: &Source<'_, 'py>,
    ) -> PyResult<Option<Bound<'py, Known>>> {
        let Some(peer) = peer_of(source) else { return Ok(None) };
        let all = self.known.bind(py);
        if let Some(known) = all.get_item(&peer)? {
            return Ok(Some(known.cast_into()?));
        }
        let facts = PyFacts::new(source.clone(), Given::default());
        let Some(caller) = self.gate.caller(&facts) else { return Ok(None) };
        let known = Bound::new(py, Known { caller, clock: Arc::clone(&self.clock) })?;
        if all.len() >= MOST {
            all.clear();
        }
        all.set_item(&peer, &known)?;
        Ok(Some(known))
    }
}

/// The text of the peer's address, of a request without a forwarding header field.
fn peer_of<'py>(source: &Source<'_, 'py>) -> Option<Bound<'py, PyString>> {
    let peer = match source {
        Source::Asgi(scope, _) => {
            let client = item(scope, intern!(scope.py(), "client"))?;
            if has_asgi_header(scope, FORWARDED_FOR) {
                return None;
            }
            client.cast::<PyTuple>().ok()?.get_item(0).ok()?
        }
        Source::Wsgi(environ) => {
            if item(environ, intern!(environ.py(), "HTTP_X_FORWARDED_FOR")).is_some() {
                return None;
            }
            item(environ, intern!(environ.py(), "REMOTE_ADDR"))?
        }
        Source::Nothing => return None,
    };
    // Nothing of a class that could compare in its own way.
    peer.cast_into_exact().ok()
}
