//! Listing counters, by SCAN.

use redis::Value;
use tidegate_remote::{Name, Page, RemoteError, Subject};

use crate::{due::Due, error::nonsense, wire::Wire};

/// Rule, tag and subject of each counter found.
pub(crate) type Counters = Vec<(String, u64, Subject)>;

/// A cursor as a page tells it.
pub(crate) fn cursor(text: &str) -> Result<u64, RemoteError> {
    text.parse().map_err(|_| RemoteError::Setup {
        reason: format!("`{text}` is not where a page of counters ended"),
    })
}

/// Reads about one page of one server's counters from `cursor` on; tells where to go on, which
/// is 0 at the end.
///
/// Each step looks at no more than a few hundred keys. In a server full of other keys it ends
/// when half of the time is over, perhaps with nothing found so far.
pub(crate) fn scan(
    wire: &mut Wire,
    prefix: &str,
    page: &Page,
    mut cursor: u64,
    due: &Due,
) -> Result<(Counters, u64), RemoteError> {
    let pattern = pattern(prefix, page.rule.as_deref());
    let count = page.size.clamp(100, 1_000).to_string();
    let mut counters = Vec::new();
    loop {
        let from = cursor.to_string();
        let words: [&[u8]; 6] =
            [b"SCAN", from.as_bytes(), b"MATCH", pattern.as_bytes(), b"COUNT", count.as_bytes()];
        let answer = wire.ask_list(&words, due)?;
        let [Value::BulkString(next), Value::Array(keys)] = answer.as_slice() else {
            return Err(nonsense("a cursor and keys"));
        };
        cursor = digits(next)?;
        counters.extend(keys.iter().filter_map(|key| read(key, prefix, page.rule.as_deref())));
        if cursor == 0 || counters.len() >= page.size as usize || due.half_gone() {
            return Ok((counters, cursor));
        }
    }
}

fn digits(text: &[u8]) -> Result<u64, RemoteError> {
    let text = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    text.ok_or_else(|| nonsense("a cursor"))
}

fn read(key: &Value, prefix: &str, rule: Option<&str>) -> Option<(String, u64, Subject)> {
    let Value::BulkString(key) = key else { return None };
    let name = std::str::from_utf8(key).ok()?.strip_prefix(prefix)?;
    let (found, tag, subject) = Name::parse(name)?;
    rule.is_none_or(|rule| rule == found).then(|| (found.to_owned(), tag, subject))
}

fn pattern(prefix: &str, rule: Option<&str>) -> String {
    match rule {
        Some(rule) => format!("{}{{*}}:{}:*", escape(prefix), escape(rule)),
        None => format!("{}{{*", escape(prefix)),
    }
}

/// `text` as a pattern that only it matches.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_nothing_else_for_a_wildcard() {
        assert_eq!(pattern("a*[b]:", None), r"a\*\[b\]:{*");
        assert_eq!(pattern("tidegate:", Some("a?i")), r"tidegate:{*}:a\?i:*");
    }

    #[test]
    fn a_cursor_that_is_none_is_refused() {
        assert!(cursor("x").is_err());
        assert_eq!(cursor("17"), Ok(17));
    }
}
