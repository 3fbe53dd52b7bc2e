//! Logs of JSON, one object a line.
//!
//! Only what is wanted is kept while an object is read; all else is skipped.

mod found;
mod usual;
mod walk;

use std::collections::HashMap;

use foldhash::fast::RandomState;
use serde::de::DeserializeSeed;

use self::{found::Found, usual::USUAL, walk::At};
use super::{
    line::{Field, Line},
    time::Dates,
};

/// Where things stand: a tree of names, as objects are trees of names.
pub(super) struct Names {
    root: Node,
    /// Header fields beyond the usual ones, by number; in lower case.
    headers: Vec<String>,
}

#[derive(Default)]
struct Node {
    /// What stands here, and how likely; 0 is the likeliest.
    field: Option<(Field, usize)>,
    inner: HashMap<Box<str>, Node, RandomState>,
}

impl Names {
    /// The usual names, but for things that `fields` tell of: `NAME=PATH`.
    pub(super) fn new(fields: &[String]) -> Result<Self, String> {
        let mut names = Self { root: Node::default(), headers: Vec::new() };
        let mut told = Vec::new();
        for text in fields {
            let (name, path) = text.split_once('=').ok_or_else(|| {
                format!("`{text}` is no field; write NAME=PATH, such as address=client.ip")
            })?;
            let field = names.field(&name.to_ascii_lowercase())?;
            names.root.add(path, field, told.len());
            told.push(field);
        }
        for (_, field, paths) in USUAL.iter().filter(|(_, field, _)| !told.contains(field)) {
            for (rank, path) in paths.iter().enumerate() {
                names.root.add(path, *field, rank);
            }
        }
        Ok(names)
    }

    fn field(&mut self, name: &str) -> Result<Field, String> {
        if let Some((_, field, _)) = USUAL.iter().find(|(known, ..)| *known == name) {
            return Ok(*field);
        }
        if let Some(header) = name.strip_prefix("header:").filter(|header| !header.is_empty()) {
            if header == "host" {
                return Ok(Field::Host);
            }
            self.headers.push(header.to_owned());
            return Ok(Field::Header(self.headers.len() - 1));
        }
        let known = USUAL.iter().map(|(known, ..)| *known).filter(|it| !it.contains(':'));
        let known = known.collect::<Vec<_>>().join(", ");
        Err(format!("`{name}` is no field; there are {known} and header:NAME"))
    }

    /// Takes a line apart.
    pub(super) fn read<'l>(
        &'l self,
        text: &'l [u8],
        dates: &mut Dates,
    ) -> Result<Line<'l>, &'static str> {
        let mut found = Found::default();
        let mut json = serde_json::Deserializer::from_slice(text);
        let at = At { node: &self.root, found: &mut found };
        at.deserialize(&mut json).and_then(|()| json.end()).map_err(|_| "this is no JSON")?;
        found.line(&self.headers, dates)
    }
}

