//! One line of an access log, taken apart.
//!
//! Borrows from the line; nothing is copied that has not to be.

use std::borrow::Cow;

use super::{common, json::Names, time::Dates};

/// What a line tells about a request; `None` for what it does not tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line<'l> {
    /// Nanoseconds since 1970.
    pub(super) at: u64,
    pub(super) address: Cow<'l, str>,
    pub(super) method: Option<Cow<'l, str>>,
    /// As it was sent, without the query.
    pub(super) path: Cow<'l, [u8]>,
    pub(super) query: Option<Cow<'l, [u8]>>,
    pub(super) status: Option<u16>,
    pub(super) user: Option<Cow<'l, [u8]>>,
    pub(super) host: Option<Cow<'l, [u8]>>,
    pub(super) agent: Option<Cow<'l, [u8]>>,
    pub(super) referer: Option<Cow<'l, [u8]>>,
    /// Other header fields: name in lower case, and value.
    pub(super) headers: Vec<(&'l str, Cow<'l, [u8]>)>,
}

/// What a line can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Time,
    Address,
    Method,
    Path,
    Query,
    /// `METHOD TARGET VERSION`.
    Request,
    Status,
    User,
    Host,
    Agent,
    Referer,
    /// The header field of this number.
    Header(usize),
}

impl Field {
    pub(super) const fn missing(self) -> &'static str {
        match self {
            Self::Time => "there is no time",
            Self::Address => "there is no address",
            Self::Method => "there is no method",
            Self::Status => "there is no status",
            _ => "there is no path",
        }
    }
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// The common or the combined format of Apache and nginx.
    #[value(alias = "combined")]
    Common,
    /// One JSON object a line.
    Json,
}

/// Reads lines.
pub(super) struct Reader {
    format: Option<Format>,
    names: Names,
    /// What every line has to have, because others have it.
    pub(super) needs: Needs,
}

/// What no line may lack where a log has it at all. All else a request can really lack.
#[derive(Clone, Copy, Default)]
pub(super) struct Needs {
    pub(super) method: bool,
    pub(super) status: bool,
}

impl Reader {
    /// Lines of `format`, or each of what it looks like. `fields` are the paths of things in JSON,
    /// for those that are not under a usual name: `NAME=PATH`.
    pub(super) fn new(format: Option<Format>, fields: &[String]) -> Result<Self, String> {
        Ok(Self { format, names: Names::new(fields)?, needs: Needs::default() })
    }

    /// Takes a line apart.
    pub(super) fn read<'l>(
        &'l self,
        line: &'l [u8],
        dates: &mut Dates,
    ) -> Result<Line<'l>, &'static str> {
        // Each by itself: a rotated log can begin in the middle of a line.
        let is_json = self.format.map_or(line.starts_with(b"{"), |format| format == Format::Json);
        let line = if is_json { self.names.read(line, dates)? } else { common::read(line, dates)? };
        if self.needs.method && line.method.is_none() {
            return Err(Field::Method.missing());
        }
        if self.needs.status && line.status.is_none() {
            return Err(Field::Status.missing());
        }
        Ok(line)
    }
}

impl<'l> Line<'l> {
    /// Keeps a request's target: a path, perhaps with a query, perhaps with a host in front, as
    /// proxies are sent it.
    pub(super) fn set_target(&mut self, target: Cow<'l, [u8]>) {
        let (start, end) = path_in(&target);
        let (path, query) = match target {
            Cow::Borrowed(target) => {
                (Cow::Borrowed(&target[start..end]), target.get(end + 1..).map(Cow::Borrowed))
            }
            Cow::Owned(mut target) => {
                let query = target.get(end + 1..).map(|query| Cow::Owned(query.to_vec()));
                target.truncate(end);
                (Cow::Owned(target.split_off(start)), query)
            }
        };
        self.path = if path.is_empty() { Cow::Borrowed(b"/") } else { path };
        self.query = query;
    }
}

