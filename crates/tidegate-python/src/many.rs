//! Many keys in one call from Python.

use pyo3::{
    Borrowed,
    prelude::*,
    types::{PyBytes, PyList, PyString},
};

use crate::{convert::KeyArg, errors::wrong_type};

/// Keys: any iterable of `str` but a `str` itself.
pub(crate) struct Keys<'py>(Vec<Bound<'py, PyAny>>);

impl<'py> FromPyObject<'_, 'py> for Keys<'py> {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(list) = value.cast_exact::<PyList>() {
            return Ok(Self(list.iter().collect()));
        }
        let wrong = || wrong_type("keys", &value, "a list of str, or another iterable of them");
        // A str is an iterable of str, and never meant as one.
        if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() {
            return Err(wrong());
        }
        let keys = value.try_iter().map_err(|_| wrong())?;
        keys.collect::<PyResult<_>>().map(Self)
    }
}

impl<'py> Keys<'py> {
    /// The bytes of every key; an error names the position of the first that is none.
    pub(crate) fn bytes(&self) -> PyResult<Vec<KeyArg<'_>>> {
        let keys = self.0.iter().enumerate();
        keys.map(|(index, key)| match KeyArg::named("key", key.as_borrowed()) {
            // Named only when it is needed: a name costs more than a check.
            Err(_) => KeyArg::named(&format!("keys[{index}]"), key.as_borrowed()),
            key => key,
        })
        .collect()
    }

    /// The keys, once they are known to be such.
    pub(crate) fn into_strs(self) -> PyResult<Vec<Py<PyString>>> {
        let text = |key: Bound<'py, PyAny>| Ok(key.cast_into::<PyString>()?.unbind());
        self.0.into_iter().map(text).collect()
    }
}
