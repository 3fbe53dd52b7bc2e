//! A look at the beginning of every log: when it begins, and what its lines tell.
//!
//! What a rule needs and no line tells has to be known before the first decision, and a stream
//! cannot be read twice. So the beginning of what does not last is kept.

use std::{
    collections::BTreeSet,
    io::{BufRead, Cursor, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    input::Waiting,
    line::{Field, Line, Needs, Reader},
    source,
    time::Dates,
};

/// Bytes of a log that are looked at.
const HEAD: usize = 1 << 20;

/// What is known before the first line is replayed.
pub(super) struct Survey {
    pub(super) logs: Vec<Waiting>,
    pub(super) seen: Seen,
    /// Whether all logs can be read again.
    pub(super) is_lasting: bool,
    /// Bytes of all logs, before they are unpacked, if that is known.
    pub(super) size: Option<u64>,
}

/// What lines tell that not every line does.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Lines that could be read.
    pub(super) lines: u64,
    fields: Vec<Field>,
    /// In lower case.
    headers: BTreeSet<String>,
}

impl Survey {
    /// Looks at the logs at `paths`.
    pub(super) fn new(paths: &[PathBuf], reader: &Reader) -> Result<Self, String> {
        let mut seen = Seen::default();
        let looked_at = paths.iter().enumerate();
        let logs = looked_at.map(|(log, path)| look(log, path, reader, &mut seen));
        let logs = logs.collect::<Result<Vec<_>, _>>()?;
        let is_lasting = logs.iter().all(|log| log.held.is_none());
        let sizes = paths.iter().map(|path| path.metadata().map(|it| it.len()));
        let size = sizes.sum::<Result<u64, _>>().ok().filter(|_| is_lasting);
        Ok(Self { logs, seen, is_lasting, size })
    }
}

fn look(log: usize, path: &Path, reader: &Reader, seen: &mut Seen) -> Result<Waiting, String> {
    let mut bytes = source::open(path, &Arc::default())?;
    let mut head = Vec::new();
    let end = bytes.by_ref().take(HEAD as u64).read_to_end(&mut head);
    end.map_err(|error| source::unreadable(path, &error))?;
    let (mut dates, mut first) = (Dates::default(), None);
    for line in head.split(|&byte| byte == b'\n') {
        if let Ok(line) = reader.read(line.trim_ascii(), &mut dates) {
            first.get_or_insert(line.at);
            seen.note(&line);
        }
    }
    let kept = (!source::is_lasting(path))
        .then(|| -> Box<dyn BufRead> { Box::new(Cursor::new(head).chain(bytes)) });
    Ok(Waiting { log, path: path.to_owned(), first: first.unwrap_or_default(), held: kept })
}

impl Seen {
    fn note(&mut self, line: &Line<'_>) {
        self.lines += 1;
        for (field, is_told) in [
            (Field::Method, line.method.is_some()),
            (Field::Status, line.status.is_some()),
            (Field::User, line.user.is_some()),
            (Field::Host, line.host.is_some()),
            (Field::Query, line.query.is_some()),
        ] {
            if is_told && !self.fields.contains(&field) {
                self.fields.push(field);
            }
        }
        let own = [("user-agent", &line.agent), ("referer", &line.referer), ("host", &line.host)];
        let own = own.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name);
        for name in own.chain(line.headers.iter().map(|(name, _)| *name)) {
            if !self.headers.contains(name) {
                self.headers.insert(name.to_owned());
            }
        }
    }

    /// Whether lines tell the header field `name`, which is in lower case.
    pub(super) fn header(&self, name: &str) -> bool {
        self.headers.contains(name)
    }

    /// Whether lines tell a thing that not every line does.
    pub(super) fn tells(&self, field: Field) -> bool {
        self.fields.contains(&field)
    }

    pub(super) fn needs(&self) -> Needs {
        Needs { method: self.tells(Field::Method), status: self.tells(Field::Status) }
    }
}
