//! `Answers`: what callables of the user say about one request, gathered before it is decided.

use std::collections::HashMap;

use pyo3::{
    Borrowed,
    prelude::*,
    types::{PyAnyMethods, PyMapping},
};

use crate::{convert::Units, errors::wrong_type, lookup::wide_bytes};

/// What callables say about one request.
///
/// `keys` has the answers of keys by their number, as `Gate.callables` counts them; `limits` has
/// limit strings by the position of the rule whose limit they replace; `exempt` has the positions
/// of rules that leave the request alone; `cost` is what it costs instead of the rules' cost.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct Answers {
    keys: HashMap<usize, Vec<u8>>,
    limits: HashMap<usize, String>,
    exempt: Vec<usize>,
    cost: Option<Units>,
}

#[pymethods]
impl Answers {
    #[new]
    #[pyo3(signature = (
        keys: "collections.abc.Mapping[int, str] | None" = None,
        limits: "collections.abc.Mapping[int, str] | None" = None,
        exempt: "collections.abc.Sequence[int]" = Vec::new(),
        cost: "int | None" = None,
    ))]
    fn new(
        keys: Option<&Bound<'_, PyMapping>>,
        limits: Option<HashMap<usize, String>>,
        exempt: Vec<usize>,
        cost: Option<Units>,
    ) -> PyResult<Self> {
        let keys = keys.map_or_else(|| Ok(HashMap::new()), by_number)?;
        Ok(Self { keys, limits: limits.unwrap_or_default(), exempt, cost })
    }
}

fn by_number(keys: &Bound<'_, PyMapping>) -> PyResult<HashMap<usize, Vec<u8>>> {
    let mut found = HashMap::new();
    for pair in keys.items()?.iter() {
        let (number, key): (usize, Bound<'_, PyAny>) = pair.extract()?;
        // An empty or a missing key is an error of the gate's, which knows whose it is.
        if let Some(key) = wide_bytes(&key).filter(|key| !key.is_empty()) {
            found.insert(number, key);
        }
    }
    Ok(found)
}

/// Answers, or just those of keys, by their number.
pub(crate) enum Known<'py> {
    Answers(Bound<'py, Answers>),
    Keys(Bound<'py, PyMapping>),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Known<'py> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(answers) = value.cast::<Answers>() {
            return Ok(Self::Answers(answers.to_owned()));
        }
        match value.cast::<PyMapping>() {
            Ok(keys) => Ok(Self::Keys(keys.to_owned())),
            Err(_) => Err(wrong_type("keys", &value, "a mapping of numbers to keys, or Answers")),
        }
    }
}

impl Known<'_> {
    pub(crate) fn key(&self, number: usize) -> Option<Vec<u8>> {
        match self {
            Self::Answers(answers) => answers.get().keys.get(&number).cloned(),
            Self::Keys(keys) => {
                let key = keys.get_item(number).ok()?;
                wide_bytes(&key).filter(|key| !key.is_empty())
            }
        }
    }

    pub(crate) fn limit(&self, rule: usize) -> Option<&str> {
        self.answers()?.limits.get(&rule).map(String::as_str)
    }

    pub(crate) fn is_exempt(&self, rule: usize) -> bool {
        self.answers().is_some_and(|answers| answers.exempt.contains(&rule))
    }

    pub(crate) fn cost(&self) -> Option<u32> {
        self.answers()?.cost.map(|cost| cost.0)
    }

    fn answers(&self) -> Option<&Answers> {
        match self {
            Self::Answers(answers) => Some(answers.get()),
            Self::Keys(_) => None,
        }
    }
}
