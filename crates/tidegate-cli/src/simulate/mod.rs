//! `tidegate simulate`: whom the rules would have refused, by the access logs of the past.
//!
//! Lines are replayed in the order of their times, as far as logs follow each other or are woven
//! into each other. Within a log, a server writes a line when a response ends, so times can go
//! back; the clock then stands still, and such lines are counted.

mod answer;
mod common;
mod input;
mod json;
mod line;
mod picture;
mod replay;
mod report;
mod rules;
mod show;
mod source;
mod survey;
mod tally;
mod time;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use self::{
    answer::{Answer, Lines},
    input::Input,
    line::{Format, Reader},
    replay::Replay,
    report::Report,
    rules::Tried,
    show::Style,
    survey::Survey,
};
use crate::{
    configuration::ConfigArgs,
    exit::{Exit, Failure},
    output::Output,
};

/// Replays access logs against rules: who would have been refused.
#[derive(Args)]
pub(crate) struct Simulate {
    /// Access logs, plain or gzip, in any order; `-` for standard input.
    #[arg(required = true)]
    logs: Vec<PathBuf>,

    #[command(flatten)]
    config: ConfigArgs,

    /// A rule to try instead of a configuration's: `NAME:KEY=LIMITS`, such as
    /// `api:ip=100/minute` or `login:ip+path=5/minute`; may be given several times.
    #[arg(long = "rule", value_name = "RULE", conflicts_with = "config")]
    rules: Vec<String>,

    /// Another configuration, to be put beside.
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,

    /// How lines are written; every line tells by itself if omitted.
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Where a JSON line has something: `NAME=PATH`, with time, address, method, path, query,
    /// request, status, user, host or `header:NAME` for a name; may be given several times.
    #[arg(long = "field", value_name = "FIELD")]
    fields: Vec<String>,

    /// How many keys of each kind to name.
    #[arg(long, default_value_t = 10, value_name = "COUNT")]
    top: usize,

    /// Keys to make room for. Where they are too few, logs are read again with more room, unless
    /// they come from a stream.
    #[arg(long, default_value_t = 1 << 20, value_name = "COUNT")]
    keys: usize,

    /// Fail when a line cannot be read.
    #[arg(long)]
    strict: bool,
}

impl Simulate {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let reader = Reader::new(self.format, &self.fields);
        let mut reader = reader.map_err(|message| Failure::new(Exit::Usage, message))?;
        let tried = self.tried()?;
        let (answer, replays) = self.exact(&mut reader, &tried)?;
        if output.json {
            output.json(&answer)?;
        } else {
            let style = Style { is_unicode: is_unicode(), colours: output.colours };
            output.text(&answer.text(&replays, style))?;
        }
        let is_wrong = self.strict && answer.lines.unreadable > 0;
        Ok(if is_wrong { Exit::Found } else { Exit::Success })
    }

    fn tried(&self) -> Result<Vec<Tried>, Failure> {
        let first = if self.rules.is_empty() {
            Tried::file(&self.config.path()?)?
        } else {
            Tried::quick(&self.rules)?
        };
        let other = self.compare.as_deref().map(Tried::file).transpose()?;
        Ok([first].into_iter().chain(other).collect())
    }

    /// Replays the logs with as much room as it takes for no key to be forgotten.
    fn exact(
        &self,
        reader: &mut Reader,
        tried: &[Tried],
    ) -> Result<(Answer, Vec<Replay>), Failure> {
        const MORE: usize = 4;
        let wrong = |message: String| Failure::new(Exit::Config, message);
        let mut keys = self.keys;
        loop {
            let survey = Survey::new(&self.logs, reader).map_err(wrong)?;
            reader.needs = survey.seen.needs();
            let new = |tried: &Tried| Replay::new(tried, &survey.seen, keys);
            let replays = tried.iter().map(new).collect::<Result<Vec<_>, _>>();
            let mut replays = replays.map_err(wrong)?;
            match self.replay(survey, reader, &mut replays, keys) {
                Ok(lines) => {
                    let report = |(tried, replay): (&Tried, _)| {
                        Report::new(&tried.name, replay, &lines, self.top)
                    };
                    let reports = tried.iter().zip(&replays).map(report).collect();
                    return Ok((Answer { lines, keys, reports }, replays));
                }
                Err(Halt::Wrong(message)) => return Err(wrong(message)),
                Err(Halt::NoRoom) => keys = keys.saturating_mul(MORE),
            }
        }
    }

    fn replay(
        &self,
        survey: Survey,
        reader: &Reader,
        replays: &mut [Replay],
        keys: usize,
    ) -> Result<Lines, Halt> {
        const STEP: u64 = 1 << 14;
        let bar = progress(survey.size);
        let read = Arc::<AtomicU64>::default();
        let mut lines = Lines::new(&self.logs, &survey.logs);
        let (mut number, mut latest) = (0_u64, 0);
        let input = Input::new(survey.logs, Arc::clone(&read));
        lines.all = input.each::<Halt>(reader, |line, place| {
            number += 1;
            if number.is_multiple_of(STEP) {
                bar.set_position(read.load(Ordering::Relaxed));
                // Seldom: it takes long, and the later the more there is to lose.
                if number.is_power_of_two() && survey.is_lasting {
                    replays.iter().try_for_each(|replay| replay.needs_room(keys))?;
                }
            }
            let mut line = match line {
                Ok(line) => line,
                Err(why) => {
                    lines.add_unreadable(place, why);
                    return Ok(());
                }
            };
            if line.at < latest {
                lines.add_late(latest - line.at);
                line.at = latest;
            }
            latest = line.at;
            replays.iter_mut().try_for_each(|replay| replay.take(&line, place))?;
            Ok(())
        })?;
        bar.finish_and_clear();
        if survey.is_lasting {
            replays.iter().try_for_each(|replay| replay.needs_room(keys))?;
        }
        Ok(lines)
    }
}

/// Why a replay did not come to its end.
enum Halt {
    /// A log cannot be read, or a decision cannot be made.
    Wrong(String),
    /// Keys were forgotten; all would have to be read again, with more room.
    NoRoom,
}

impl From<String> for Halt {
    fn from(message: String) -> Self {
        Self::Wrong(message)
    }
}

fn progress(size: Option<u64>) -> ProgressBar {
    let Some(size) = size.filter(|_| io::stderr().is_terminal()) else {
        return ProgressBar::hidden();
    };
    let style = ProgressStyle::with_template("{bar:40} {percent} %, {eta} left");
    let bar = ProgressBar::new(size);
    let signs = if is_unicode() { "█░" } else { "#-" };
    style.map_or(bar.clone(), |style| bar.with_style(style.progress_chars(signs)))
}

/// Whether the locale has more than ASCII.
fn is_unicode() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    set.is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"))
}
