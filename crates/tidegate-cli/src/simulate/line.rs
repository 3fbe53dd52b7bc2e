//! One line of an access log, taken apart: common, combined, and JSON.
//!
//! Borrows from the line; nothing is copied that has not to be.

use std::borrow::Cow;

use serde_json::Value;

use super::time::{self, CommonDates};

/// What a line tells about a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line<'l> {
    /// Nanoseconds since 1970.
    pub(super) at: u64,
    pub(super) address: Cow<'l, str>,
    pub(super) method: Cow<'l, str>,
    /// With the query, as it was sent.
    pub(super) target: Cow<'l, str>,
    pub(super) status: u16,
    pub(super) user: Option<Cow<'l, str>>,
    pub(super) host: Option<Cow<'l, str>>,
    /// Header fields that the log has: name in lower case, and value.
    pub(super) headers: Vec<(Cow<'l, str>, Cow<'l, str>)>,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// The common or the combined format of Apache and nginx.
    Common,
    /// One JSON object a line.
    Json,
}

/// Reads lines.
pub(super) struct Reader {
    format: Option<Format>,
    dates: CommonDates,
    fields: Vec<(String, Vec<String>)>,
}

/// Names that JSON logs have for things, the usual ones first.
const NAMES: [(&str, &[&str]); 7] = [
    ("time", &["time", "timestamp", "@timestamp", "ts", "time_iso8601", "msec", "date"]),
    ("address", &["remote_addr", "client_ip", "remote_ip", "ip", "client", "addr", "remote"]),
    ("method", &["method", "request_method", "verb"]),
    ("path", &["path", "uri", "request_uri", "url", "target"]),
    ("status", &["status", "status_code", "code"]),
    ("user", &["user", "remote_user", "user_id"]),
    ("host", &["host", "vhost", "http_host", "server_name"]),
];

impl Reader {
    /// Lines of `format`, or of what the first line looks like. `fields` are the paths of things in
    /// JSON, for those that are not under a usual name: `NAME=PATH`.
    pub(super) fn new(format: Option<Format>, fields: &[String]) -> Result<Self, String> {
        let fields = fields
            .iter()
            .map(|field| {
                let (name, path) = field.split_once('=').ok_or_else(|| {
                    format!("`{field}` is no field; write NAME=PATH, such as address=client.ip")
                })?;
                let is_known =
                    NAMES.iter().any(|(known, _)| *known == name) || name.starts_with("header:");
                if !is_known {
                    let known = NAMES.map(|(known, _)| known).join(", ");
                    return Err(format!("`{name}` is no field; there are {known} and header:NAME"));
                }
                Ok((name.to_ascii_lowercase(), path.split('.').map(str::to_owned).collect()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { format, dates: CommonDates::default(), fields })
    }

    /// Header fields that lines may have, in lower case.
    pub(super) fn headers(&self) -> impl Iterator<Item = &str> {
        let own = self.fields.iter().filter_map(|(name, _)| name.strip_prefix("header:"));
        own.chain(["user-agent", "referer"])
    }

    /// Takes a line apart.
    pub(super) fn read<'l>(&mut self, line: &'l [u8]) -> Result<Line<'l>, &'static str> {
        let format = *self.format.get_or_insert_with(|| match line.trim_ascii_start() {
            [b'{', ..] => Format::Json,
            _ => Format::Common,
        });
        match format {
            Format::Common => self.common(line),
            Format::Json => self.json(line),
        }
    }

    /// `ADDRESS IDENTITY USER [DATE] "METHOD TARGET VERSION" STATUS BYTES "REFERER" "AGENT"`,
    /// perhaps with the host in front.
    fn common<'l>(&mut self, line: &'l [u8]) -> Result<Line<'l>, &'static str> {
        let open = find(line, b" [").ok_or("there is no date in square brackets")?;
        let rest = &line[open + 2..];
        let close = find(rest, b"] ").ok_or("the date does not end")?;
        let at = self.dates.read(&rest[..close]).ok_or("this is no date")?;

        let mut words = line[..open].split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        let mut first = words.next().ok_or("there is no address")?;
        let mut host = None;
        let all: usize = words.clone().count();
        if all == 3 {
            host = Some(text(first));
            first = words.next().ok_or("there is no address")?;
        }
        let user = words.nth(1).filter(|user| *user != b"-").map(text);

        let rest = &rest[close + 2..];
        let (request, rest) = quoted(rest).ok_or("there is no request in quotes")?;
        let mut request = request.split(|&byte| byte == b' ');
        let method = request.next().filter(|it| !it.is_empty()).ok_or("there is no method")?;
        let target = request.next().ok_or("the request has no path")?;
        let rest = rest.trim_ascii_start();
        let status = rest.split(|&byte| byte == b' ').next().and_then(|it| text(it).parse().ok());
        let mut line = Line {
            at,
            address: text(first),
            method: text(method),
            target: text(target),
            status: status.ok_or("there is no status")?,
            user,
            host,
            headers: Vec::new(),
        };
        if let Some(quote) = rest.iter().position(|&byte| byte == b'"')
            && let Some((referer, rest)) = quoted(&rest[quote..])
        {
            line.header("referer", referer);
            if let Some((agent, _)) = quoted(rest.trim_ascii_start()) {
                line.header("user-agent", agent);
            }
        }
        Ok(line)
    }

    fn json<'l>(&self, line: &'l [u8]) -> Result<Line<'l>, &'static str> {
        let object: Value = serde_json::from_slice(line).map_err(|_| "this is no JSON")?;
        if !object.is_object() {
            return Err("this is no JSON object");
        }
        let at = match self.find(&object, "time").ok_or("there is no time")? {
            Value::Number(number) => number.as_f64().and_then(time::of_number),
            Value::String(text) => time::any(text),
            _ => None,
        };
        let text = |name| self.find(&object, name).and_then(owned);
        let status = self.find(&object, "status").and_then(|status| match status {
            Value::Number(number) => number.as_u64()?.try_into().ok(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        });
        let mut target = text("path").ok_or("there is no path")?;
        if let Some(after) = target.find("://").map(|at| at + 3) {
            let path = target[after..].find('/').map_or("/", |at| &target[after + at..]);
            target = Cow::Owned(path.to_owned());
        }
        let named = self.fields.iter().filter_map(|(name, _)| {
            let header = name.strip_prefix("header:")?;
            Some((Cow::Owned(header.to_owned()), text(name)?))
        });
        let agents =
            ["user_agent", "http_user_agent", "agent"].iter().find_map(|name| object.get(name));
        let agent = agents.and_then(owned).map(|value| (Cow::Borrowed("user-agent"), value));
        Ok(Line {
            at: at.ok_or("this is no time")?,
            address: text("address").ok_or("there is no address")?,
            method: text("method").unwrap_or(Cow::Borrowed("GET")),
            target,
            status: status.unwrap_or(200),
            user: text("user").filter(|user| user != "-"),
            host: text("host"),
            headers: named.chain(agent).collect(),
        })
    }

    fn find<'v>(&self, object: &'v Value, name: &str) -> Option<&'v Value> {
        if let Some((_, path)) = self.fields.iter().find(|(known, _)| known == name) {
            return path.iter().try_fold(object, |at, key| at.get(key));
        }
        let (_, names) = NAMES.iter().find(|(known, _)| *known == name)?;
        let found = names.iter().find_map(|name| object.get(name));
        found.filter(|value| !value.is_null() && !value.is_object())
    }
}

