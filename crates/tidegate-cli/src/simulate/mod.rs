//! `tidegate simulate`: whom the rules would have refused, by the access logs of the past.
//!
//! Lines are replayed in the order in which they stand. A server writes a line when a response
//! ends, so times can go back a little; the clock then stands still, and such lines are counted.

mod input;
mod line;
mod picture;
mod replay;
mod report;
mod rules;
mod show;
mod time;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    sync::atomic::Ordering,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tidegate::{Gate, GateBuilder, Rule};

use self::{
    input::Input,
    line::{Format, Reader},
    replay::Replay,
    report::Report,
    show::Style,
};
use crate::{
    configuration::{self, ConfigArgs},
    exit::{Exit, Failure},
    output::Output,
};

/// Replays access logs against rules: who would have been refused.
#[derive(Args)]
pub(crate) struct Simulate {
    /// Access logs, plain or gzip, the oldest first; `-` for standard input.
    #[arg(required = true)]
    logs: Vec<PathBuf>,

    #[command(flatten)]
    config: ConfigArgs,

    /// A rule to try instead of a configuration's: `NAME:KEY=LIMITS`, such as
    /// `api:ip=100/minute`.
    #[arg(long = "rule", value_name = "RULE", conflicts_with = "config")]
    rules: Vec<String>,

    /// Another configuration, to be put beside.
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,

    /// How lines are written; told by the first line if omitted.
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Where a JSON line has something: `NAME=PATH`, with time, address, method, path, status,
    /// user, host or `header:NAME` for a name.
    #[arg(long = "field", value_name = "FIELD")]
    fields: Vec<String>,

    /// How many keys of each kind to name.
    #[arg(long, default_value_t = 10, value_name = "COUNT")]
    top: usize,

    /// Keys to make room for at once.
    #[arg(long, default_value_t = 1 << 20, value_name = "COUNT")]
    keys: usize,

    /// Fail when a line cannot be read.
    #[arg(long)]
    strict: bool,
}

/// What was read, and what it came to.
#[derive(Serialize)]
struct Answer {
    lines: u64,
    unreadable: u64,
    first_unreadable: Vec<Unreadable>,
    /// Lines that are older than the one before.
    out_of_order: u64,
    reports: Vec<Report>,
}

#[derive(Serialize)]
struct Unreadable {
    line: u64,
    why: &'static str,
}

