//! Which rules a log tells enough for.

use tidegate::{Key, Limits, Rule};

/// The rules that can be replayed, and the others with the reason why not.
pub(super) fn chosen(rules: &[Rule], headers: &[String]) -> (Vec<Rule>, Vec<(String, String)>) {
    let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
    for rule in rules {
        match missing(rule, headers) {
            Some(why) => left_out.push((rule.name().to_owned(), why)),
            None if rule.limits().concurrent().is_some() => {
                let rates: Vec<_> = rule.limits().iter().map(ToString::to_string).collect();
                let why = "a log does not tell which requests were in flight together";
                left_out.push((rule.name().to_owned(), why.to_owned()));
                if let Ok(limits) = rates.join("; ").parse::<Limits>() {
                    chosen.push(rule.clone().with_limits(limits));
                }
            }
            None => chosen.push(rule.clone()),
        }
    }
    (chosen, left_out)
}

/// What a rule needs and the log does not have.
fn missing(rule: &Rule, headers: &[String]) -> Option<String> {
    if rule.is_by_name() {
        return Some(
            "it applies where the application's code says, which a log does not".to_owned(),
        );
    }
    if !rule.applies().routes.is_empty() {
        return Some("it matches routes, and a log has only paths".to_owned());
    }
    let lacks = rule.counts().parts().iter().find(|part| match part {
        Key::Header(name) => !headers.contains(name),
        Key::Cookie(_) | Key::Form(_) | Key::Route | Key::Custom => true,
        _ => false,
    })?;
    Some(format!("it counts by {lacks}, which the log does not have"))
}
