//! When a rule applies and what follows a breach, from Python's arguments.

use std::time::Duration;

use pyo3::{
    prelude::*,
    types::{PyList, PyMapping, PyString, PyTuple},
};
use tidegate::{Block, Limit, Match, Statuses};

use crate::{
    convert::Seconds,
    errors::{ConfigError, from_engine, wrong_type, wrong_value},
};

/// What `match` may have in it.
const PARTS: &str = "path, exclude, route, methods, hosts";

/// The requests that a rule applies to.
pub(crate) fn matching(given: Option<&Bound<'_, PyAny>>) -> PyResult<Match> {
    let mut found = Match::default();
    let Some(given) = given else { return Ok(found) };
    let Ok(given) = given.cast::<PyMapping>() else {
        return Err(wrong_type("match", given, "a mapping such as {\"path\": \"/login\"}"));
    };
    for pair in given.items()?.iter() {
        let (part, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
        let name = part.cast::<PyString>().map(|name| name.to_string_lossy().into_owned());
        let place = match name.as_deref() {
            Ok("path") => &mut found.paths,
            Ok("exclude") => &mut found.exclude,
            Ok("route") => &mut found.routes,
            Ok("methods") => &mut found.methods,
            Ok("hosts") => &mut found.hosts,
            _ => return Err(wrong_value("a key of match", &part, &format!("one of {PARTS}"))),
        };
        *place = words(&format!("match[{}]", part.repr()?), &value)?;
        if place.is_empty() {
            return Err(wrong_value(
                &format!("match[{}]", part.repr()?),
                &value,
                "at least one: an empty list would match nothing",
            ));
        }
    }
    Ok(found)
}

/// One word, or a list of words.
fn words(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if let Ok(word) = value.cast::<PyString>() {
        return Ok(vec![word.to_cow()?.into_owned()]);
    }
    value.extract().map_err(|_| wrong_type(name, value, "a str or a list of them"))
}

/// Whether a rule is in the shadow.
pub(crate) fn shadow(mode: &str) -> PyResult<bool> {
    match mode {
        "enforce" => Ok(false),
        "shadow" => Ok(true),
        _ => Err(ConfigError::new_err(format!(
            "unknown mode `{mode}`; a rule's mode is enforce or shadow"
        ))),
    }
}

/// What follows a breach.
pub(crate) fn block(
    tiers: Option<&Bound<'_, PyAny>>,
    decay: Option<&Bound<'_, PyAny>>,
    extend_on_attempt: bool,
) -> PyResult<Option<Block>> {
    let Some(tiers) = tiers else {
        return match decay {
            None if !extend_on_attempt => Ok(None),
            _ => Err(ConfigError::new_err(
                "`block_decay` and `extend_on_attempt` are about `block`, which is not given",
            )),
        };
    };
    let is_list = tiers.is_instance_of::<PyList>() || tiers.is_instance_of::<PyTuple>();
    let tiers = if is_list {
        tiers.try_iter()?.map(|tier| duration("block", &tier?)).collect::<PyResult<_>>()?
    } else {
        vec![duration("block", tiers)?]
    };
    let mut block = Block::new(tiers).map_err(|error| from_engine(&error))?;
    if let Some(decay) = decay {
        let decay = duration("block_decay", decay)?;
        block = block.decay(decay).map_err(|error| from_engine(&error))?;
    }
    Ok(Some(block.extend_on_attempt(extend_on_attempt)))
}

/// Seconds, a `timedelta`, or text such as `15m`.
fn duration(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let Ok(text) = value.cast::<PyString>() else { return Ok(value.extract::<Seconds>()?.0) };
    let text = text.to_cow()?;
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    // The grammar of limit strings is the one that knows what a duration is.
    let limit = is_word.then(|| format!("1/{text}").parse::<Limit>().ok()).flatten();
    limit.map(|limit| limit.spec().window().into()).ok_or_else(|| {
        wrong_value(name, value, "seconds, a timedelta, or text such as \"15m\" or \"1h30m\"")
    })
}

/// The statuses that a rule charges for.
pub(crate) fn statuses(told: &Bound<'_, PyAny>) -> PyResult<Statuses> {
    let is_list = told.is_instance_of::<PyList>() || told.is_instance_of::<PyTuple>();
    let words = if is_list {
        told.try_iter()?.map(|word| Ok(word?.str()?.to_cow()?.into_owned())).collect()
    } else {
        told.str()?.to_cow().map(|word| vec![word.into_owned()])
    };
    let words: Vec<String> = words?;
    let words = words.iter().flat_map(|word| word.split(','));
    Statuses::from_words(words).map_err(|error| ConfigError::new_err(format!("charge_on: {error}")))
}
