//! What environment variables say, laid over what the file says.
//!
//! `TIDEGATE_STORE` is the field `store`; `TIDEGATE_ADMIN__SOCKET` is `admin.socket`, and
//! `TIDEGATE_RULES__LOGIN__LIMIT` is `limit` of the rule named `login`: in capitals, with `_` for
//! what is neither a letter nor a digit.

use tidegate_core::grammar::closest;

use super::{
    problem::Problem,
    tree::{Entry, Node, Path, Place, Value},
};

const PREFIX: &str = "TIDEGATE_";

/// Names that are no fields: where the configuration is, and what tests of tidegate use.
const OTHERS: [&str; 2] = ["CONFIG", "TEST"];

/// What an orchestrator sets for a service that happens to be named `tidegate`.
const SERVICE: [&str; 3] = ["SERVICE_HOST", "SERVICE_PORT", "PORT"];

/// Lays the variables over `tree`. `fields` are the names of the fields of the whole, `of_rule`
/// those of a rule, `of_admin` those of `admin`.
///
/// A variable that is no field is a problem: a setting that was misspelt would be lost.
pub(super) fn overlay(
    tree: &mut Node,
    variables: impl Iterator<Item = (String, String)>,
    names: &Names<'_>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut variables: Vec<_> = variables
        .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), name, value)))
        .filter(|(rest, ..)| !is_other(rest))
        .collect();
    variables.sort();
    for (rest, name, value) in variables {
        let place = Place { file: name.as_str().into(), line: 0, column: 0 };
        let node = Node { value: Value::Variable(value), place: place.clone() };
        match find(tree, &rest, names) {
            Ok(path) => set(tree, &path, node),
            Err(message) => problems.push(Problem::at(&place, "", message)),
        }
    }
    problems
}

/// The names that variables may have.
pub(super) struct Names<'n> {
    pub(super) fields: &'n [&'n str],
    pub(super) of_rule: &'n [&'n str],
    pub(super) of_admin: &'n [&'n str],
}

fn is_other(rest: &str) -> bool {
    let is = |name: &str| {
        rest.strip_prefix(name).is_some_and(|more| more.is_empty() || more.starts_with('_'))
    };
    OTHERS.into_iter().any(is) || SERVICE.into_iter().any(is)
}

/// The field that a variable means.
fn find(tree: &Node, rest: &str, names: &Names<'_>) -> Result<Path, String> {
    let parts: Vec<&str> = rest.split("__").collect();
    match parts[..] {
        [field] => {
            let field = known(field, names.fields, "")?;
            match field {
                "rules" => {
                    Err(format!("name the rule and its field: `{PREFIX}RULES__NAME__LIMIT`"))
                }
                "admin" => Err(format!("name the field: `{PREFIX}ADMIN__SOCKET`")),
                field => Ok(Path::default().key(field)),
            }
        }
        ["ADMIN", field] => {
            let field = known(field, names.of_admin, "ADMIN__")?;
            Ok(Path::default().key("admin").key(field))
        }
        ["RULES", rule, field] => {
            let index = rule_named(tree, rule)?;
            let field = known(field, names.of_rule, &format!("RULES__{rule}__"))?;
            Ok(Path::default().key("rules").index(index).key(field))
        }
        _ => {
            Err(format!("this is no field; write `{PREFIX}FIELD` or `{PREFIX}RULES__NAME__FIELD`"))
        }
    }
}

fn known<'n>(written: &str, names: &[&'n str], before: &str) -> Result<&'n str, String> {
    let wanted = written.to_ascii_lowercase();
    if let Some(found) = names.iter().find(|name| **name == wanted) {
        return Ok(found);
    }
    let full = |name: &str| format!("`{PREFIX}{before}{}`", name.to_ascii_uppercase());
    let near = closest(&wanted, names.iter().copied());
    let all = names.iter().map(|name| full(name)).collect::<Vec<_>>().join(", ");
    Err(match near {
        Some(name) => {
            format!("there is no such field; did you mean {}? There are {all}", full(name))
        }
        None => format!("there is no such field; there are {all}"),
    })
}

/// The position of the rule whose name a variable spells.
fn rule_named(tree: &Node, written: &str) -> Result<usize, String> {
    let rules = match tree.entry("rules").map(|entry| &entry.node.value) {
        Some(Value::List(rules)) => &rules[..],
        _ => &[],
    };
    let spelt: Vec<String> = rules.iter().map(|rule| spell(name_of(rule))).collect();
    let mut found = (0..spelt.len()).filter(|&index| spelt[index] == written);
    match (found.next(), found.next()) {
        (Some(index), None) => Ok(index),
        (Some(_), Some(_)) => Err(format!("`{written}` spells the names of several rules")),
        (None, _) => {
            let near = closest(written, spelt.iter().map(String::as_str));
            let near = near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            Err(format!("no rule has a name that is spelt `{written}`{near}"))
        }
    }
}

fn name_of(rule: &Node) -> &str {
    match rule.entry("name").map(|entry| &entry.node.value) {
        Some(Value::Text(name)) => name,
        _ => "",
    }
}

/// A rule's name as a variable spells it.
fn spell(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect()
}

/// Puts `node` at `path`, of which only the last step may be new.
fn set(tree: &mut Node, path: &Path, node: Node) {
    use super::tree::Step;

    let mut at = tree;
    for (number, step) in path.0.iter().enumerate() {
        at = match (step, &mut at.value) {
            (Step::Key(key), Value::Table(entries)) => {
                let found = entries.iter().position(|entry| entry.key == *key);
                let index = found.unwrap_or_else(|| {
                    let empty = Node { value: Value::Table(Vec::new()), place: node.place.clone() };
                    entries.push(Entry {
                        key: key.clone(),
                        place: node.place.clone(),
                        node: empty,
                    });
                    entries.len() - 1
                });
                &mut entries[index].node
            }
            (Step::Index(index), Value::List(items)) if *index < items.len() => &mut items[*index],
            // The file has something else there, which is told as what is wrong with the file.
            _ => return,
        };
        if number + 1 == path.0.len() {
            *at = node;
            return;
        }
    }
}
