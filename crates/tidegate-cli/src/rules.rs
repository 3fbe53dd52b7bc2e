//! Rules by name, of a configuration or given on the command line; and whom they count when
//! somebody types a key.

use tidegate::{
    Rule,
    address::{Client, ClientAddress, Resolver, Source},
    config::Loaded,
};

use crate::{
    exit::{Exit, Failure},
    shown,
};

/// A rule that is in no configuration.
pub(crate) fn given(name: &str, limits: &[String]) -> Result<Rule, Failure> {
    let limits = limits.join("; ").parse().map_err(tidegate::Error::from)?;
    Ok(Rule::new(name, limits))
}

/// The rule of this name.
pub(crate) fn named<'r>(rules: &'r [Rule], name: &str) -> Result<&'r Rule, Failure> {
    let found = rules.iter().find(|rule| rule.name() == name);
    found.ok_or_else(|| missing(name, &rules.iter().map(Rule::name).collect::<Vec<_>>()))
}

/// That there is no rule of this name, but for those that are `known`.
pub(crate) fn missing(name: &str, known: &[&str]) -> Failure {
    let near = tidegate_core::grammar::closest(name, known.iter().copied());
    let near = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    let message = match known.as_slice() {
        [] => format!("there is no rule named `{name}`; there is none at all"),
        _ => {
            format!("there is no rule named `{name}`{near}; the rules are {}", known.join(", "))
        }
    };
    Failure::new(Exit::NotFound, message)
}

/// What is counted when somebody types `text`, by a rule that counts addresses or one that does
/// not.
pub(crate) fn subject(counts_addresses: bool, resolver: &Resolver, text: &str) -> Vec<u8> {
    let address = ClientAddress::from_peer(Some(text));
    if !counts_addresses || !matches!(address, ClientAddress::Ip(_)) {
        return shown::key_bytes(text);
    }
    let client = Client { address, source: Source::Peer, ignored: false };
    client.subject(resolver).to_string().into_bytes()
}

/// How the configuration has addresses counted.
pub(crate) fn resolver(loaded: &Loaded) -> Result<Resolver, Failure> {
    Ok(loaded.builder().build()?.resolver().clone())
}
