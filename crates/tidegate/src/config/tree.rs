//! What a configuration file says, whatever its notation: values, and where each stands.
//!
//! Knows neither TOML nor YAML, nor what any field means.

use std::{fmt, sync::Arc};

/// The deepest that values may be nested; a file with more is broken or hostile.
pub(super) const MOST_DEPTH: usize = 32;

/// A place in a file, or the name of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The file's name, as it was given, or the variable's.
    pub(super) file: Arc<str>,
    /// From 1; 0 when there are no lines, as in a variable.
    pub(super) line: usize,
    /// In characters, from 1; 0 when there are no lines.
    pub(super) column: usize,
}

/// A value, and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    /// What TOML has a type for and no field.
    Date(String),
    List(Vec<Node>),
    /// In the order of the file, no key twice.
    Table(Vec<Entry>),
    /// What an environment variable says: text, number or list, as the field needs it.
    Variable(String),
    /// Where something wrong stood, in a list whose other items keep their numbers.
    LeftOut,
}

/// A named value of a table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Where the key begins.
    pub(super) place: Place,
    pub(super) node: Node,
}

/// One step from a value into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// The way from the whole to a value: `rules[2].limit`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(pub(super) Vec<Step>);

impl Node {
    /// The entries of a table; none for anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The entry of a table by its key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value at the end of `path`, or as far along it as there is one.
    pub(super) fn nearest(&self, path: &Path) -> &Self {
        let mut at = self;
        for step in &path.0 {
            let next = match (step, &at.value) {
                (Step::Key(key), _) => at.entry(key).map(|entry| &entry.node),
                (Step::Index(index), Value::List(items)) => items.get(*index),
                // One thing may stand where a list of one is meant.
                (Step::Index(0), _) => Some(at),
                _ => None,
            };
            let Some(next) = next else { break };
            at = next;
        }
        at
    }

    /// Takes the value at the end of `path` out; false when there is none.
    pub(super) fn remove(&mut self, path: &Path) -> bool {
        let Some((last, way)) = path.0.split_last() else { return false };
        let mut at = self;
        for step in way {
            let next = match (step, &mut at.value) {
                (Step::Key(key), Value::Table(entries)) => {
                    entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.node)
                }
                (Step::Index(index), Value::List(items)) => items.get_mut(*index),
                _ => None,
            };
            let Some(next) = next else { return false };
            at = next;
        }
        match (last, &mut at.value) {
            (Step::Key(key), Value::Table(entries)) => {
                let before = entries.len();
                entries.retain(|entry| entry.key != *key);
                entries.len() < before
            }
            (Step::Index(index), Value::List(items)) if *index < items.len() => {
                let found = !matches!(items[*index].value, Value::LeftOut);
                items[*index].value = Value::LeftOut;
                found
            }
            _ => false,
        }
    }
}

impl Value {
    /// The value as a message shows it, shortened.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Null | Self::LeftOut => "nothing".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Integer(value) => format!("`{value}`"),
            Self::Float(value) => format!("`{value}`"),
            Self::Text(text) | Self::Date(text) | Self::Variable(text) => {
                format!("`{}`", shorten(text))
            }
            Self::List(items) if items.is_empty() => "an empty list".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "a table".to_owned(),
        }
    }
}

impl Path {
    /// The path one step further.
    pub(super) fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if number == 0 => f.write_str(&shorten(key))?,
                Step::Key(key) => write!(f, ".{}", shorten(key))?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Text for a message: one line, escaped, and no longer than a line.
pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 80;
    let mut shown: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
