//! From YAML to the tree.
//!
//! YAML 1.2 with its core schema, so that `no` and `on` are text. Anchors and aliases are
//! followed, within bounds; several documents, tags of one's own and keys that are not text are
//! refused.

use std::{collections::HashMap, sync::Arc};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{
    problem::{Problem, Problems},
    tree::{Entry, MOST_DEPTH, Node, Path, Place, Value, shorten},
};

/// The most values that aliases may add up to: ten lines of aliases can mean billions.
const MOST_VALUES: usize = 100_000;

/// Reads a document. An empty one is a table without entries.
///
/// # Errors
///
/// [`Problems`] with the place of the first mistake.
pub(super) fn parse(text: &str, file: &Arc<str>) -> Result<Node, Problems> {
    let parser = Parser::new_from_str(text);
    let mut reader = Reader { parser, file, anchors: HashMap::new(), values: 0 };
    Ok(reader.document()?)
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    file: &'t Arc<str>,
    anchors: HashMap<usize, Node>,
    /// Values made so far.
    values: usize,
}

impl<'t> Reader<'t> {
    fn document(&mut self) -> Result<Node, Problem> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                _ if root.is_some() => {
                    return Err(
                        self.wrong(span.start, "one document is expected, and here is another")
                    );
                }
                event => root = Some(self.node(event, span, &Path::default())?),
            }
        }
        let start = Place { file: Arc::clone(self.file), line: 1, column: 1 };
        Ok(match root {
            None => Node { value: Value::Table(Vec::new()), place: start },
            Some(Node { value: Value::Null, place }) => {
                Node { value: Value::Table(Vec::new()), place }
            }
            Some(node) => node,
        })
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(self.not_yaml(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, path: &Path) -> Result<Node, Problem> {
        if path.0.len() > MOST_DEPTH {
            return Err(self.wrong(span.start, "values are nested too deep"));
        }
        self.count(1, span.start)?;
        let place = self.place(span.start);
        let (anchor, value) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span.start),
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, self.scalar(&text, style, tag.as_deref(), span.start)?)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "seq", span.start)?;
                (anchor, self.list(path)?)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "map", span.start)?;
                (anchor, self.table(path)?)
            }
            _ => return Err(self.wrong(span.start, "a value is expected")),
        };
        let node = Node { value, place };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, path: &Path) -> Result<Value, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::List(items));
            }
            items.push(self.node(event, span, &path.index(items.len()))?);
        }
    }

    fn table(&mut self, path: &Path) -> Result<Value, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Table(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(self.wrong(span.start, "a key must be text")),
            };
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let message = format!(
                    "`{}` stands here twice; first in line {}",
                    shorten(&key),
                    first.place.line
                );
                return Err(Problem::at(
                    &self.place(span.start),
                    path.key(&key).to_string(),
                    message,
                ));
            }
            let (event, value_span) = self.next()?;
            let mut node = self.node(event, value_span, &path.key(&key))?;
            let place = self.place(span.start);
            if matches!(node.value, Value::Null) {
                // A value that is not there has no place of its own.
                node.place = place.clone();
            }
            entries.push(Entry { key, place, node });
        }
    }

    fn alias(&mut self, anchor: usize, at: Marker) -> Result<Node, Problem> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(self.wrong(at, "an alias cannot stand inside of what it means"));
        };
        self.count(size(&node), at)?;
        Ok(node)
    }

    fn count(&mut self, more: usize, at: Marker) -> Result<(), Problem> {
        self.values += more;
        if self.values > MOST_VALUES {
            return Err(self.wrong(at, format!("more than {MOST_VALUES} values")));
        }
        Ok(())
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        at: Marker,
    ) -> Result<Value, Problem> {
        match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => {
                return Ok(Value::Text(text.to_owned()));
            }
            tag => self.refuse_tag(tag, "str", at)?,
        }
        if style != ScalarStyle::Plain {
            return Ok(Value::Text(text.to_owned()));
        }
        plain(text).ok_or_else(|| self.wrong(at, format!("`{text}` does not fit in 64 bits")))
    }

    fn refuse_tag(&self, tag: Option<&Tag>, known: &str, at: Marker) -> Result<(), Problem> {
        match tag {
            Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == known) => Err(self
                .wrong(at, format!("the tag `{}` means nothing here", shorten(&tag.to_string())))),
            _ => Ok(()),
        }
    }

    fn place(&self, at: Marker) -> Place {
        Place { file: Arc::clone(self.file), line: at.line(), column: at.col() + 1 }
    }

    fn wrong(&self, at: Marker, message: impl Into<String>) -> Problem {
        Problem::at(&self.place(at), "", message)
    }

    fn not_yaml(&self, error: &ScanError) -> Problem {
        self.wrong(*error.marker(), format!("not YAML: {}", error.info()))
    }
}

