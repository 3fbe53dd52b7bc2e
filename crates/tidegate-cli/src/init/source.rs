//! Another system's configuration as a tree, of which converters take what they know.
//!
//! What nobody has taken is left, and told.

use std::fmt;

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use toml_edit::{DocumentMut, Item, Value};

use crate::exit::{Exit, Failure};

/// A value of such a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Nothing,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file.
    Table(Vec<(String, Node)>),
}

/// A file, less what was taken of it.
pub(super) struct Source {
    name: String,
    root: Node,
}

impl Source {
    /// Reads TOML.
    pub(super) fn toml(name: &str, text: &str) -> Result<Self, Failure> {
        let document = text.parse::<DocumentMut>().map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            Failure::new(Exit::Config, format!("{name}{line}: {}", error.message()))
        })?;
        Ok(Self { name: name.to_owned(), root: of_item(document.as_item()) })
    }

    /// Reads YAML, of which there must be one document.
    pub(super) fn yaml(name: &str, text: &str) -> Result<Self, Failure> {
        let wrong = |message: String| Failure::new(Exit::Config, format!("{name}: {message}"));
        let documents = Yaml::load_from_str(text).map_err(|error| wrong(error.to_string()))?;
        let root = match documents.as_slice() {
            [] => Node::Table(Vec::new()),
            [document] => of_yaml(document),
            _ => return Err(wrong("there are several documents in it; expected one".to_owned())),
        };
        match root {
            Node::Table(_) => Ok(Self { name: name.to_owned(), root }),
            Node::Nothing => Ok(Self { name: name.to_owned(), root: Node::Table(Vec::new()) }),
            _ => Err(wrong("expected a table of settings".to_owned())),
        }
    }

    /// A failure about the value at `path`.
    pub(super) fn wrong(&self, path: &[&str], value: &Node, expected: &str) -> Failure {
        let (name, path) = (&self.name, path.join("."));
        Failure::new(Exit::Config, format!("{name}: {path} is {value}; expected {expected}"))
    }

    /// Whether there is a value at `path` that nobody took.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        let mut node = &self.root;
        for step in path {
            let Node::Table(entries) = node else { return false };
            let Some((_, found)) = entries.iter().find(|(key, _)| key == step) else {
                return false;
            };
            node = found;
        }
        true
    }

    /// Takes the value at `path`; what says nothing is as good as missing.
    pub(super) fn take(&mut self, path: &[&str]) -> Option<Node> {
        let (last, way) = path.split_last()?;
        let mut node = &mut self.root;
        for step in way {
            let Node::Table(entries) = node else { return None };
            node = &mut entries.iter_mut().find(|(key, _)| key == step)?.1;
        }
        let Node::Table(entries) = node else { return None };
        let index = entries.iter().position(|(key, _)| key == last)?;
        Some(entries.remove(index).1).filter(|node| *node != Node::Nothing)
    }

    /// Takes text.
    pub(super) fn text(&mut self, path: &[&str]) -> Result<Option<String>, Failure> {
        match self.take(path) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(path, &other, "text")),
        }
    }

    /// Takes a number above zero, which may be written as text.
    pub(super) fn number(&mut self, path: &[&str]) -> Result<Option<f64>, Failure> {
        let Some(node) = self.take(path) else { return Ok(None) };
        number_of(&node).map(Some).ok_or_else(|| self.wrong(path, &node, "a number"))
    }

    /// Takes true or false.
    pub(super) fn flag(&mut self, path: &[&str]) -> Result<Option<bool>, Failure> {
        match self.take(path) {
            None => Ok(None),
            Some(Node::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.wrong(path, &other, "true or false")),
        }
    }

    /// The names of the entries of the table at `path`.
    pub(super) fn names(&self, path: &str) -> Vec<String> {
        let Node::Table(entries) = &self.root else { return Vec::new() };
        match entries.iter().find(|(key, _)| key == path) {
            Some((_, Node::Table(entries))) => {
                entries.iter().map(|(name, _)| name.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A source of the entries of one table, for messages under `name`.
    pub(super) fn of(&self, name: &str, root: Node) -> Self {
        Self { name: format!("{}: {name}", self.name), root }
    }

    /// What nobody has taken: paths, each with its value.
    pub(super) fn left(&self) -> Vec<(String, String)> {
        let mut left = Vec::new();
        flatten(&self.root, String::new(), &mut left);
        left
    }
}

/// The number that a node is, or spells.
pub(super) fn number_of(node: &Node) -> Option<f64> {
    let number = match node {
        #[expect(clippy::cast_precision_loss, reason = "no setting has more than 52 bits")]
        Node::Integer(number) => *number as f64,
        Node::Float(number) => *number,
        Node::Text(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn flatten(node: &Node, path: String, left: &mut Vec<(String, String)>) {
    match node {
        Node::Table(entries) if !entries.is_empty() || path.is_empty() => {
            for (key, node) in entries {
                let joint = if path.is_empty() { "" } else { "." };
                flatten(node, format!("{path}{joint}{key}"), left);
            }
        }
        // A table of which all was taken.
        Node::Table(_) => {}
        _ => left.push((path, node.to_string())),
    }
}

fn of_item(item: &Item) -> Node {
    match item {
        Item::None => Node::Nothing,
        Item::Value(value) => of_value(value),
        Item::Table(table) => {
            Node::Table(table.iter().map(|(key, item)| (key.to_owned(), of_item(item))).collect())
        }
        Item::ArrayOfTables(tables) => {
            let of_table = |table: &toml_edit::Table| of_item(&Item::Table(table.clone()));
            Node::List(tables.iter().map(of_table).collect())
        }
    }
}

fn of_value(value: &Value) -> Node {
    match value {
        Value::String(text) => Node::Text(text.value().clone()),
        Value::Integer(number) => Node::Integer(*number.value()),
        Value::Float(number) => Node::Float(*number.value()),
        Value::Boolean(flag) => Node::Bool(*flag.value()),
        Value::Datetime(time) => Node::Text(time.value().to_string()),
        Value::Array(items) => Node::List(items.iter().map(of_value).collect()),
        Value::InlineTable(table) => Node::Table(
            table.iter().map(|(key, value)| (key.to_owned(), of_value(value))).collect(),
        ),
    }
}

fn of_yaml(yaml: &Yaml<'_>) -> Node {
    match yaml {
        Yaml::Value(Scalar::Boolean(flag)) => Node::Bool(*flag),
        Yaml::Value(Scalar::Integer(number)) => Node::Integer(*number),
        Yaml::Value(Scalar::FloatingPoint(number)) => Node::Float(number.into_inner()),
        Yaml::Value(Scalar::String(text)) | Yaml::Representation(text, ..) => {
            Node::Text(text.to_string())
        }
        Yaml::Sequence(items) => Node::List(items.iter().map(of_yaml).collect()),
        Yaml::Mapping(entries) => {
            let name = |key: &Yaml<'_>| match of_yaml(key) {
                Node::Text(text) => text,
                other => other.to_string(),
            };
            merged(entries.iter().map(|(key, it)| (name(key), of_yaml(it))).collect())
        }
        Yaml::Tagged(_, inner) => of_yaml(inner),
        Yaml::Value(Scalar::Null) | Yaml::Alias(_) | Yaml::BadValue => Node::Nothing,
    }
}

/// A table with the entries of those that `<<` names, which YAML 1.1 knows and its users use.
fn merged(entries: Vec<(String, Node)>) -> Node {
    let (merges, mut entries): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|(key, _)| key == "<<");
    let tables = merges.into_iter().flat_map(|(_, node)| match node {
        Node::List(nodes) => nodes,
        node => vec![node],
    });
    for table in tables {
        let Node::Table(more) = table else { continue };
        for (key, node) in more {
            if entries.iter().all(|(known, _)| *known != key) {
                entries.push((key, node));
            }
        }
    }
    Node::Table(entries)
}

impl fmt::Display for Node {
    /// On one line, as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("null"),
            Self::Bool(flag) => flag.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) => f.write_str(&super::draft::quoted(text)),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Table(entries) => {
                let entries: Vec<_> =
                    entries.iter().map(|(key, node)| format!("{key}: {node}")).collect();
                write!(f, "{{{}}}", entries.join(", "))
            }
        }
    }
}
