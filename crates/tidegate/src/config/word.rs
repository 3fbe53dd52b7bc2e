//! Values that are written as text and mean more: limits, keys, times, networks.
//!
//! A [`Word`] knows how to read itself; [`One`] and [`Many`] make fields of it, which keep the
//! text as it was written beside what it means.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, SeqAccess, Visitor},
};

use super::include::Comment;

/// What a text can mean.
pub(super) trait Word: Sized {
    /// What the JSON schema calls it.
    const NAME: &'static str;
    /// What is right, as the end of "expected …".
    const EXPECTED: &'static str;
    /// Some that are right, for the JSON schema.
    const EXAMPLES: &'static [&'static str];
    /// All that are right, when there are few; in no order that matters.
    const CHOICES: fn() -> Vec<&'static str> = Vec::new;
    /// Whether a number is right too.
    const TAKES_NUMBERS: bool = false;

    /// Where a comment begins behind it, in a file of them.
    const COMMENT: Comment = Comment::Anywhere;

    /// Reads it.
    fn read(text: &str) -> Result<Self, String>;
}

/// A field with one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct One<T> {
    text: String,
    value: T,
}

/// A field with one word, or a list of them; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Many<T>(Vec<One<T>>);

impl<T> One<T> {
    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means.
    #[must_use]
    pub const fn value(&self) -> &T {
        &self.value
    }
}

impl<T> Many<T> {
    /// Each, in the order of the file.
    #[must_use]
    pub fn as_slice(&self) -> &[One<T>] {
        &self.0
    }

    /// What each means.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.iter().map(One::value)
    }

    /// As each was written.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(One::text)
    }
}

struct Reading<T>(PhantomData<T>);

impl<T: Word> Visitor<'_> for Reading<T> {
    type Value = One<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<One<T>, E> {
        let value = T::read(text).map_err(E::custom)?;
        Ok(One { text: text.to_owned(), value })
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<One<T>, E> {
        if !T::TAKES_NUMBERS {
            return Err(E::invalid_type(serde::de::Unexpected::Signed(number), &self));
        }
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<One<T>, E> {
        if !T::TAKES_NUMBERS {
            return Err(E::invalid_type(serde::de::Unexpected::Float(number), &self));
        }
        self.visit_str(&number.to_string())
    }
}

impl<'de, T: Word> Deserialize<'de> for One<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reading(PhantomData))
    }
}

struct ReadingMany<T>(PhantomData<T>);

impl<'de, T: Word> Visitor<'de> for ReadingMany<T> {
    type Value = Many<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, or a list of these", T::EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Many<T>, E> {
        Ok(Many(vec![Reading(PhantomData).visit_str(text)?]))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Many<T>, E> {
        Ok(Many(vec![Reading(PhantomData).visit_i64(number)?]))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Many<T>, E> {
        Ok(Many(vec![Reading(PhantomData).visit_f64(number)?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Many<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        if all.is_empty() {
            return Err(A::Error::custom(format_args!(
                "the list is empty; expected at least one of {}",
                T::EXPECTED
            )));
        }
        Ok(Many(all))
    }
}

impl<'de, T: Word> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // What takes a list where one is meant, and one thing where there is only one.
        from.deserialize_seq(ReadingMany(PhantomData))
    }
}

impl<T> Serialize for One<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<T> Serialize for Many<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [one] => one.serialize(to),
            all => all.serialize(to),
        }
    }
}

impl<T: Word> JsonSchema for One<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let types = if T::TAKES_NUMBERS { &["string", "number"][..] } else { &["string"] };
        let choices = T::CHOICES();
        if choices.is_empty() {
            return json_schema!({ "type": types, "examples": T::EXAMPLES });
        }
        json_schema!({ "type": types, "enum": choices })
    }
}

impl<T: Word> JsonSchema for Many<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}List", T::NAME).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<One<T>>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}