/// Where the path begins and ends in a request's target.
fn path_in(target: &[u8]) -> (usize, usize) {
    let scheme = if target.starts_with(b"/") { None } else { find(target, b"://") };
    let start = scheme.map_or(0, |at| {
        let host = &target[at + 3..];
        at + 3 + host.iter().position(|byte| b"/?".contains(byte)).unwrap_or(host.len())
    });
    let query = target[start..].iter().position(|&byte| byte == b'?');
    (start, query.map_or(target.len(), |at| start + at))
}

/// What is written where there is nothing.
pub(super) fn is_nothing(value: &[u8]) -> bool {
    matches!(value, b"" | b"-")
}

/// Where `part` begins, which is not empty. Most lines have few of its first byte.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].iter().position(|byte| Some(byte) == part.first())?;
        if text[at..].starts_with(part) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_path_and_perhaps_a_query() {
        for (target, path, query) in [
            ("/", "/", None),
            ("/a?b=c?d", "/a", Some("b=c?d")),
            ("/a?", "/a", Some("")),
            ("http://h/p?q", "/p", Some("q")),
            ("http://h", "/", None),
            ("http://h?q", "/", Some("q")),
            ("/go?to=http://h/p", "/go", Some("to=http://h/p")),
            ("*", "*", None),
        ] {
            for target in [Cow::Borrowed(target.as_bytes()), Cow::Owned(target.as_bytes().to_vec())]
            {
                let mut line = Line::default();
                line.set_target(target);
                assert_eq!(&*line.path, path.as_bytes());
                assert_eq!(line.query.as_deref(), query.map(str::as_bytes));
            }
        }
    }

    #[test]
    fn every_line_tells_by_itself_how_it_is_written() {
        let reader = Reader::new(None, &[]).unwrap();
        let mut dates = Dates::default();
        let mut read = |line: &str| reader.read(line.as_bytes(), &mut dates).map(|line| line.at);
        assert!(read("cut off\" 200 12").is_err());
        assert_eq!(read(r#"{"ts":1,"ip":"::1","uri":"/"}"#), Ok(1_000_000_000));
        assert_eq!(
            read("::1 - - [01/Jan/1970:00:00:02 +0000] \"GET / X\" 200 1"),
            Ok(2_000_000_000)
        );
    }

    #[test]
    fn what_other_lines_have_may_not_be_missing() {
        let mut reader = Reader::new(None, &[]).unwrap();
        let line = br#"{"ts":1,"ip":"::1","uri":"/"}"#;
        assert!(reader.read(line, &mut Dates::default()).is_ok());
        reader.needs.status = true;
        assert_eq!(reader.read(line, &mut Dates::default()), Err("there is no status"));
        reader.needs = Needs { method: true, status: false };
        assert_eq!(reader.read(line, &mut Dates::default()), Err("there is no method"));
    }

    #[test]
    fn no_line_is_too_broken_to_be_looked_at() {
        let lines = [
            &br#"h:1 ::1 - a b [10/Oct/2000:13:55:36 -0700] "GET http://h/\x41?q HTTP/1.1" 200 1 "-" "a\"b""#[..],
            br#"{"ts":1.5,"request":{"client_ip":"::1","uri":"/a?b","headers":{"User-Agent":["x"]}},"status":"200"}"#,
            br#"{"time":"2000-10-10T20:55:36Z","ip":"::1","request":"GET /\u00e9 HTTP/1.1","user":18446744073709551615}"#,
        ];
        let reader = Reader::new(None, &[]).unwrap();
        let mut dates = Dates::default();
        let (mut read, mut refused, mut seed) = (0, 0, 1_u64);
        for line in lines {
            assert!(reader.read(line, &mut dates).is_ok());
            for end in 0..line.len() {
                refused += u32::from(reader.read(&line[..end], &mut dates).is_err());
            }
            for _ in 0..20_000 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let mut line = line.to_vec();
                let at = usize::try_from(seed >> 33).unwrap() % line.len();
                line[at] = seed.to_le_bytes()[3];
                read += u32::from(reader.read(&line, &mut dates).is_ok());
            }
        }
        assert!(read > 1000 && refused > 100, "{read} {refused}");
    }
}
