//! The calls that the interpreter passes on as they lie on its stack.
//!
//! Only what is answered at once; everything else is for the ordinary methods.

use std::{borrow::Cow, sync::Arc};

use pyo3::{prelude::*, types::PyBool};
use tidegate::Outcome;

use super::PyLimiter;
use crate::{
    convert::{KeyArg, MAX_KEY_BYTES, Units},
    decision::PyDecision,
    errors::from_engine,
    fastcall::{Plain, Quick},
    hub::Made,
    ready::{ready, ready_bool},
    switch,
};

impl PyLimiter {
    /// Whether a call with this key can be answered at once.
    #[inline]
    fn is_quick(call: &Plain<'_, '_>) -> bool {
        (1..=MAX_KEY_BYTES).contains(&call.text.len())
            && switch::is_enabled()
            && call.limiter.get().notices.is_settled()
    }

    #[inline]
    fn quick_bool(call: &Plain<'_, '_>) -> Quick<bool> {
        if !Self::is_quick(call) {
            return Quick::Behind;
        }
        let limiter = call.limiter.get();
        if limiter.waits {
            let (text, cost) = (call.text, call.cost);
            if limiter.limiter.known_denial(text, cost).is_some() {
                return Quick::Done(false);
            }
            // Not `allow_cost`, which would look for a denial first.
            let decision = limiter.in_peace(|| limiter.limiter.check_cost(text, cost));
            return decision.map(|decision| decision.allowed).into();
        }
        match limiter.limiter.allow_cost(call.text, call.cost) {
            Ok(allowed) => Quick::Done(allowed),
            Err(error) => Quick::failed(from_engine(&error)),
        }
    }

    /// An answer that is awaited from a server, unless it is a refusal that is known.
    fn quick_await<'py>(
        call: &Plain<'_, 'py>,
        made: impl FnOnce() -> Made,
    ) -> Quick<Bound<'py, PyAny>> {
        let limiter = call.limiter.get();
        let is_known = limiter.limiter.known_denial(call.text, call.cost).is_some();
        if is_known || !Self::is_quick(call) {
            return Quick::Behind;
        }
        let key = KeyArg(Cow::Borrowed(call.text));
        // Attached anew, so that PyO3 knows it: what is dropped on the way is let go at once.
        let future = Python::attach(|py| {
            limiter.expected(py, &key, Units(call.cost), made()).map(Bound::unbind)
        });
        future.map(|future| future.into_bound(call.key.py())).into()
    }

    #[inline]
    pub(crate) fn quick_allow<'py>(call: &Plain<'_, 'py>) -> Quick<Bound<'py, PyAny>> {
        match Self::quick_bool(call) {
            Quick::Done(allowed) => {
                Quick::Done(PyBool::new(call.key.py(), allowed).to_owned().into_any())
            }
            Quick::Failed(error) => Quick::Failed(error),
            Quick::Behind => Quick::Behind,
        }
    }

    #[inline]
    pub(crate) fn quick_check<'py>(call: &Plain<'_, 'py>) -> Quick<Bound<'py, PyAny>> {
        let (py, limiter) = (call.key.py(), call.limiter.get());
        let Some(maker) = limiter.maker.as_ref().filter(|_| Self::is_quick(call)) else {
            return Quick::Behind;
        };
        let mut outcome = Outcome::UNDECIDED;
        if limiter.waits {
            let Some(known) = limiter.limiter.known_denial(call.text, call.cost) else {
                return Quick::Behind;
            };
            outcome = known;
        } else if let Err(error) = limiter.limiter.outcome_into(&mut outcome, call.text, call.cost)
        {
            return Quick::failed(from_engine(&error));
        }
        let key = call.key.to_owned().unbind();
        match Bound::new(py, PyDecision::short(outcome, maker.clone_ref(py), key)) {
            Ok(decision) => Quick::Done(decision.into_any()),
            Err(error) => Quick::failed(error),
        }
    }

    #[inline]
    pub(crate) fn quick_aallow<'py>(call: &Plain<'_, 'py>) -> Quick<Bound<'py, PyAny>> {
        if call.limiter.get().waits {
            return Self::quick_await(call, || Made::Bool);
        }
        match Self::quick_bool(call) {
            Quick::Done(allowed) => ready_bool(call.key.py(), allowed).into(),
            Quick::Failed(error) => Quick::Failed(error),
            Quick::Behind => Quick::Behind,
        }
    }

    #[inline]
    pub(crate) fn quick_acheck<'py>(call: &Plain<'_, 'py>) -> Quick<Bound<'py, PyAny>> {
        let (py, limiter) = (call.key.py(), call.limiter.get());
        if limiter.waits {
            let key = || call.key.to_owned().unbind();
            return Self::quick_await(call, || match &limiter.maker {
                Some(maker) => Made::Short { maker: maker.clone_ref(py), key: key() },
                None => Made::Decision {
                    clock: Arc::clone(&limiter.clock),
                    key: Some(key()),
                    profile: None,
                },
            });
        }
        match Self::quick_check(call) {
            Quick::Done(decision) => ready(decision).into(),
            other => other,
        }
    }
}