impl Node {
    /// `path` has dots between names; an object may also have all of it as one name.
    fn add(&mut self, path: &str, field: Field, rank: usize) {
        let spelled = [vec![path], path.split('.').collect()];
        for names in &spelled[usize::from(!path.contains('.'))..] {
            let mut node = &mut *self;
            for name in names {
                node = node.inner.entry((*name).into()).or_default();
            }
            node.field = Some((field, rank));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    const AT: u64 = 971_211_336_000_000_000;

    fn names(fields: &[&str]) -> Result<Names, String> {
        Names::new(&fields.iter().map(|&field| field.to_owned()).collect::<Vec<_>>())
    }

    /// Time, address, method, path, query, status, user, host, agent; commas between.
    fn told(line: &Line<'_>) -> String {
        let text = |value: &Option<Cow<'_, [u8]>>| match value {
            Some(value) => String::from_utf8_lossy(value).into_owned(),
            None => "?".to_owned(),
        };
        [
            (line.at / 1_000_000_000).to_string(),
            line.address.to_string(),
            line.method.as_deref().unwrap_or("?").to_owned(),
            String::from_utf8_lossy(&line.path).into_owned(),
            text(&line.query),
            line.status.map_or("?".to_owned(), |it| it.to_string()),
            text(&line.user),
            text(&line.host),
            text(&line.agent),
        ]
        .join(",")
    }

    #[test]
    fn logs_of_usual_servers_are_read() {
        let names = names(&[]).unwrap();
        for (line, expected) in [
            // nginx, by the names of its variables.
            (
                r#"{"time_local":"10/Oct/2000:13:55:36 -0700","remote_addr":"::1","remote_user":"-",
                "request":"GET /a?b HTTP/1.1","status":"200","http_user_agent":"curl"}"#,
                "971211336,::1,GET,/a,b,200,?,?,curl",
            ),
            (
                r#"{"msec":971211336.5,"remote_addr":"::1","request_method":"PUT","uri":"/index",
                "request_uri":"/a?b=c","args":"b=c","status":201,"http_host":"h"}"#,
                "971211336,::1,PUT,/a,b=c,201,?,h,?",
            ),
            // Caddy.
            (
                r#"{"ts":971211336,"request":{"remote_ip":"192.0.2.1","client_ip":"192.0.2.2",
                "method":"GET","host":"h","uri":"/a","headers":{"User-Agent":["x","y"]}},
                "status":404,"user_id":""}"#,
                "971211336,192.0.2.2,GET,/a,?,404,?,h,x",
            ),
            // Traefik.
            (
                r#"{"ClientHost":"192.0.2.1","ClientUsername":"ana","DownstreamStatus":200,
                "RequestHost":"h","RequestMethod":"GET","RequestPath":"/a?b",
                "StartUTC":"2000-10-10T20:55:36.123456789Z"}"#,
                "971211336,192.0.2.1,GET,/a,b,200,ana,h,?",
            ),
            // The Elastic Common Schema, in both its spellings.
            (
                r#"{"@timestamp":"2000-10-10T20:55:36Z","client":{"ip":"::1"},"url":{"path":"/a",
                "query":"b"},"http":{"request":{"method":"GET"},"response":{"status_code":200}}}"#,
                "971211336,::1,GET,/a,b,200,?,?,?",
            ),
            (
                r#"{"@timestamp":"2000-10-10T20:55:36Z","client.ip":"::1","url.path":"/a",
                "http.request.method":"GET","http.response.status_code":200}"#,
                "971211336,::1,GET,/a,?,200,?,?,?",
            ),
            // Escapes, a user who is a number, and things that nobody asked for.
            (
                r#"{"time":971211336000,"ip":"::1","path":"\/\u00e9","user":7,"x":{"y":[1,{}]},
                "method":null,"status":true}"#,
                "971211336,::1,?,/é,?,?,7,?,?",
            ),
        ] {
            let line = names.read(line.as_bytes(), &mut Dates::default()).unwrap();
            assert_eq!(told(&line), expected);
            assert_eq!(line.at / 1_000_000_000 * 1_000_000_000, AT);
        }
    }

    #[test]
    fn things_are_found_where_fields_say() {
        let fields = ["address=peer.ip", "header:X-Api-Key=request.key", "header:host=h"];
        let names = names(&fields).unwrap();
        let line =
            br#"{"ts":1,"peer":{"ip":"::2"},"ip":"::1","uri":"/","request":{"key":"k"},"h":"H"}"#;
        let line = names.read(line, &mut Dates::default()).unwrap();
        assert_eq!(&*line.address, "::2");
        assert_eq!(line.headers, [("x-api-key", Cow::Borrowed(&b"k"[..]))]);
        assert_eq!(line.host.as_deref(), Some(&b"H"[..]));
    }

    #[test]
    fn what_is_no_line_is_told() {
        let names = names(&[]).unwrap();
        for (line, expected) in [
            (r#"{"time": 1"#, "this is no JSON"),
            (r#"{"time": 1} x"#, "this is no JSON"),
            (r#"{"time": 1, "ip": "::1"}"#, "there is no path"),
            (r#"{"time": 1, "uri": "/"}"#, "there is no address"),
            (r#"{"time": "soon", "ip": "::1", "uri": "/"}"#, "this is no time"),
            (r#"{"ip": "::1", "uri": "/"}"#, "there is no time"),
            (r#"{"time": 1, "ip": "::1", "request": "-"}"#, "there is no path"),
            (r#"{"time": 1, "ip": "::1", "request": "GET"}"#, "the request has no path"),
            ("[]", "there is no time"),
        ] {
            let read = names.read(line.as_bytes(), &mut Dates::default());
            assert_eq!(read.unwrap_err(), expected, "{line}");
        }
    }

    #[test]
    fn a_field_that_there_is_not_is_refused() {
        for (field, part) in [
            ("x", "write NAME=PATH"),
            (
                "addres=x",
                "there are time, address, method, path, query, request, status, user, host and",
            ),
            ("header:=x", "`header:` is no field"),
        ] {
            let wrong = names(&[field]).err().unwrap();
            assert!(wrong.contains(part), "{wrong}");
        }
    }
}
