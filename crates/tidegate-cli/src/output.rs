//! Where answers go: text for people, JSON for programs.
//!
//! Knows nothing of what is answered.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::exit::{Exit, Failure};

/// Standard output, and how to write to it.
pub(crate) struct Output {
    /// Whether answers are JSON.
    pub(crate) json: bool,
    /// Whether standard output takes colours: it is a terminal, and `NO_COLOR` is not set.
    pub(crate) colours: bool,
}

/// What a colour says. Never said by the colour alone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paint {
    /// All is well.
    Good,
    /// Worth a look.
    Doubtful,
    /// Refused, or wrong.
    Bad,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { json, colours: wanted && !dumb && !json && io::stdout().is_terminal() }
    }

    /// `text` in a colour, where there are colours.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Good => 32,
            Paint::Doubtful => 33,
            Paint::Bad => 31,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// Writes `text` as it is. A reader who has gone away (`| head`) is no failure.
    #[expect(clippy::unused_self, reason = "whoever answers holds what answers are written by")]
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::new(Exit::Unavailable, format!("cannot write the answer: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Writes `answer` as JSON, indented, with a newline.
    pub(crate) fn json(&self, answer: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(answer).map_err(|error| {
            Failure::new(Exit::Unavailable, format!("cannot write the answer: {error}"))
        })?;
        self.text(&format!("{text}\n"))
    }
}
