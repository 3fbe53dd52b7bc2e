//! From the tree to the schema's types, and from what serde complains of to a place.

use std::{fmt, ops::ControlFlow};

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error as _, Expected, IntoDeserializer, MapAccess,
        SeqAccess, Unexpected, Visitor, value::StrDeserializer,
    },
    forward_to_deserialize_any,
};
use tidegate_core::grammar::closest;

use super::{
    problem::{Problem, Problems},
    tree::{Entry, Node, Path, Place, Step, Value, shorten},
};

/// The most mistakes that are told at once.
const MOST: usize = 50;

/// Reads `T` from `tree`. After a mistake it goes on without what is wrong, to find the others.
///
/// # Errors
///
/// [`Problems`], each with its place.
pub(super) fn decode<T: DeserializeOwned>(mut tree: Node) -> Result<T, Problems> {
    let mut problems = Vec::new();
    // What was left out because it is wrong; what is wrong then because it is not there is no
    // mistake of its own.
    let mut left_out: Vec<Path> = Vec::new();
    while problems.len() < MOST {
        let wrong = match T::deserialize(Decoder { node: &tree, path: Path::default() }) {
            Ok(value) if problems.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(wrong) => wrong,
        };
        let (path, place) = wrong.at.unwrap_or_else(|| (Path::default(), tree.place.clone()));
        if !left_out.iter().any(|it| it.0.starts_with(&path.0)) {
            problems.push(Problem::at(&place, path.to_string(), wrong.message));
        }
        if leave_out(&mut tree, path, &mut left_out).is_break() {
            break;
        }
    }
    Err(problems.into_iter().collect())
}

/// Takes what stands at `path` out, or, where nothing does, what it is missing from.
fn leave_out(tree: &mut Node, mut path: Path, left_out: &mut Vec<Path>) -> ControlFlow<()> {
    loop {
        if tree.remove(&path) {
            left_out.push(path);
            return ControlFlow::Continue(());
        }
        if path.0.pop().is_none() || path.0.is_empty() {
            return ControlFlow::Break(());
        }
    }
}

/// A complaint, and what it is about once that is known.
#[derive(Debug)]
struct Wrong {
    at: Option<(Path, Place)>,
    message: String,
    /// The field that is not there, of what the complaint is about.
    missing: Option<&'static str>,
}

impl Wrong {
    fn or_at(mut self, path: &Path, place: &Place) -> Self {
        self.at.get_or_insert_with(|| {
            let path = self.missing.map_or_else(|| path.clone(), |field| path.key(field));
            (path, place.clone())
        });
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}

impl serde::de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { at: None, message: message.to_string(), missing: None }
    }

    fn invalid_type(got: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("{} is given; expected {}", given(&got), wanted(expected)))
    }

    fn invalid_value(got: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(got, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("there is no such field; {}", among(field, expected)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("`{}` is given; {}", shorten(variant), among(variant, expected)))
    }

    fn missing_field(field: &'static str) -> Self {
        let wrong = Self::custom(format_args!("the field `{field}` is missing"));
        Self { missing: Some(field), ..wrong }
    }
}

