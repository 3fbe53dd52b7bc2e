//! What an audit finds.

use serde::Serialize;

use crate::output::{Output, Paint};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// It was looked at, and is well.
    Ok,
    /// It was not looked at, and why.
    Skipped,
    /// It works, and is probably not meant.
    Warning,
    /// Limits do not hold, or something else does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    level: Level,
    /// Which part of the deployment.
    about: &'static str,
    message: String,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// All that was looked at, in order.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn ok(&mut self, about: &'static str, message: impl Into<String>) {
        self.add(Level::Ok, about, message.into(), None);
    }

    pub(super) fn skip(&mut self, about: &'static str, message: impl Into<String>) {
        self.add(Level::Skipped, about, message.into(), None);
    }

    pub(super) fn warn(
        &mut self,
        about: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(Level::Warning, about, message.into(), Some(advice.into()));
    }

    pub(super) fn problem(
        &mut self,
        about: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(Level::Problem, about, message.into(), Some(advice.into()));
    }

    fn add(&mut self, level: Level, about: &'static str, message: String, advice: Option<String>) {
        self.0.push(Finding { level, about, message, advice });
    }

    /// The worst that was found.
    pub(super) fn worst(&self) -> Level {
        self.0.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    pub(super) fn text(&self, output: &Output) -> String {
        let mut lines = Vec::new();
        for Finding { level, about, message, advice } in &self.0 {
            let (word, paint) = match level {
                Level::Ok => ("ok", Some(Paint::Good)),
                Level::Skipped => ("skipped", None),
                Level::Warning => ("warning", Some(Paint::Doubtful)),
                Level::Problem => ("problem", Some(Paint::Bad)),
            };
            let word = format!("{word:7}");
            let word = paint.map_or(word.clone(), |paint| output.paint(paint, &word));
            lines.push(format!("{word}  {about}: {}", message.replace('\n', "\n         ")));
            lines.extend(advice.iter().map(|advice| format!("         {advice}")));
        }
        let count = |level: Level| self.0.iter().filter(|it| it.level == level).count();
        let (problems, warnings) = (count(Level::Problem), count(Level::Warning));
        lines.push(match (problems, warnings) {
            (0, 0) => "nothing to mend".to_owned(),
            _ => format!("{problems} to mend, {warnings} to look at"),
        });
        lines.join("\n") + "\n"
    }
}
