//! Text that is safe inside other text: structured fields, JSON and HTML.

use alloc::{borrow::Cow, string::String};
use core::fmt::{self, Write};

/// `text` in printable ASCII: every other byte, and `%`, as `%` and two hexadecimal digits.
pub(super) fn percent_encoded(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'%';
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a `String` can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Cow::Owned(out)
}

/// Prints printable ASCII as a String of RFC 9651, section 3.3.3, quotes included.
pub(super) struct Structured<'a>(pub(super) &'a str);

/// Prints text as a string of JSON (RFC 8259, section 7), quotes included.
pub(super) struct Json<'a>(pub(super) &'a str);

/// Prints text so that it is only text between HTML tags and in attributes.
pub(super) struct Html<'a>(pub(super) &'a str);

impl fmt::Display for Structured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        f.write_char('"')
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                // JSON allows the last two, but JavaScript before 2019 ends a line there.
                '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => write!(f, "\\u{:04x}", u32::from(c))?,
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn only_printable_ascii_stays_as_it_is() {
        assert_eq!(percent_encoded("log in \"a\\b\" ~"), "log in \"a\\b\" ~");
        assert_eq!(percent_encoded("50%"), "50%25");
        assert_eq!(percent_encoded("caf\u{e9}\r\nX: y\x7f"), "caf%C3%A9%0D%0AX: y%7F");
    }

    #[test]
    fn structured_strings_escape_quotes_and_backslashes() {
        assert_eq!(Structured(r#"a"b\c"#).to_string(), r#""a\"b\\c""#);
    }

    #[test]
    fn json_strings_escape_what_would_end_them_and_control_characters() {
        let text = "\"\\/\n\r\t\0\x1f\u{2028}é<";
        assert_eq!(Json(text).to_string(), r#""\"\\/\n\r\t\u0000\u001f\u2028é<""#);
    }

    #[test]
    fn html_is_only_text() {
        let text = "<a href='x' id=\"y\">&amp;";
        let expected = "&lt;a href=&#39;x&#39; id=&quot;y&quot;&gt;&amp;amp;";
        assert_eq!(Html(text).to_string(), expected);
    }
}
