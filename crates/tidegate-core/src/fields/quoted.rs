//! Lists whose items may hold quoted strings.

/// The parts of `text` between `separator`s, except for those in quoted strings.
///
/// A string that isn't closed reaches to the end.
///
/// Source: quoted-string of RFC 9110, section 5.6.4.
pub(crate) fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        match position(text, separator) {
            Some(at) => {
                rest = Some(&text[at + 1..]);
                Some(&text[..at])
            }
            None => rest.take(),
        }
    })
}

fn position(text: &str, separator: u8) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn separators_in_quotes_separate_nothing() {
        let parts: Vec<_> = split(r#"a,"b,\",c",,\,"d,"#, b',').collect();
        assert_eq!(parts, ["a", r#""b,\",c""#, "", r"\", r#""d,"#]);
    }

    #[test]
    fn there_is_always_one_part() {
        assert_eq!(split("", b';').collect::<Vec<_>>(), [""]);
        assert_eq!(split(";", b';').collect::<Vec<_>>(), ["", ""]);
    }
}