/// The nearest of the known words, and all of them.
pub(super) fn among(word: &str, known: &[&str]) -> String {
    let all = known.join("`, `");
    match closest(word, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`? There are `{all}`"),
        None => format!("there are `{all}`"),
    }
}

/// What serde calls a type, in the words of who writes a file.
fn wanted(expected: &dyn Expected) -> String {
    let words = expected.to_string();
    match words.as_str() {
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "a boolean" => "true or false".to_owned(),
        "a string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        _ if words.starts_with("struct ") => "a table".to_owned(),
        _ if words.starts_with("enum ") => "one of its names, as text".to_owned(),
        _ => words,
    }
}

fn given(got: &Unexpected<'_>) -> String {
    match got {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(value) => format!("`{value}`"),
        Unexpected::Signed(value) => format!("`{value}`"),
        Unexpected::Float(value) => format!("`{value}`"),
        Unexpected::Str(text) => format!("`{}`", shorten(text)),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

struct Decoder<'n> {
    node: &'n Node,
    path: Path,
}

impl Decoder<'_> {
    /// Reads, and says where it was when something was wrong.
    fn visit<T>(self, read: impl FnOnce(&Self) -> Result<T, Wrong>) -> Result<T, Wrong> {
        read(&self).map_err(|wrong| wrong.or_at(&self.path, &self.node.place))
    }

    fn plain<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::Null | Value::LeftOut => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) | Value::Variable(text) => visitor.visit_str(text),
            Value::Date(_) => Err(Wrong::invalid_type(Unexpected::Other("a date"), &visitor)),
            Value::List(items) => {
                visitor.visit_seq(Items { nodes: items, path: &self.path, next: 0 })
            }
            Value::Table(entries) => {
                visitor.visit_map(Entries { rest: entries, path: &self.path, value: None })
            }
        }
    }

    /// What a variable says, where a number or a truth is meant.
    fn number<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::Variable(text) => match text.trim().parse() {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => visitor.visit_str(text),
            },
            _ => self.plain(visitor),
        }
    }

    fn truth<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::Variable(text) => match text.trim() {
                "true" | "1" => visitor.visit_bool(true),
                "false" | "0" => visitor.visit_bool(false),
                _ => visitor.visit_str(text),
            },
            _ => self.plain(visitor),
        }
    }
}

impl<'de> Deserializer<'de> for Decoder<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.visit(|it| it.plain(visitor))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.visit(|it| it.truth(visitor))
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.visit(|it| it.number(visitor))
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.visit(|it| it.number(visitor))
    }

    /// A variable's list has commas between its items.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.visit(|it| match &it.node.value {
            Value::Variable(text) if pieces(text).nth(1).is_some() => {
                let pieces = pieces(text).map(|piece| Node {
                    value: Value::Variable(piece.trim().to_owned()),
                    place: it.node.place.clone(),
                });
                let items: Vec<_> = pieces.collect();
                visitor.visit_seq(Items { nodes: &items, path: &it.path, next: 0 })
            }
            _ => it.plain(visitor),
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        // A field that is there says something: `block:` with nothing behind it is a mistake.
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.visit(|it| match &it.node.value {
            Value::Text(text) | Value::Variable(text) => {
                visitor.visit_enum(text.as_str().into_deserializer())
            }
            other => Err(Wrong::custom(format_args!(
                "{} is given; expected one of `{}`",
                other.shown(),
                names.join("`, `"),
            ))),
        })
    }

    /// Serde would take a list too, with the fields in their order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.visit(|it| match &it.node.value {
            Value::List(_) => Err(Wrong::invalid_type(Unexpected::Seq, &visitor)),
            _ => it.plain(visitor),
        })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u16 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct map identifier ignored_any
    }
}

/// The items of a list.
struct Items<'n> {
    nodes: &'n [Node],
    path: &'n Path,
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        while matches!(self.nodes.get(self.next), Some(Node { value: Value::LeftOut, .. })) {
            self.next += 1;
        }
        let Some(node) = self.nodes.get(self.next) else { return Ok(None) };
        let path = self.path.index(self.next);
        self.next += 1;
        seed.deserialize(Decoder { node, path }).map(Some)
    }
}

/// The entries of a table.
struct Entries<'n> {
    rest: &'n [Entry],
    path: &'n Path,
    value: Option<&'n Entry>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some((entry, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        self.value = Some(entry);
        let key: StrDeserializer<'_, Wrong> = entry.key.as_str().into_deserializer();
        let path = self.path.with(Step::Key(entry.key.clone()));
        seed.deserialize(key).map(Some).map_err(|wrong| wrong.or_at(&path, &entry.place))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let Some(entry) = self.value.take() else {
            return Err(Wrong::custom("a value was asked for before its key"));
        };
        let path = self.path.with(Step::Key(entry.key.clone()));
        seed.deserialize(Decoder { node: &entry.node, path })
    }
}

/// The items of a list in one line of text: commas separate, but not between braces.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |character| {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    })
}