impl<'l> Line<'l> {
    /// The path without the query, and the query.
    pub(super) fn path(&self) -> (&str, &str) {
        self.target.split_once('?').unwrap_or((&self.target, ""))
    }

    fn header(&mut self, name: &'static str, value: &'l [u8]) {
        if !matches!(value, b"" | b"-") {
            self.headers.push((Cow::Borrowed(name), text(value)));
        }
    }
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn owned(value: &Value) -> Option<Cow<'static, str>> {
    match value {
        Value::String(text) => Some(Cow::Owned(text.clone())),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

fn find(line: &[u8], part: &[u8]) -> Option<usize> {
    line.windows(part.len()).position(|window| window == part)
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

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 971_211_336_000_000_000;

    fn read(line: &str) -> Result<Line<'_>, &'static str> {
        Reader::new(None, &[]).unwrap().read(line.as_bytes())
    }

    #[test]
    fn common_and_combined_lines_are_taken_apart() {
        let line = read(
            r#"203.0.113.7 - ana [10/Oct/2000:13:55:36 -0700] "GET /a?b=c HTTP/1.1" 401 2326 "-" "curl/8 \"x\"""#,
        );
        let line = line.unwrap();
        assert_eq!((line.at, &*line.address, &*line.method), (AT, "203.0.113.7", "GET"));
        assert_eq!((line.path(), line.status), (("/a", "b=c"), 401));
        assert_eq!(line.user.as_deref(), Some("ana"));
        assert_eq!(line.headers, [("user-agent".into(), r#"curl/8 \"x\""#.into())]);

        let line = read("www.example.com ::1 - - [10/Oct/2000:13:55:36 -0700] \"PUT / X\" 200 -");
        let line = line.unwrap();
        assert_eq!((line.host.as_deref(), &*line.address), (Some("www.example.com"), "::1"));
        assert_eq!((line.user, line.headers.len()), (None, 0));
    }

    #[test]
    fn json_lines_are_taken_apart() {
        let line = read(
            r#"{"time":"2000-10-10T20:55:36Z","remote_addr":"::1","method":"POST","url":"http://h/p?q","status":"200"}"#,
        );
        let line = line.unwrap();
        assert_eq!((line.at, &*line.address, line.path()), (AT, "::1", ("/p", "q")));

        let fields = ["address=client.ip".to_owned(), "header:x-api-key=key".to_owned()];
        let mut reader = Reader::new(None, &fields).unwrap();
        let line = br#"{"ts":971211336.0,"client":{"ip":"192.0.2.1"},"uri":"/","key":"k"}"#;
        let line = reader.read(line).unwrap();
        assert_eq!((line.at, &*line.address), (AT, "192.0.2.1"));
        assert_eq!(line.headers, [("x-api-key".into(), "k".into())]);
    }

    #[test]
    fn what_is_no_line_is_told() {
        for (line, told) in [
            ("", "no date"),
            ("::1 - - [10/Oct/2000] \"GET / X\" 200 -", "this is no date"),
            ("::1 - - [10/Oct/2000:13:55:36 -0700] GET / 200 -", "no request in quotes"),
            ("::1 - - [10/Oct/2000:13:55:36 -0700] \"\\x16\\x03\" 400 -", "no path"),
            ("::1 - - [10/Oct/2000:13:55:36 -0700] \"GET / X\" -", "no status"),
            ("{\"time\": 1", "no JSON"),
            ("{\"time\": 1}", "no path"),
        ] {
            let wrong = read(line).unwrap_err();
            assert!(wrong.contains(told), "{line}: {wrong}");
        }
        assert!(Reader::new(None, &["addres=x".to_owned()]).is_err());
    }
}
