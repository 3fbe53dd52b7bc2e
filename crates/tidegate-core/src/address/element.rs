//! One element of a forwarding header field: the address in it.

use alloc::{borrow::Cow, string::String};
use core::net::{IpAddr, Ipv6Addr};

use crate::fields::quoted;

/// The address in `text`, without port, brackets and zone; `None` when there is none.
///
/// Takes `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`, and
/// `fe80::1%eth0`. IPv4-mapped addresses come back as IPv4.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (inside, behind) = bracketed.split_once(']')?;
        return if is_port_or_nothing(behind) { ipv6(inside) } else { None };
    }
    match text.split_once(':') {
        None => text.parse().ok(),
        Some((_, rest)) if rest.contains(':') => ipv6(text),
        Some((host, _)) if is_port_or_nothing(&text[host.len()..]) => {
            host.parse().ok().map(IpAddr::V4)
        }
        Some(_) => None,
    }
}

fn ipv6(text: &str) -> Option<IpAddr> {
    // The zone names an interface of the machine that wrote it; it means nothing here.
    let address = match text.split_once('%') {
        Some((address, zone)) if !zone.is_empty() => address,
        _ => text,
    };
    Some(address.parse::<Ipv6Addr>().ok()?.to_canonical())
}

/// True for the empty text, `:` with one to five digits, and `:_` with an obfuscated port.
fn is_port_or_nothing(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else { return text.is_empty() };
    match port.strip_prefix('_') {
        Some(obfuscated) => !obfuscated.is_empty(),
        None => (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit()),
    }
}

/// The address of the `for` parameter of one element of `Forwarded`.
///
/// `None` when the element is malformed, has no `for`, has more than one, or names something
/// that is no address (`unknown`, `_hidden`). Colons and brackets are taken without quotes
/// too, because proxies send them so.
///
/// Source: RFC 7239, section 4.
pub(super) fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in quoted::split(element, b';') {
        let pair = pair.trim_matches(OWS);
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=')?;
        let value = unquoted(value)?;
        if name.eq_ignore_ascii_case("for") && found.replace(address(&value)?).is_some() {
            return None;
        }
    }
    found
}

/// Optional white space of RFC 9110.
pub(super) const OWS: [char; 2] = [' ', '\t'];

/// The content of a quoted string, or a bare value as it is; `None` when it is part quoted.
fn unquoted(value: &str) -> Option<Cow<'_, str>> {
    if !value.contains('"') {
        return Some(Cow::Borrowed(value));
    }
    let inside = value.strip_prefix('"')?.strip_suffix('"')?;
    if !inside.contains(['"', '\\']) {
        return Some(Cow::Borrowed(inside));
    }
    let mut content = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => content.push(chars.next()?),
            '"' => return None,
            _ => content.push(c),
        }
    }
    Some(Cow::Owned(content))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn assert_reads(read: fn(&str) -> Option<IpAddr>, rows: &[(&str, &str)]) {
        for &(text, expected) in rows {
            let found = read(text).map(|address| address.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn ports_brackets_and_zones_are_dropped() {
        assert_reads(
            address,
            &[
                ("192.0.2.1", "192.0.2.1"),
                ("192.0.2.1:80", "192.0.2.1"),
                ("192.0.2.1:_http", "192.0.2.1"),
                ("2001:db8::1", "2001:db8::1"),
                ("[2001:db8::1]", "2001:db8::1"),
                ("[2001:db8::1]:65535", "2001:db8::1"),
                ("fe80::1%eth0", "fe80::1"),
                ("[fe80::1%25eth0]:80", "fe80::1"),
                ("::ffff:192.0.2.1", "192.0.2.1"),
                ("[::ffff:192.0.2.1]:80", "192.0.2.1"),
            ],
        );
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "unknown",
            "_hidden",
            "192.0.2",
            "192.0.2.1:",
            "192.0.2.1:+80",
            "192.0.2.1:123456",
            "192.0.2.1%eth0",
            "192.0.2.01",
            "[192.0.2.1]",
            "[::1",
            "[::1]80",
            "[::1]:",
            "[]",
            "::1%",
            "192.0.2.1 ",
            "1.2.3.4, 5.6.7.8",
            "localhost",
            "0x7f000001",
            "2130706433",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn forwarded_pairs_come_in_any_order_and_case() {
        assert_reads(
            forwarded_for,
            &[
                ("for=192.0.2.1", "192.0.2.1"),
                ("FOR=192.0.2.1;proto=https", "192.0.2.1"),
                ("by=_x; host=\"a;b, for=9.9.9.9\" ;For=\"192.0.2.1:80\"", "192.0.2.1"),
                ("for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
                ("for=[2001:db8::1]:4711", "2001:db8::1"),
                ("for=\"\\1\\9\\2.0.2.1\"", "192.0.2.1"),
                (";;for=192.0.2.1;", "192.0.2.1"),
                ("host=\"say \\\"for=9.9.9.9\\\"\";for=192.0.2.1", "192.0.2.1"),
            ],
        );
    }

    #[test]
    fn malformed_forwarded_elements_are_none() {
        for text in [
            "",
            "proto=https",
            "for",
            "for=",
            "for=unknown",
            "for=\"_hidden\"",
            "192.0.2.1",
            "for=192.0.2.1;for=192.0.2.2",
            "for=\"192.0.2.1",
            "for=192.0.2.1\"",
            "for=\"192.0.2.1\"x",
            "for =192.0.2.1",
            "for=\"192.0.2.1\\\"",
            "for=192.0.2.1;junk",
            "xfor=192.0.2.1",
            "for=192.0.2.1;host=\"a",
        ] {
            assert_eq!(forwarded_for(text), None, "{text}");
        }
    }
}
