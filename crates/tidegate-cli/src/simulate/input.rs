//! All logs as one: lines in the order of their times, whatever the order of the logs.
//!
//! Rotated logs follow each other, and logs of several servers are woven into each other. A log
//! is opened when its time has come, so that those that follow each other are open one at a time.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
};

use super::{
    line::{Line, Reader},
    source::{self, Bytes},
    time::Dates,
};

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The log, by its position among those that were given.
    pub(super) log: usize,
    /// From 1.
    pub(super) line: u64,
}

/// A log that is not open yet.
pub(super) struct Waiting {
    /// Its position among those that were given.
    pub(super) log: usize,
    pub(super) path: PathBuf,
    /// When its first line was written; 0 when that is not known.
    pub(super) first: u64,
    /// What cannot be opened a second time.
    pub(super) held: Option<Bytes>,
}

/// An open log.
struct Open {
    log: usize,
    path: PathBuf,
    bytes: Bytes,
    dates: Dates,
    line: Vec<u8>,
    number: u64,
    /// Whether `line` has not been told yet.
    is_pending: bool,
    /// Nanoseconds since 1970: of the line that was told last, or of the one that is pending.
    at: u64,
}

/// What came of reading on in a log.
enum Paused {
    /// Lines of another log are older than the next.
    Older,
    /// It has no more lines.
    Over,
}

/// Lines of several logs.
pub(super) struct Input {
    /// The latest first.
    waiting: Vec<Waiting>,
    open: Vec<Open>,
    read: Arc<AtomicU64>,
    /// All lines so far, empty ones too.
    lines: u64,
}

impl Input {
    /// Counts in `read` the bytes that are read.
    pub(super) fn new(mut logs: Vec<Waiting>, read: Arc<AtomicU64>) -> Self {
        logs.sort_by_key(|log| (log.first, log.log));
        logs.reverse();
        Self { waiting: logs, open: Vec::new(), read, lines: 0 }
    }

    /// Tells every line that is not empty to `sink`, or why it cannot be read. Returns how many
    /// lines there were.
    pub(super) fn each<E: From<String>>(
        mut self,
        reader: &Reader,
        mut sink: impl FnMut(Result<Line<'_>, &'static str>, Place) -> Result<(), E>,
    ) -> Result<u64, E> {
        while let Some(index) = self.next()? {
            let others = self.open.iter().enumerate().filter(|(other, _)| *other != index);
            let others =
                others.map(|(_, log)| log.at).chain(self.waiting.last().map(|it| it.first));
            let until = others.min().unwrap_or(u64::MAX);
            match self.open[index].run(until, &mut self.lines, reader, &mut sink)? {
                Paused::Older => {}
                Paused::Over => drop(self.open.swap_remove(index)),
            }
        }
        Ok(self.lines)
    }

    /// The open log with the oldest line.
    fn next(&mut self) -> Result<Option<usize>, String> {
        let oldest = self.open.iter().map(|log| log.at).min();
        if let Some(log) = self.waiting.pop_if(|log| oldest.is_none_or(|at| log.first < at)) {
            self.open.push(Open::new(log, &self.read)?);
            return Ok(Some(self.open.len() - 1));
        }
        let logs = self.open.iter().enumerate();
        Ok(logs.min_by_key(|(_, log)| (log.at, log.log)).map(|(index, _)| index))
    }
}

impl Open {
    fn new(log: Waiting, read: &Arc<AtomicU64>) -> Result<Self, String> {
        let Waiting { log, path, first, held } = log;
        let bytes = held.map_or_else(|| source::open(&path, read), Ok)?;
        let (dates, line) = (Dates::default(), Vec::new());
        Ok(Self { log, path, bytes, dates, line, number: 0, is_pending: false, at: first })
    }

    /// Tells lines as long as they are not younger than `until`.
    fn run<E: From<String>>(
        &mut self,
        until: u64,
        lines: &mut u64,
        reader: &Reader,
        sink: &mut impl FnMut(Result<Line<'_>, &'static str>, Place) -> Result<(), E>,
    ) -> Result<Paused, E> {
        loop {
            if !self.is_pending {
                let read = source::read_line(&mut self.bytes, &mut self.line);
                if !read.map_err(|error| source::unreadable(&self.path, &error))? {
                    return Ok(Paused::Over);
                }
                *lines += 1;
                self.number += 1;
            }
            self.is_pending = false;
            let line = self.line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let read = reader.read(line, &mut self.dates);
            if let Ok(line) = &read {
                // One that was written late does not wait for what came after it.
                self.at = self.at.max(line.at);
                if line.at > until {
                    self.is_pending = true;
                    return Ok(Paused::Older);
                }
            }
            sink(read, Place { log: self.log, line: self.number })?;
        }
    }
}
