//! The common and the combined log format of Apache and nginx.
//!
//! ```text
//! ADDRESS IDENTITY USER [DATE] "METHOD TARGET VERSION" STATUS BYTES "REFERER" "AGENT"
//! ```
//!
//! Perhaps with the host in front, as Apache's `vhost_combined` has it.

use std::{borrow::Cow, net::IpAddr};

use super::{
    line::{Line, find, is_nothing},
    time::Dates,
};

/// Takes a line apart.
pub(super) fn read<'l>(line: &'l [u8], dates: &mut Dates) -> Result<Line<'l>, &'static str> {
    let open = find(line, b" [").ok_or("there is no date in square brackets")?;
    let rest = &line[open + 2..];
    let close = find(rest, b"] ").ok_or("the date does not end")?;
    let at = dates.common(&rest[..close]).ok_or("this is no date")?;

    let (who, rest) = (client(&line[..open])?, &rest[close + 2..]);
    let (request, rest) = quoted(rest).ok_or("there is no request in quotes")?;
    let (method, target) = request_line(request)?;
    let rest = rest.trim_ascii_start();
    let status = std::str::from_utf8(first_word(rest).0).ok().and_then(|it| it.parse().ok());
    let mut line = Line {
        at,
        address: String::from_utf8_lossy(who.address),
        method: Some(String::from_utf8_lossy(method)),
        status: Some(status.ok_or("there is no status")?),
        user: value(who.user),
        host: who.host.and_then(value),
        ..Line::default()
    };
    line.set_target(unescaped(target));
    if let Some(quote) = rest.iter().position(|&byte| byte == b'"')
        && let Some((referer, rest)) = quoted(&rest[quote..])
    {
        line.referer = value(referer);
        line.agent = quoted(rest.trim_ascii_start()).and_then(|(agent, _)| value(agent));
    }
    Ok(line)
}

/// What stands before the date.
struct Who<'l> {
    address: &'l [u8],
    user: &'l [u8],
    host: Option<&'l [u8]>,
}

fn client(text: &[u8]) -> Result<Who<'_>, &'static str> {
    let (first, rest) = first_word(text);
    let (second, after) = first_word(rest);
    // A user's name can have spaces, so the number of words tells nothing.
    let has_host = !is_address(first) && is_address(second);
    let (host, address, rest) =
        if has_host { (Some(first), second, after) } else { (None, first, rest) };
    if is_nothing(address) {
        return Err("there is no address");
    }
    let (_identity, user) = first_word(rest);
    Ok(Who { address, user: user.trim_ascii(), host })
}

fn is_address(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| word.parse::<IpAddr>().is_ok())
}

/// The method and the target of `METHOD TARGET VERSION`.
pub(super) fn request_line(request: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let (method, rest) = first_word(request);
    if is_nothing(method) {
        return Err("there is no method");
    }
    let (target, _version) = first_word(rest);
    if target.is_empty() { Err("the request has no path") } else { Ok((method, target)) }
}

/// The first word, and what comes after it.
fn first_word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|&byte| byte == b' ').unwrap_or(text.len());
    text.split_at(end)
}

fn value(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    (!is_nothing(text)).then(|| unescaped(text))
}

/// What stands between the quotes that `text` begins with, and what comes after them.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"\"")?;
    let mut is_escaped = false;
    let end = inner.iter().position(|&byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some((&inner[..end], &inner[end + 1..]))
}

/// What servers write for bytes that would harm a log, turned back: `\"`, `\\` and `\xHH`.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let (mut plain, mut rest) = (Vec::with_capacity(text.len()), text);
    while let [first, tail @ ..] = rest {
        let code = match rest {
            [b'\\', b'x', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = code {
            plain.push(high * 16 + low);
            rest = &rest[4..];
        } else if let [b'\\', byte @ (b'"' | b'\\'), tail @ ..] = rest {
            plain.push(*byte);
            rest = tail;
        } else {
            plain.push(*first);
            rest = tail;
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 971_211_336_000_000_000;
    const DATE: &str = "[10/Oct/2000:13:55:36 -0700]";

    fn take(line: &str, test: impl FnOnce(Result<Line<'_>, &'static str>)) {
        test(read(line.replace("DATE", DATE).as_bytes(), &mut Dates::default()));
    }

    #[test]
    fn a_combined_line_is_taken_apart() {
        let line =
            r#"203.0.113.7 - ana DATE "GET /a\x22?b=c HTTP/1.1" 401 2326 "-" "curl/8 \"x\"""#;
        take(line, |line| {
            let line = line.unwrap();
            let method = line.method.as_deref();
            assert_eq!((line.at, &*line.address, method), (AT, "203.0.113.7", Some("GET")));
            assert_eq!((&*line.path, line.query.as_deref()), (&b"/a\""[..], Some(&b"b=c"[..])));
            assert_eq!((line.status, line.user.as_deref()), (Some(401), Some(&b"ana"[..])));
            assert_eq!((line.agent.as_deref(), line.referer), (Some(&br#"curl/8 "x""#[..]), None));
        });
    }

    #[test]
    fn what_stands_in_front_is_told_apart() {
        let cases: [(&str, Option<&str>, &str, Option<&str>); 6] = [
            ("::1 - -", None, "::1", None),
            ("www.example.com:443 ::1 - -", Some("www.example.com:443"), "::1", None),
            ("192.0.2.1 - Ana Lea", None, "192.0.2.1", Some("Ana Lea")),
            ("h.example 192.0.2.1 - Ana Lea", Some("h.example"), "192.0.2.1", Some("Ana Lea")),
            ("client.example - ana", None, "client.example", Some("ana")),
            ("unix: - -", None, "unix:", None),
        ];
        for (front, host, address, user) in cases {
            take(&format!("{front} DATE \"PUT / X\" 200 -"), |line| {
                let line = line.unwrap();
                assert_eq!(&*line.address, address, "{front}");
                assert_eq!(line.host.as_deref(), host.map(str::as_bytes), "{front}");
                assert_eq!(line.user.as_deref(), user.map(str::as_bytes), "{front}");
                assert_eq!((line.agent, line.referer), (None, None));
            });
        }
    }

    #[test]
    fn what_is_no_line_is_told() {
        for (line, told) in [
            ("", "no date"),
            ("::1 - - [10/Oct/2000] \"GET / X\" 200 -", "this is no date"),
            ("::1 - - [10/Oct/2000:13:55:36 -0700", "the date does not end"),
            ("::1 - - DATE GET / 200 -", "no request in quotes"),
            ("::1 - - DATE \"\\x16\\x03\" 400 -", "no path"),
            ("::1 - - DATE \"-\" 408 -", "no method"),
            ("::1 - - DATE \"GET / X\" -", "no status"),
            ("- - - DATE \"GET / X\" 200 -", "no address"),
        ] {
            take(line, |read| {
                let wrong = read.unwrap_err();
                assert!(wrong.contains(told), "{line}: {wrong}");
            });
        }
    }
}
