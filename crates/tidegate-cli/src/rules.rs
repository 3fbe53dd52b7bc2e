//! Rules by name: of a configuration, or given on the command line.

use tidegate::Rule;

use crate::exit::{Exit, Failure};

/// A rule that is in no configuration.
pub(crate) fn given(name: &str, limits: &[String]) -> Result<Rule, Failure> {
    let limits = limits.join("; ").parse().map_err(tidegate::Error::from)?;
    Ok(Rule::new(name, limits))
}

/// The rule of this name.
pub(crate) fn named<'r>(rules: &'r [Rule], name: &str) -> Result<&'r Rule, Failure> {
    rules.iter().find(|rule| rule.name() == name).ok_or_else(|| {
        let known: Vec<_> = rules.iter().map(|rule| format!("`{}`", rule.name())).collect();
        let near = tidegate_core::grammar::closest(name, rules.iter().map(Rule::name));
        let near = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
        let message = match known.as_slice() {
            [] => format!("there is no rule named `{name}`; the configuration has none"),
            _ => {
                format!("there is no rule named `{name}`{near}; the rules are {}", known.join(", "))
            }
        };
        Failure::new(Exit::NotFound, message)
    })
}
