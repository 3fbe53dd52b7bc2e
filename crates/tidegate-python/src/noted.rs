//! What our middleware notes about the request that a task or thread is in.

use pyo3::{
    Borrowed, intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyList, PyMapping, PyTuple},
};
use tidegate::fields::Profile;

use crate::{
    decision::PyDecision,
    facts::Source,
    fastcall::call_one,
    gate::PyGate,
    passage::{AsgiPassage, WsgiPassage},
    visit,
};

/// What `tidegate._current` has: what reads, writes and takes back, and what finds a request that
/// a framework keeps, too.
fn functions(py: Python<'_>) -> PyResult<&[Py<PyAny>; 4]> {
    static FUNCTIONS: PyOnceLock<[Py<PyAny>; 4]> = PyOnceLock::new();
    FUNCTIONS.get_or_try_init(py, || {
        let module = py.import("tidegate._current")?;
        let function = |name| module.getattr(name).map(Bound::unbind);
        Ok([function("noted")?, function("note")?, function("forget")?, function("around")?])
    })
}

/// Who asks for the middleware around.
#[derive(Clone, Copy)]
pub(crate) enum Inside<'a, 'py> {
    /// An ASGI connection, of which there is a note if there is anything.
    Asgi,
    /// A WSGI request, whose environment may keep its passage.
    Wsgi(&'a Bound<'py, PyMapping>),
    /// A function that knows no request.
    Anything,
}

impl<'py> Inside<'_, 'py> {
    fn noted(self, py: Python<'py>) -> PyResult<Option<Noted<'py>>> {
        let [noted, .., around] = functions(py)?;
        let find = if let Inside::Anything = self { around } else { noted };
        let Current(noted) = find.bind(py).call0()?.extract()?;
        Ok(match self {
            Inside::Wsgi(environ) => noted.or_else(|| Noted::kept(environ)),
            Inside::Asgi | Inside::Anything => noted,
        })
    }

    /// The gate of the middleware around this one, if there is one.
    pub(crate) fn outer_gate(self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.noted(py)?.map(|noted| noted.gate.into_any()))
    }

    /// The header fields that the middleware around shows, if there is one.
    pub(crate) fn outer_profile(self, py: Python<'py>) -> PyResult<Option<Profile>> {
        self.noted(py)?.map(|noted| noted.profile()).transpose()
    }
}

/// A note about a request, until it is taken back.
pub(crate) struct Note(Py<PyAny>);

impl Note {
    /// Notes a scope and its `receive`, or an environment and `None`; the gate; and the passage.
    pub(crate) fn new(parts: [&Bound<'_, PyAny>; 4]) -> PyResult<Self> {
        let py = parts[0].py();
        let parts = PyTuple::new(py, parts)?.into_any();
        call_one(functions(py)?[1].bind(py), &parts).map(|token| Self(token.unbind()))
    }

    /// Takes it back.
    pub(crate) fn forget(self, py: Python<'_>) {
        let forgotten =
            functions(py).and_then(|known| call_one(known[2].bind(py), self.0.bind(py)));
        if let Err(error) = forgotten {
            // In another context than the one it was made in, where nobody sees the note.
            error.write_unraisable(py, None);
        }
    }
}

/// Whether there is no note of any request.
pub(crate) fn is_unnoted(py: Python<'_>) -> PyResult<bool> {
    Ok(functions(py)?[0].bind(py).call0()?.is_none())
}

/// Puts a note that can be emptied in the place of the one about a passage's request, if that is
/// what is noted: whatever begins from now on keeps nothing of the request when it has ended.
///
/// Servers start a timer in the request's context when a response is complete, and a client who
/// keeps the connection lets it run. What begins before, in the application, finds the request
/// for as long as it likes.
pub(crate) fn loosen<'py>(
    passage: &Bound<'py, AsgiPassage>,
) -> PyResult<Option<Bound<'py, PyList>>> {
    let (py, functions) = (passage.py(), functions(passage.py())?);
    let Ok(noted) = functions[0].bind(py).call0()?.cast_into::<PyTuple>() else { return Ok(None) };
    if !noted.get_item(3)?.is(passage) {
        return Ok(None);
    }
    let loose = noted.to_list();
    call_one(functions[1].bind(py), &loose)?;
    Ok(Some(loose))
}

/// What is in `tidegate._current.current`: a tuple; a list, for what began after the response; or
/// nothing any more.
pub(crate) struct Current<'py>(pub(crate) Option<Noted<'py>>);

impl<'a, 'py> FromPyObject<'a, 'py> for Current<'py> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if value.is_none() {
            return Ok(Self(None));
        }
        let parts = match value.cast::<PyList>() {
            Ok(list) => list.to_tuple(),
            Err(_) => value.cast::<PyTuple>()?.to_owned(),
        };
        if parts.is_empty() { Ok(Self(None)) } else { Noted::of(&parts).map(Some).map(Self) }
    }
}

/// A note, taken apart.
pub(crate) struct Noted<'py> {
    /// A scope, or an environment.
    request: Bound<'py, PyMapping>,
    /// `None` under WSGI.
    receive: Bound<'py, PyAny>,
    gate: Bound<'py, PyGate>,
    passage: Bound<'py, PyAny>,
}

impl<'py> Noted<'py> {
    fn of(parts: &Bound<'py, PyTuple>) -> PyResult<Self> {
        Ok(Self {
            request: parts.get_item(0)?.cast_into()?,
            receive: parts.get_item(1)?,
            gate: parts.get_item(2)?.cast_into()?,
            passage: parts.get_item(3)?,
        })
    }

    /// What a framework keeps of a request, by its environment.
    pub(crate) fn kept(environ: &Bound<'py, PyMapping>) -> Option<Self> {
        let (py, passage) = (environ.py(), visit::kept(environ)?);
        let gate = passage.get().gate.bind(py).clone();
        let (request, receive) = (environ.clone(), py.None().into_bound(py));
        Some(Self { request, receive, gate, passage: passage.into_any() })
    }

    /// The header fields that the middleware shows.
    fn profile(&self) -> PyResult<Profile> {
        if let Ok(passage) = self.passage.cast::<AsgiPassage>() {
            return Ok(passage.get().passage.profile());
        }
        Ok(self.passage.cast::<WsgiPassage>()?.get().passage.profile())
    }

    /// The client's address by the trust of the gate around the application; `None` when that
    /// believes nobody: any other gate finds the same then.
    pub(crate) fn outer_address(&self) -> Option<String> {
        let gate = self.gate.get();
        if !gate.believes() {
            return None;
        }
        let source = if self.receive.is_none() {
            Source::Wsgi(&self.request)
        } else {
            Source::Asgi(&self.request, Some(&self.receive))
        };
        Some(gate.address(source))
    }

    /// Tells the middleware of a decision that was made further in: the response gets the header
    /// fields of the one that binds most, and so does the request.
    pub(crate) fn consider(&self, decision: &Bound<'_, PyDecision>) -> PyResult<()> {
        let py = decision.py();
        if let Ok(passage) = self.passage.cast::<AsgiPassage>() {
            let shown = passage.get().passage.consider(decision);
            return self.request.set_item(intern!(py, "tidegate"), shown);
        }
        let shown = self.passage.cast::<WsgiPassage>()?.get().passage.consider(decision);
        self.request.set_item(intern!(py, "tidegate.decision"), shown)
    }
}
