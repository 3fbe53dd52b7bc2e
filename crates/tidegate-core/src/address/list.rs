//! The elements of a forwarding header field, from the right.
//!
//! Cutting from the right is what keeps a client from hiding what a proxy added: read from
//! the left, one quote that is never closed would swallow all that follows it.

use core::net::IpAddr;

use super::{ForwardedHeader, element};

/// What stands between two commas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// Nothing; RFC 9110 (section 5.6.1) asks to skip such elements.
    Empty,
    /// An address.
    Address(IpAddr),
    /// Anything else.
    Garbage,
}

/// The elements of field `lines`, the last element of the last line first.
pub(super) fn from_right<'h>(
    header: ForwardedHeader,
    lines: impl DoubleEndedIterator<Item = &'h [u8]>,
) -> impl Iterator<Item = Element> {
    lines.rev().flat_map(move |line| LineFromRight { header, rest: Some(line) })
}

struct LineFromRight<'h> {
    header: ForwardedHeader,
    /// What isn't read yet, or `None` at the end, which is not the same as an empty element.
    rest: Option<&'h [u8]>,
}

/// A longer element is garbage, so that one without end isn't looked through.
const MAX_ELEMENT_BYTES: usize = 1024;

impl Iterator for LineFromRight<'_> {
    type Item = Element;

    fn next(&mut self) -> Option<Element> {
        let line = self.rest.take()?;
        let window = line.len().saturating_sub(MAX_ELEMENT_BYTES);
        let start = match last_comma(self.header, &line[window..]) {
            Some(comma) => {
                self.rest = Some(&line[..window + comma]);
                window + comma + 1
            }
            None if window > 0 => return Some(Element::Garbage),
            None => 0,
        };
        Some(read(self.header, &line[start..]))
    }
}

/// Where the last comma is that separates elements.
///
/// From the right, a quote ends a quoted string, which begins at the next quote without a
/// backslash of its own. No well-formed element is cut differently because of what stands to
/// its left.
fn last_comma(header: ForwardedHeader, line: &[u8]) -> Option<usize> {
    let has_quotes = header == ForwardedHeader::Forwarded;
    let mut in_string = false;
    for (at, &byte) in line.iter().enumerate().rev() {
        match byte {
            b',' if !in_string => return Some(at),
            b'"' if has_quotes => in_string = !in_string || is_escaped(&line[..at]),
            _ => {}
        }
    }
    None
}

/// True when the byte behind `before` is escaped: an odd number of backslashes precede it.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

fn read(header: ForwardedHeader, bytes: &[u8]) -> Element {
    let Ok(text) = core::str::from_utf8(bytes) else { return Element::Garbage };
    let text = text.trim_matches(element::OWS);
    if text.is_empty() {
        return Element::Empty;
    }
    let address = match header {
        ForwardedHeader::XForwardedFor | ForwardedHeader::Provider(_) => element::address(text),
        ForwardedHeader::Forwarded => element::forwarded_for(text),
    };
    address.map_or(Element::Garbage, Element::Address)
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec::Vec};

    use super::*;

    fn elements(header: ForwardedHeader, lines: &[&str]) -> Vec<Element> {
        from_right(header, lines.iter().map(|line| line.as_bytes())).collect()
    }

    fn address(text: &str) -> Element {
        Element::Address(text.parse().unwrap())
    }

    #[test]
    fn lines_and_elements_come_last_first() {
        let found =
            elements(ForwardedHeader::XForwardedFor, &["192.0.2.1, 192.0.2.2", "192.0.2.3"]);
        assert_eq!(found, [address("192.0.2.3"), address("192.0.2.2"), address("192.0.2.1")]);
    }

    #[test]
    fn nothing_between_commas_is_empty_and_not_garbage() {
        let found = elements(ForwardedHeader::XForwardedFor, &["", ", 192.0.2.1,\t,x"]);
        let expected = [
            Element::Garbage,
            Element::Empty,
            address("192.0.2.1"),
            Element::Empty,
            Element::Empty,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_comma_in_quotes_separates_nothing() {
        let line = r#"for=192.0.2.1;host="a, \", b", for="192.0.2.2""#;
        let found = elements(ForwardedHeader::Forwarded, &[line]);
        assert_eq!(found, [address("192.0.2.2"), address("192.0.2.1")]);
    }

    #[test]
    fn an_open_quote_on_the_left_hides_nothing_on_the_right() {
        for left in [r#"for="1.2.3.4"#, r#"""#, r"\", r#"x="\"#, r#"a="b\\"""#] {
            let line = format!("{left}, for=192.0.2.1;by=\"_x\"");
            let found = elements(ForwardedHeader::Forwarded, &[&line]);
            assert_eq!(found[0], address("192.0.2.1"), "{line}");
        }
    }

    #[test]
    fn quotes_mean_nothing_in_x_forwarded_for() {
        let found = elements(ForwardedHeader::XForwardedFor, &[r#"", 192.0.2.1, ""#]);
        assert_eq!(found, [Element::Garbage, address("192.0.2.1"), Element::Garbage]);
    }

    #[test]
    fn an_element_without_end_is_garbage_even_if_it_ends_in_an_address() {
        for left in ["", "x", "192.0.2.2,"] {
            let line = format!("{left}{}192.0.2.1", " ".repeat(MAX_ELEMENT_BYTES));
            assert_eq!(elements(ForwardedHeader::XForwardedFor, &[&line]), [Element::Garbage]);
        }
    }
}
