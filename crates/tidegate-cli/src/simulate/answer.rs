//! The whole answer: what was read, and what it comes to for each configuration.

use std::{fmt::Write, path::PathBuf};

use serde::Serialize;

use super::{
    input::{Place, Waiting},
    replay::Replay,
    report::Report,
    show::{self, Style},
};

/// Seconds that a response may well take. Lines that are later are not in the order of time.
const TOO_LATE: u64 = 3600;

/// What was read, and what it came to.
#[derive(Serialize)]
pub(super) struct Answer {
    #[serde(flatten)]
    pub(super) lines: Lines,
    /// Keys that there was room for.
    pub(super) keys: usize,
    pub(super) reports: Vec<Report>,
}

/// What was read.
#[derive(Serialize)]
pub(super) struct Lines {
    /// In the order in which they were given.
    #[serde(skip)]
    names: Vec<String>,
    /// In the order in which they begin.
    logs: Vec<String>,
    /// Empty ones too.
    #[serde(rename = "lines")]
    pub(super) all: u64,
    pub(super) unreadable: u64,
    first_unreadable: Vec<Unreadable>,
    /// Lines that are older than the one before.
    out_of_order: u64,
    /// By how many seconds they are older, at the most.
    most_seconds_late: u64,
}

#[derive(Serialize)]
struct Unreadable {
    log: String,
    line: u64,
    why: &'static str,
}

impl Lines {
    pub(super) fn new(given: &[PathBuf], logs: &[Waiting]) -> Self {
        let names: Vec<String> = given.iter().map(|path| path.display().to_string()).collect();
        let mut order: Vec<_> = logs.iter().map(|log| (log.first, log.log)).collect();
        order.sort_unstable();
        let logs = order.into_iter().map(|(_, log)| names[log].clone()).collect();
        Self {
            names,
            logs,
            all: 0,
            unreadable: 0,
            first_unreadable: Vec::new(),
            out_of_order: 0,
            most_seconds_late: 0,
        }
    }

    /// The log that a line stands in.
    pub(super) fn log_of(&self, place: Place) -> &str {
        self.names.get(place.log).map_or("", |name| name)
    }

    pub(super) fn add_unreadable(&mut self, place: Place, why: &'static str) {
        const NAMED: usize = 5;
        self.unreadable += 1;
        if self.first_unreadable.len() < NAMED {
            let (log, line) = (self.log_of(place).to_owned(), place.line);
            self.first_unreadable.push(Unreadable { log, line, why });
        }
    }

    /// A line that is older, by so many nanoseconds.
    pub(super) fn add_late(&mut self, nanos: u64) {
        const SECOND: u64 = 1_000_000_000;
        self.out_of_order += 1;
        self.most_seconds_late = self.most_seconds_late.max(nanos.div_ceil(SECOND));
    }

    fn text(&self, text: &mut String) {
        if self.logs != self.names {
            let _ =
                writeln!(text, "\nlogs in the order in which they begin: {}", self.logs.join(", "));
        }
        if self.unreadable > 0 {
            let _ = writeln!(text, "\n{} of {} lines cannot be read:", self.unreadable, self.all);
            for wrong in &self.first_unreadable {
                let line = show::line(&self.names, &wrong.log, wrong.line);
                let _ = writeln!(text, "  {line}: {}", wrong.why);
            }
        }
        if self.out_of_order > 0 {
            let _ = writeln!(
                text,
                "\nlines older than the one before: {}, by up to {} s; each counts at the time of \
                 that one",
                self.out_of_order, self.most_seconds_late
            );
            if self.most_seconds_late > TOO_LATE {
                let _ = writeln!(
                    text,
                    "this is so much that the counts mean little: sort the lines by time"
                );
            }
        }
    }
}

impl Answer {
    /// The answer for people.
    pub(super) fn text(&self, replays: &[Replay], style: Style) -> String {
        let mut text = String::new();
        let is_compared = self.reports.len() > 1;
        for (report, replay) in self.reports.iter().zip(replays) {
            if is_compared {
                let _ = writeln!(text, "== {}", report.configuration);
            }
            text += &show::one(report, &replay.picture, &self.lines.names, style);
            if report.forgotten_keys > 0 {
                let _ = writeln!(
                    text,
                    "\n{} keys were forgotten for want of room, so these counts are not exact: \
                     give more than --keys {}",
                    report.forgotten_keys, self.keys
                );
            }
            if is_compared {
                text.push('\n');
            }
        }
        if let [one, other] = &self.reports[..] {
            text += &show::compared(one, other);
        }
        self.lines.text(&mut text);
        text
    }
}
