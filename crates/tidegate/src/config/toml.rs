//! From TOML to the tree.

use std::sync::Arc;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    problem::{Problem, Problems},
    tree::{Entry, MOST_DEPTH, Node, Path, Place, Value},
};

/// The most mistakes of notation that are told; what follows the first ones is rarely meant.
const MOST: usize = 5;

/// Reads a document.
///
/// # Errors
///
/// [`Problems`] with the place of each mistake.
pub(super) fn parse(text: &str, file: &Arc<str>) -> Result<Node, Problems> {
    let reader = Reader { lines: Lines::new(text), file };
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mut told: Vec<_> = errors
            .iter()
            .map(|error| {
                let at = error.span().map_or(0, |span| span.start);
                Problem::at(&reader.place(at), "", format!("not TOML: {}", error.message().trim()))
            })
            .collect();
        told.dedup_by_key(|problem| problem.line);
        return Err(told.into_iter().take(MOST).collect());
    }
    let place = reader.place(0);
    let value = reader.table(table.get_ref(), &Path::default())?;
    Ok(Node { value, place })
}

struct Reader<'t> {
    lines: Lines<'t>,
    file: &'t Arc<str>,
}

impl Reader<'_> {
    fn place(&self, at: usize) -> Place {
        let (line, column) = self.lines.find(at);
        Place { file: Arc::clone(self.file), line, column }
    }

    fn table(&self, table: &DeTable<'_>, path: &Path) -> Result<Value, Problem> {
        let mut entries = table
            .iter()
            .map(|(key, value)| {
                let name = key.get_ref().as_ref();
                Ok(Entry {
                    key: name.to_owned(),
                    place: self.place(key.span().start),
                    node: self.node(value, &path.key(name))?,
                })
            })
            .collect::<Result<Vec<_>, Problem>>()?;
        entries.sort_by_key(|entry| (entry.place.line, entry.place.column));
        Ok(Value::Table(entries))
    }

    fn node(&self, value: &Spanned<DeValue<'_>>, path: &Path) -> Result<Node, Problem> {
        let place = self.place(value.span().start);
        if path.0.len() > MOST_DEPTH {
            return Err(Problem::at(&place, "", "values are nested too deep"));
        }
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.as_ref().to_owned()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Integer(number) => {
                let digits = number.as_str();
                let Ok(number) = i64::from_str_radix(digits, number.radix()) else {
                    let message = format!("`{digits}` does not fit in 64 bits");
                    return Err(Problem::at(&place, path.to_string(), message));
                };
                Value::Integer(number)
            }
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Array(items) => Value::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.node(item, &path.index(index)))
                    .collect::<Result<_, _>>()?,
            ),
            DeValue::Table(table) => self.table(table, path)?,
        };
        Ok(Node { value, place })
    }
}

/// Where lines begin, to find the line of a byte.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// Line and column of the byte at `at`, both from 1; columns in characters.
    fn find(&self, at: usize) -> (usize, usize) {
        let at = at.min(self.text.len());
        let line = self.starts.partition_point(|&start| start <= at);
        let start = self.starts[line - 1];
        let before = self.text.get(start..at).map_or(at - start, |text| text.chars().count());
        (line, before + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, Problems> {
        parse(text, &"t.toml".into())
    }

    #[test]
    fn values_know_where_they_stand() {
        let tree = read("a = 1\n[[rules]]\n  name = \"é\" # c\n  \"é\" = [1.5, true]\n").unwrap();

        let place = |node: &Node| (node.place.line, node.place.column);
        let path = Path::default().key("rules").index(0);
        assert_eq!(place(tree.nearest(&Path::default().key("a"))), (1, 5));
        assert_eq!(place(tree.nearest(&path.key("name"))), (3, 10));
        assert_eq!(place(tree.nearest(&path.key("é").index(1))), (4, 15));
        assert_eq!(tree.nearest(&path.key("é").index(1)).value.shown(), "`true`");
    }

    #[test]
    fn mistakes_of_notation_have_a_place() {
        for (text, place) in [
            ("a = 1\nb = = 2\n", "t.toml:2:5: "),
            ("a = 1\na = 2\n", "t.toml:2:1: "),
            ("x = \"open\n", "t.toml:1:"),
            ("[t\n", "t.toml:1:"),
            ("a = 99999999999999999999\n", "t.toml:1:5: a: "),
        ] {
            let told = read(text).unwrap_err().to_string();
            assert!(told.starts_with(place), "{text:?}: {told}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        for depth in [MOST_DEPTH + 2, 10_000] {
            let text = format!("a = {}{}", "[".repeat(depth), "]".repeat(depth));
            assert!(read(&text).is_err());
        }
    }
}
