//! Response header fields as Python wants them: pairs of text for WSGI, of bytes for ASGI.

use std::sync::Mutex;

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyBytes, PyDict, PyList, PyString, PyTuple},
};
use tidegate::{
    Clock, Nanos,
    fields::{Profile, Value},
};

use crate::decision::PyDecision;

/// Every name that a response of ours can have, in its usual capitals.
pub(crate) const NAMES: [&str; 11] = [
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "RateLimit-Policy",
    "RateLimit",
    "Content-Type",
    "Content-Length",
];

/// The last field of a name, and its value.
type Last = Mutex<Option<(u64, Py<PyTuple>)>>;

/// Who speaks: both protocols want the same fields in different types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Byte strings, names in lower case.
    Asgi,
    /// Text.
    Wsgi,
}

impl Protocol {
    /// One field.
    pub(crate) fn field<'py>(
        self,
        py: Python<'py>,
        name: &str,
        value: Value<'_>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        // The limit is the same on every response, and the time of its reset for a while.
        static ASGI: [Last; NAMES.len()] = [const { Last::new(None) }; NAMES.len()];
        static WSGI: [Last; NAMES.len()] = [const { Last::new(None) }; NAMES.len()];
        let place = NAMES.iter().position(|known| *known == name);
        let (Some(place), Value::Number(number)) = (place, value) else {
            return self.new_field(py, self.name(py, name, place), value);
        };
        let last = match self {
            Self::Asgi => &ASGI[place],
            Self::Wsgi => &WSGI[place],
        };
        // Not waited for: it is quicker to make another one.
        if let Ok(known) = last.try_lock()
            && let Some((of, field)) = &*known
            && *of == number
        {
            return Ok(field.bind(py).clone());
        }
        let field = self.new_field(py, self.name(py, name, Some(place)), value)?;
        let kept = Some((number, field.clone().unbind()));
        let former = last.try_lock().map(|mut known| std::mem::replace(&mut *known, kept));
        // Not under the lock: what is let go may run Python code.
        drop(former);
        Ok(field)
    }

    pub(crate) fn new_field<'py>(
        self,
        py: Python<'py>,
        name: Bound<'py, PyAny>,
        value: Value<'_>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let mut digits = [0; Value::MOST_DIGITS];
        let text = match value {
            Value::Number(number) => Value::digits(number, &mut digits),
            Value::Text(text) => text.as_bytes(),
        };
        match self {
            Self::Asgi => (name, PyBytes::new(py, text)).into_pyobject(py),
            Self::Wsgi => (name, PyString::from_bytes(py, text)?).into_pyobject(py),
        }
    }

    /// The name as an object that is made once, if it has a place.
    pub(crate) fn name<'py>(
        self,
        py: Python<'py>,
        name: &str,
        place: Option<usize>,
    ) -> Bound<'py, PyAny> {
        static ASGI: PyOnceLock<[Py<PyAny>; NAMES.len()]> = PyOnceLock::new();
        static WSGI: PyOnceLock<[Py<PyAny>; NAMES.len()]> = PyOnceLock::new();
        let made = match self {
            Self::Asgi => &ASGI,
            Self::Wsgi => &WSGI,
        };
        let Some(place) = place else { return self.new_name(py, name).into_bound(py) };
        let made = made.get_or_init(py, || NAMES.map(|name| self.new_name(py, name)));
        made[place].bind(py).clone()
    }

    fn new_name(self, py: Python<'_>, name: &str) -> Py<PyAny> {
        match self {
            Self::Asgi => PyBytes::new(py, name.to_ascii_lowercase().as_bytes()).into_any(),
            Self::Wsgi => PyString::new(py, name).into_any(),
        }
        .unbind()
    }

    /// True when `field`, one of the application's, has one of these names in whatever case.
    fn is_named<'n>(
        self,
        field: &Bound<'_, PyAny>,
        mut names: impl Iterator<Item = &'n str>,
    ) -> bool {
        let found = match field.cast::<PyTuple>() {
            Ok(pair) => pair.get_item(0),
            Err(_) => field.get_item(0),
        };
        let Ok(found) = found else { return false };
        let mut is = |found: &[u8]| names.any(|it| it.as_bytes().eq_ignore_ascii_case(found));
        match self {
            Self::Asgi => found.cast::<PyBytes>().is_ok_and(|found| is(found.as_bytes())),
            Self::Wsgi => found
                .cast::<PyString>()
                .is_ok_and(|found| found.to_str().is_ok_and(|found| is(found.as_bytes()))),
        }
    }
}

/// The header fields to write, and when they were decided about, since 1970.
pub(crate) fn report(profile: Profile, clock: &dyn Clock) -> (Profile, Nanos) {
    // No other profile tells a time of day.
    let is_told = profile.contains(Profile::X_RATELIMIT);
    (profile, if is_told { clock.unix_now() } else { Nanos::ZERO })
}

/// Fields of one response, in order.
pub(crate) struct Fields<'py> {
    py: Python<'py>,
    protocol: Protocol,
    /// Each with its name, as text.
    pairs: Vec<(&'static str, Bound<'py, PyTuple>)>,
}

impl<'py> Fields<'py> {
    pub(crate) fn new(py: Python<'py>, protocol: Protocol) -> Self {
        // Three of the usual profile, and what describes a refusal.
        const USUALLY: usize = 6;
        Self { py, protocol, pairs: Vec::with_capacity(USUALLY) }
    }

    pub(crate) fn push(&mut self, name: &'static str, value: Value<'_>) -> PyResult<()> {
        self.pairs.push((name, self.protocol.field(self.py, name, value)?));
        Ok(())
    }

    /// Adds what `profile` says about a decision that was made `unix_now` after 1970.
    pub(crate) fn push_report(
        &mut self,
        decision: &PyDecision,
        profile: Profile,
        unix_now: Nanos,
    ) -> PyResult<()> {
        let mut outcome = Ok(());
        decision.write_values(profile, unix_now, &mut |name, value| {
            if outcome.is_ok() {
                outcome = self.push(name, value);
            }
        });
        outcome
    }

    /// A list of these fields alone.
    pub(crate) fn into_list(self) -> PyResult<Bound<'py, PyList>> {
        PyList::new(self.py, self.pairs.into_iter().map(|(_, pair)| pair))
    }

    /// The values of these fields alone, by name.
    pub(crate) fn into_dict(self) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(self.py);
        for (_, pair) in self.pairs {
            dict.set_item(pair.get_item(0)?, pair.get_item(1)?)?;
        }
        Ok(dict)
    }

    /// A new list of the application's fields and these; only its own if it has set one of
    /// these itself.
    pub(crate) fn behind(self, own: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let own = match own.cast::<PyList>() {
            Ok(list) => list.clone(),
            Err(_) if !own.is_truthy()? => return self.into_list(),
            Err(_) => self.py.get_type::<PyList>().call1((own,))?.cast_into()?,
        };
        let is_ours = |field: Bound<'_, PyAny>| {
            self.protocol.is_named(&field, self.pairs.iter().map(|(name, _)| *name))
        };
        if own.iter().any(is_ours) {
            return Ok(own);
        }
        let joined = own.get_slice(0, own.len());
        for (_, pair) in self.pairs {
            joined.append(pair)?;
        }
        Ok(joined)
    }
}