impl Simulate {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let usage = |message: String| Failure::new(Exit::Usage, message);
        let mut reader = Reader::new(self.format, &self.fields).map_err(usage)?;
        let mut replays = self.replays(&reader)?;
        let answer = self.replay(&mut reader, &mut replays)?;
        if output.json {
            output.json(&answer)?;
        } else {
            output.text(&self.text(&answer, &replays, output))?;
        }
        let is_wrong = self.strict && answer.unreadable > 0;
        Ok(if is_wrong { Exit::Found } else { Exit::Success })
    }

    fn replays(&self, reader: &Reader) -> Result<Vec<(String, Replay)>, Failure> {
        let headers: Vec<String> = reader.headers().map(str::to_owned).collect();
        let wrong = |message: String| Failure::new(Exit::Config, message);
        let mut replays = Vec::new();
        if self.rules.is_empty() {
            for path in std::iter::once(self.config.path()?).chain(self.compare.clone()) {
                let loaded = configuration::read(&path)?;
                let (chosen, left_out) = rules::chosen(loaded.rules(), &headers);
                let replay =
                    Replay::new(&chosen, left_out, self.keys, |rules| loaded.builder_of(&rules));
                replays.push((path.display().to_string(), replay.map_err(wrong)?));
            }
        } else {
            let rules =
                self.rules.iter().map(|text| quick_rule(text)).collect::<Result<Vec<_>, _>>()?;
            let (chosen, left_out) = rules::chosen(&rules, &headers);
            let build =
                |rules: Vec<Rule>| rules.into_iter().fold(Gate::builder(), GateBuilder::rule);
            let replay = Replay::new(&chosen, left_out, self.keys, build);
            replays.push(("--rule".to_owned(), replay.map_err(wrong)?));
        }
        Ok(replays)
    }

    fn replay(
        &self,
        reader: &mut Reader,
        replays: &mut [(String, Replay)],
    ) -> Result<Answer, Failure> {
        const NAMED: usize = 5;
        const STEP: u64 = 1 << 14;
        let wrong = |message: String| Failure::new(Exit::Config, message);
        let mut input = Input::new(self.logs.clone());
        let bar = progress(input.size);
        let (mut lines, mut unreadable, mut out_of_order, mut latest) = (0, 0, 0, 0);
        let mut named = Vec::new();
        let read = std::sync::Arc::clone(&input.read);
        while let Some(bytes) = input.next().map_err(wrong)? {
            lines += 1;
            if lines % STEP == 0 {
                bar.set_position(read.load(Ordering::Relaxed));
            }
            if bytes.is_empty() {
                continue;
            }
            let mut line = match reader.read(bytes) {
                Ok(line) => line,
                Err(why) => {
                    unreadable += 1;
                    if named.len() < NAMED {
                        named.push(Unreadable { line: lines, why });
                    }
                    continue;
                }
            };
            if line.at < latest {
                out_of_order += 1;
                line.at = latest;
            }
            latest = line.at;
            for (_, replay) in replays.iter_mut() {
                replay.take(&line, lines).map_err(wrong)?;
            }
        }
        bar.finish_and_clear();
        let report =
            |(name, replay): &(String, Replay)| Report::new(name.clone(), replay, self.top);
        let reports = replays.iter().map(report).collect();
        Ok(Answer { lines, unreadable, first_unreadable: named, out_of_order, reports })
    }

    fn text(&self, answer: &Answer, replays: &[(String, Replay)], output: &Output) -> String {
        use std::fmt::Write;
        let style = Style { is_unicode: is_unicode(), colours: output.colours };
        let mut text = String::new();
        for (report, (name, replay)) in answer.reports.iter().zip(replays) {
            if self.compare.is_some() {
                let _ = writeln!(text, "== {name}");
            }
            text += &show::one(report, &replay.picture, style);
            if self.compare.is_some() {
                text.push('\n');
            }
            if report.forgotten_keys > 0 {
                let _ = writeln!(
                    text,
                    "\n{} keys were forgotten for want of room, so these counts are not exact: give \
                     more than --keys {}",
                    report.forgotten_keys, self.keys
                );
            }
        }
        if let [one, other] = &answer.reports[..] {
            text += &show::compared(one, other);
        }
        if answer.unreadable > 0 {
            let _ =
                writeln!(text, "\n{} of {} lines cannot be read:", answer.unreadable, answer.lines);
            for wrong in &answer.first_unreadable {
                let _ = writeln!(text, "  line {}: {}", wrong.line, wrong.why);
            }
        }
        if answer.out_of_order > 0 {
            let _ = writeln!(
                text,
                "\n{} lines are older than the one before; they count at the time of that one",
                answer.out_of_order
            );
        }
        text
    }
}

/// A rule from `NAME:KEY=LIMITS`.
fn quick_rule(text: &str) -> Result<Rule, Failure> {
    let wrong = |why: String| Failure::new(Exit::Usage, format!("--rule `{text}`: {why}"));
    let shape = || wrong("write NAME:KEY=LIMITS, such as api:ip=100/minute".to_owned());
    let (name, rest) = text.split_once(':').ok_or_else(shape)?;
    let (key, limits) = rest.split_once('=').ok_or_else(shape)?;
    let limits = limits.parse().map_err(|error: tidegate::ParseError| wrong(error.to_string()))?;
    let key = key.parse().map_err(|error: tidegate::Error| wrong(error.to_string()))?;
    Ok(Rule::new(name, limits).key(key))
}

fn progress(size: Option<u64>) -> ProgressBar {
    let Some(size) = size.filter(|_| io::stderr().is_terminal()) else {
        return ProgressBar::hidden();
    };
    let style = ProgressStyle::with_template("{bar:40} {percent} %, {eta} left");
    let bar = ProgressBar::new(size);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// Whether the locale has more than ASCII.
fn is_unicode() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    set.is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"))
}
