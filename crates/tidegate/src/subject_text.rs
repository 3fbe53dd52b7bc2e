//! Subjects as text, for those who look at them; and back, for those who name one.

use std::{borrow::Cow, fmt::Write as _};

/// A subject as text: UTF-8 as it is, any other byte as `\x` and two hexadecimal digits. A
/// backslash that would be taken for the begin of such an escape is written `\x5c`.
///
/// [`subject_bytes`] is the way back.
///
/// # Examples
///
/// ```
/// use tidegate::subject_text;
///
/// assert_eq!(subject_text("user:Zoë".as_bytes()), "user:Zoë");
/// assert_eq!(subject_text(b"\xff\\xff"), r"\xff\x5cxff");
/// ```
#[must_use]
pub fn subject_text(subject: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(subject) {
        Ok(text) if !text.contains("\\x") => return Cow::Borrowed(text),
        _ => {}
    }
    let mut text = String::with_capacity(subject.len() + 8);
    for chunk in subject.utf8_chunks() {
        for (at, letter) in chunk.valid().char_indices() {
            let is_escape = letter == '\\' && escaped(&chunk.valid().as_bytes()[at..]).is_some();
            text.push_str(if is_escape {
                "\\x5c"
            } else {
                &chunk.valid()[at..at + letter.len_utf8()]
            });
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    Cow::Owned(text)
}

/// The subject that [`subject_text`] shows as `text`.
#[must_use]
pub fn subject_bytes(text: &str) -> Cow<'_, [u8]> {
    if !text.contains("\\x") {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if let Some(byte) = escaped(rest) {
            bytes.push(byte);
            rest = &rest[4..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    Cow::Owned(bytes)
}

/// The subject that somebody means who types `text`: as [`subject_bytes`], and control characters,
/// which nobody can type, as `\x` and two digits.
///
/// # Examples
///
/// ```
/// use tidegate::subject_typed;
///
/// assert_eq!(subject_typed(r"\x00203.0.113.7"), b"\x00203.0.113.7");
/// assert_eq!(subject_typed(r"C:\xampp"), br"C:\xampp");
/// ```
#[must_use]
pub fn subject_typed(text: &str) -> Vec<u8> {
    let mut rest = text;
    let mut unescaped = String::with_capacity(text.len());
    while let Some(at) = rest.find("\\x") {
        unescaped.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest.get(2..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let control = code.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let skipped = if let Some(code) = control.filter(u8::is_ascii_control) {
            unescaped.push(char::from(code));
            4
        } else {
            unescaped.push_str("\\x");
            2
        };
        rest = &rest[skipped..];
    }
    unescaped.push_str(rest);
    subject_bytes(&unescaped).into_owned()
}

/// The byte that `text` begins with an escape of: one that no character of UTF-8 is, or a
/// backslash.
fn escaped(text: &[u8]) -> Option<u8> {
    let [b'\\', b'x', high, low, ..] = text else { return None };
    let digit = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let byte = digit(high)? * 16 + digit(low)?;
    (byte >= 0x80 || byte == b'\\').then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_leads_back_to_the_subject() {
        let parts: [&[u8]; 9] =
            [b"\\", b"x", b"f", b"5", b"c", b"\xff", b"\xc3", "é".as_bytes(), b"\0"];
        // Every sequence of five parts.
        for number in 0..9_usize.pow(5) {
            let places = (0..5).map(|place| number / 9_usize.pow(place) % 9);
            let subject: Vec<u8> = places.flat_map(|place| parts[place]).copied().collect();
            let text = subject_text(&subject).into_owned();
            assert_eq!(subject_bytes(&text), subject.as_slice(), "{text}");
        }
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in ["", "user:42", "C:\\xampp", "\\xzz", "100%", "\\x41"] {
            assert_eq!(subject_text(text.as_bytes()), text);
            assert_eq!(subject_bytes(text), text.as_bytes());
        }
    }
}
