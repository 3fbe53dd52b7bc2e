//! What is wrong with a configuration, and where.

use std::fmt;

use serde::Serialize;

use super::tree::Place;

/// One thing that is wrong, or worth a warning.
///
/// Shown as `FILE:LINE:COLUMN: FIELD: MESSAGE`, as compilers do, so that editors find the place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The file, as it was given; for an environment variable, its name.
    pub file: String,
    /// From 1; 0 for what has no lines.
    pub line: usize,
    /// In characters, from 1; 0 for what has no lines.
    pub column: usize,
    /// The field's path, such as `rules[0].limit`; empty for the file as a whole.
    pub field: String,
    /// What is wrong, with the value, and what would be right.
    pub message: String,
}

/// Everything that is wrong with a configuration; at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problem {
    pub(super) fn at(place: &Place, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: place.file.to_string(),
            line: place.line,
            column: place.column,
            field: field.into(),
            message: message.into(),
        }
    }

    /// About a file as a whole.
    pub(super) fn of_file(file: &str, message: impl Into<String>) -> Self {
        let (file, field) = (file.to_owned(), String::new());
        Self { file, line: 0, column: 0, field, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Problems {
    /// Each, in the order of the file.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if number == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl FromIterator<Problem> for Problems {
    /// Of what comes from no iterator with nothing in it.
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        let mut all: Vec<_> = problems.into_iter().collect();
        all.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        Self(all)
    }
}
