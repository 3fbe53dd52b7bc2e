//! What a gate is made of, from Python's arguments.

use pyo3::{
    prelude::*,
    types::{PyBool, PyInt, PySequence, PyString},
};
use tidegate::address::{ForwardedHeader, Resolver, Trust};

use crate::{
    errors::{ConfigError, expect, wrong_type, wrong_value},
    rule::PyRule,
};

pub(crate) fn rule_list(rules: &Bound<'_, PyAny>) -> PyResult<Vec<Py<PyRule>>> {
    const EXPECTED: &str = "a list of Rule";
    let sequence = rules.cast::<PySequence>().map_err(|_| wrong_type("rules", rules, EXPECTED))?;
    let mut list = Vec::new();
    for rule in sequence.try_iter()? {
        let rule = rule?;
        list.push(expect::<PyRule>("every rule", &rule, "a Rule")?.clone().unbind());
    }
    Ok(list)
}

pub(crate) fn resolver(
    trusted: Option<&Bound<'_, PyAny>>,
    header: &str,
    ipv6_prefix: i64,
) -> PyResult<Resolver> {
    let trust = trusted.map_or(Ok(Trust::Nobody), trust)?;
    let header: ForwardedHeader = header
        .parse()
        .map_err(|error| ConfigError::new_err(format!("forwarded_header: {error}")))?;
    let bits = u8::try_from(ipv6_prefix).unwrap_or(u8::MAX);
    Resolver::new(trust).with_header(header).with_ipv6_prefix(bits).map_err(|_| {
        let range = Resolver::IPV6_PREFIXES;
        let (low, high) = (range.start(), range.end());
        ConfigError::new_err(format!("ipv6_prefix must be from {low} to {high}, got {ipv6_prefix}"))
    })
}

/// Whom `trusted_proxies` names: networks, or a number of hops.
fn trust(trusted: &Bound<'_, PyAny>) -> PyResult<Trust> {
    const EXPECTED: &str = "a list of networks such as [\"10.0.0.0/8\"], or the number of proxies";
    if trusted.is_instance_of::<PyInt>() && !trusted.is_instance_of::<PyBool>() {
        let hops = trusted.extract().map_err(|_| {
            wrong_value("trusted_proxies, as a number of proxies,", trusted, "from 0 to 255")
        })?;
        return Ok(Trust::hops(hops));
    }
    let words = words(("trusted_proxies", "every trusted proxy"), trusted, EXPECTED)?;
    Trust::from_words(words.iter().map(String::as_str))
        .map_err(|error| ConfigError::new_err(format!("trusted_proxies: {error}")))
}

/// Networks of the list `name`; none when it is not given.
pub(crate) fn networks(name: &str, list: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<String>> {
    let expected = "a list of addresses and networks such as [\"10.0.0.0/8\"]";
    list.map_or_else(|| Ok(Vec::new()), |list| words((name, name), list, expected))
}

/// One word, or several.
fn words(
    (name, each): (&str, &str),
    value: &Bound<'_, PyAny>,
    expected: &str,
) -> PyResult<Vec<String>> {
    let text = |value: &Bound<'_, PyAny>| -> PyResult<String> {
        let text = expect::<PyString>(each, value, "a str")?;
        Ok(text.to_cow()?.into_owned())
    };
    if value.is_instance_of::<PyString>() {
        return Ok(vec![text(value)?]);
    }
    let words = value.try_iter().map_err(|_| wrong_type(name, value, expected))?;
    words.map(|word| text(&word?)).collect()
}
