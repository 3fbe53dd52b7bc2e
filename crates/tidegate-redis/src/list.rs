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
    let pattern = pattern(prefix, page);
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
        counters.extend(keys.iter().filter_map(|key| read(key, prefix, page)));
        if cursor == 0 || counters.len() >= page.size as usize || due.half_gone() {
            return Ok((counters, cursor));
        }
    }
}

fn digits(text: &[u8]) -> Result<u64, RemoteError> {
    let text = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    text.ok_or_else(|| nonsense("a cursor"))
}

fn read(key: &Value, prefix: &str, page: &Page) -> Option<(String, u64, Subject)> {
    let Value::BulkString(key) = key else { return None };
    let name = std::str::from_utf8(key).ok()?.strip_prefix(prefix)?;
    let (rule, tag, subject) = Name::parse(name)?;
    // The pattern's stars also match braces and colons.
    let is_wanted =
        page.rule.as_deref().is_none_or(|wanted| wanted == rule) && name.starts_with(&page.prefix);
    is_wanted.then(|| (rule.to_owned(), tag, subject))
}

fn pattern(prefix: &str, page: &Page) -> String {
    let begins = if page.prefix.is_empty() { "{" } else { &page.prefix };
    let begins = format!("{}{}*", escape(prefix), escape(begins));
    match &page.rule {
        Some(rule) => format!("{begins}}}:{}:*", escape(rule)),
        None => begins,
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
        let all = Page::default();
        assert_eq!(pattern("a*[b]:", &all), r"a\*\[b\]:{*");
        let one = Page { rule: Some("a?i".to_owned()), ..Page::default() };
        assert_eq!(pattern("tidegate:", &one), r"tidegate:{*}:a\?i:*");
        let some = Page { prefix: Name::begins(b"us*"), ..one };
        assert_eq!(pattern("tidegate:", &some), r"tidegate:{us\**}:a\?i:*");
    }

    #[test]
    fn a_cursor_that_is_none_is_refused() {
        assert!(cursor("x").is_err());
        assert_eq!(cursor("17"), Ok(17));
    }
}