/// A scalar without quotes by YAML's core schema; none for a number that fits nowhere.
fn plain(text: &str) -> Option<Value> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Value::Integer(text.parse().ok()?)
        }
        _ if is_float(digits) => Value::Float(text.parse().ok()?),
        _ => Value::Text(text.to_owned()),
    })
}

/// Whether text is a number with a point or an exponent. Rust's own reading would also take `inf`.
fn is_float(digits: &str) -> bool {
    digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && digits.parse::<f64>().is_ok()
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Table(entries) => 1 + entries.iter().map(|entry| size(&entry.node)).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, Problems> {
        parse(text, &"t.yaml".into())
    }

    fn at(tree: &Node, path: &Path) -> (usize, usize, String) {
        let node = tree.nearest(path);
        (node.place.line, node.place.column, node.value.shown())
    }

    #[test]
    fn values_know_where_they_stand() {
        let tree = read("a: 1\nrules:\n  - name: é\n    é: [1.5, no]\n").unwrap();

        let path = Path::default().key("rules").index(0);
        assert_eq!(at(&tree, &Path::default().key("a")), (1, 4, "`1`".to_owned()));
        assert_eq!(at(&tree, &path.key("name")), (3, 11, "`é`".to_owned()));
        assert_eq!(at(&tree, &path.key("é").index(1)), (4, 14, "`no`".to_owned()));
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let kind = |value: &Value| match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Integer(_) => "integer",
            Value::Float(_) => "float",
            Value::Text(_) => "text",
            _ => "other",
        };
        for (text, expected) in [
            ("~", "null"),
            ("True", "bool"),
            ("yes", "text"),
            ("007", "integer"),
            ("1e3", "float"),
            (".5", "float"),
            (".", "text"),
            ("1-2", "text"),
            ("10.0.0.1", "text"),
            ("5/5m", "text"),
            ("'1'", "text"),
            ("!!str 1", "text"),
            ("inf", "text"),
        ] {
            let tree = read(&format!("a: {text}\n")).unwrap();
            assert_eq!(kind(&tree.entries()[0].node.value), expected, "{text}");
        }
    }

    #[test]
    fn aliases_are_followed_but_not_for_ever() {
        let tree = read("a: &x [1, 2]\nb: *x\n").unwrap();
        assert_eq!(at(&tree, &Path::default().key("b").index(1)).2, "`2`");

        let mut bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
        for level in 1..20 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(",");
            bomb = format!("{bomb}a{level}: &a{level} [{aliases}]\n");
        }
        assert!(read(&bomb).unwrap_err().to_string().contains("more than"));
    }

    #[test]
    fn mistakes_have_a_place() {
        for (text, place) in [
            ("a: 1\na: 2\n", "t.yaml:2:1: a: "),
            ("a: [1\n", "t.yaml:"),
            ("a: 1\n---\nb: 2\n", "t.yaml:3:1: "),
            ("a: !mine 1\n", "t.yaml:1:"),
            ("? [x]\n: 1\n", "t.yaml:1:3: "),
            ("a: *nobody\n", "t.yaml:1:"),
            ("a: 99999999999999999999\n", "t.yaml:1:4: "),
            ("a: \"open\n", "t.yaml:"),
        ] {
            let told = read(text).unwrap_err().to_string();
            assert!(told.starts_with(place), "{text:?}: {told}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        for depth in [MOST_DEPTH + 2, 10_000] {
            let text = format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
            assert!(read(&text).is_err());
        }
    }
}
