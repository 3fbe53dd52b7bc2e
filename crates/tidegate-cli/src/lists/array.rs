//! Arrays of TOML that are changed as a person would: each entry keeps the comment behind it.
//!
//! The parser counts what stands behind an entry's comma to the entry after it, and what stands
//! behind the last to the end of the array.

use toml_edit::{Array, Value};

/// Adds `text` at the end, on a line of its own where the others have theirs.
pub(super) fn push(array: &mut Array, text: &str) {
    let trailing = array.trailing().as_str().unwrap_or_default().to_owned();
    let first = array.get(0).map(prefix).unwrap_or_default();
    let indent = first.rsplit_once('\n').map(|(_, indent)| indent.to_owned());
    let Some(indent) = indent else {
        array.push(text);
        return;
    };
    // What stands behind the last entry when it has no comma.
    let last = array.len().checked_sub(1).and_then(|last| array.get_mut(last));
    let behind = last.map(|last| {
        let behind = suffix(last);
        last.decor_mut().set_suffix("");
        behind
    });
    let comment = format!("{}{}", behind.unwrap_or_default(), trailing);
    let mut value = Value::from(text);
    value.decor_mut().set_prefix(format!("{}\n{indent}", comment.trim_end_matches(['\n', ' '])));
    array.push_formatted(value);
    array.set_trailing("\n");
    array.set_trailing_comma(true);
}

/// Removes the entry at `index`, with the comment behind it.
pub(super) fn remove(array: &mut Array, index: usize) {
    let Some(value) = array.get(index) else { return };
    let own = prefix(value);
    let is_last = index + 1 == array.len();
    let next = match array.get(index + 1) {
        Some(next) => prefix(next),
        None => array.trailing().as_str().unwrap_or_default().to_owned(),
    };
    let kept = match (own.find('\n'), next.find('\n')) {
        (Some(own_end), Some(end)) => format!("{}{}", &own[..own_end], &next[end..]),
        (Some(own_end), None) if is_last && own[..own_end].contains('#') => {
            format!("{}\n", &own[..own_end])
        }
        (None, Some(end)) => format!("{own}{}", &next[end..]),
        (_, None) => {
            if is_last {
                next
            } else {
                own
            }
        }
    };
    array.remove(index);
    match array.get_mut(index) {
        Some(next) => next.decor_mut().set_prefix(kept),
        None => array.set_trailing(kept),
    }
}

fn prefix(value: &Value) -> String {
    value.decor().prefix().and_then(|it| it.as_str()).unwrap_or_default().to_owned()
}

fn suffix(value: &Value) -> String {
    value.decor().suffix().and_then(|it| it.as_str()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use toml_edit::DocumentMut;

    use super::*;

    fn changed(text: &str, change: impl Fn(&mut Array)) -> String {
        let mut document = text.parse::<DocumentMut>().unwrap();
        change(document["deny"].as_array_mut().unwrap());
        let text = document.to_string();
        assert!(text.parse::<DocumentMut>().is_ok(), "{text}");
        text
    }

    #[test]
    fn an_entry_is_added_as_the_others_are() {
        let added = |text: &str| changed(text, |array| push(array, "c"));
        assert_eq!(added("deny = []\n"), "deny = [\"c\"]\n");
        assert_eq!(added("deny = [\"a\", \"b\"] # x\n"), "deny = [\"a\", \"b\", \"c\"] # x\n");
        assert_eq!(
            added("deny = [\n    \"a\", # one\n    \"b\", # two\n]\n"),
            "deny = [\n    \"a\", # one\n    \"b\", # two\n    \"c\",\n]\n"
        );
        // Without a comma behind the last, its comment stays behind it.
        let text = added("deny = [\n  \"a\", # one\n  \"b\" # two\n]\n");
        assert_eq!(text, "deny = [\n  \"a\", # one\n  \"b\", # two\n  \"c\",\n]\n");
    }

    #[test]
    fn an_entry_goes_with_its_own_comment_alone() {
        let text = "deny = [\n    \"a\", # one\n    \"b\", # two\n    \"c\", # three\n]\n";
        let without = |index| changed(text, |array| remove(array, index));
        assert_eq!(without(0), "deny = [\n    \"b\", # two\n    \"c\", # three\n]\n");
        assert_eq!(without(1), "deny = [\n    \"a\", # one\n    \"c\", # three\n]\n");
        assert_eq!(without(2), "deny = [\n    \"a\", # one\n    \"b\", # two\n]\n");

        let text = "deny = [\"a\", \"b\", \"c\"]\n";
        let without = |index| changed(text, |array| remove(array, index));
        assert_eq!(without(0), "deny = [\"b\", \"c\"]\n");
        assert_eq!(without(1), "deny = [\"a\", \"c\"]\n");
        assert_eq!(without(2), "deny = [\"a\", \"b\"]\n");
        let last = changed("deny = [\n  # all\n  \"a\"\n]\n", |array| remove(array, 0));
        assert!(!last.contains("\"a\""), "{last}");
    }
}
