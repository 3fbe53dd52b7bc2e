//! Lists that stand in the file, in files of their own, or in both.

use std::{borrow::Cow, fmt, fs, marker::PhantomData, path::Path, path::PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    problem::Problem,
    tree::{Place, shorten},
    word::{One, Word},
};

/// The longest list file, in bytes: about four million addresses.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Words, and files that hold more of them, in any order.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent, bound = "")]
pub struct Listing<T>(Vec<Item<T>>);

/// One entry of a list.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged, bound = "")]
#[non_exhaustive]
pub enum Item<T> {
    /// A word.
    Word(One<T>),
    /// A file with a word on each line; empty lines and comments, behind a `#`, are left out.
    File(ListFile),
}

/// A file that a list includes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListFile {
    /// The file's path, from the folder of the configuration.
    pub file: String,
}

impl<T> Listing<T> {
    /// The entries, in the order of the file.
    #[must_use]
    pub fn as_slice(&self) -> &[Item<T>] {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Where a comment begins in a list file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comment {
    /// At any `#`.
    Anywhere,
    /// At a `#` that a word does not have in it: one at the begin of the line, or behind a space.
    BehindSpace,
}

impl Comment {
    /// The line without its comment.
    fn cut(self, line: &str) -> &str {
        let begins = |at: usize| match self {
            Self::Anywhere => true,
            Self::BehindSpace => line[..at].chars().next_back().is_none_or(char::is_whitespace),
        };
        let end = line.match_indices('#').map(|(at, _)| at).find(|at| begins(*at));
        &line[..end.unwrap_or(line.len())]
    }
}

/// What `read` makes of the words of a list file; it tells of each that is none.
pub(super) fn read_file<R>(
    path: &Path,
    comment: Comment,
    read: &impl Fn(&str) -> Result<R, String>,
) -> Result<Vec<R>, Vec<Problem>> {
    let name = path.display().to_string();
    let whole = |message: String| vec![Problem::of_file(&name, message)];
    let cannot = |error: std::io::Error| whole(format!("cannot read this list: {error}"));
    if fs::metadata(path).map_err(cannot)?.len() > MOST_BYTES {
        return Err(whole(format!("this list has more than {MOST_BYTES} bytes")));
    }
    let text = fs::read_to_string(path).map_err(cannot)?;
    let (mut words, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let word = comment.cut(line).trim();
        if word.is_empty() {
            continue;
        }
        match read(word) {
            Ok(word) => words.push(word),
            Err(message) => {
                let column = line.chars().take_while(|c| c.is_whitespace()).count() + 1;
                let place = Place { file: name.as_str().into(), line: number + 1, column };
                problems.push(Problem::at(&place, shorten(word), message));
            }
        }
    }
    if problems.is_empty() { Ok(words) } else { Err(problems) }
}

/// The path of a list file as the configuration in `folder` means it.
pub(super) fn path_of(folder: &Path, file: &ListFile) -> PathBuf {
    folder.join(&file.file)
}

struct Reading<T>(PhantomData<T>);

impl<'de, T: Word> Visitor<'de> for Reading<T> {
    type Value = Listing<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {} and {{ file = \"PATH\" }}", T::EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Listing<T>, E> {
        let item = Item::deserialize(serde::de::value::StrDeserializer::new(text))?;
        Ok(Listing(vec![item]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Listing<T>, A::Error> {
        let file = ListFile::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Listing(vec![Item::File(file)]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Listing<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Listing(items))
    }
}

impl<'de, T: Word> Deserialize<'de> for Listing<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Reading(PhantomData))
    }
}

struct ReadingItem<T>(PhantomData<T>);

impl<'de, T: Word> Visitor<'de> for ReadingItem<T> {
    type Value = Item<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, or {{ file = \"PATH\" }}", T::EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Item<T>, E> {
        One::deserialize(serde::de::value::StrDeserializer::new(text)).map(Item::Word)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Item<T>, E> {
        Err(E::invalid_type(serde::de::Unexpected::Signed(number), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item<T>, A::Error> {
        let file = ListFile::deserialize(MapAccessDeserializer::new(map))?;
        if file.file.is_empty() {
            return Err(A::Error::custom("`file` is empty; expected the path of a list"));
        }
        Ok(Item::File(file))
    }
}

impl<'de, T: Word> Deserialize<'de> for Item<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ReadingItem(PhantomData))
    }
}

impl<T: Word> JsonSchema for Listing<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Listing", T::NAME).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<One<T>>();
        let file = generator.subschema_for::<ListFile>();
        let item = json_schema!({ "anyOf": [one, file] });
        json_schema!({ "anyOf": [one, file, { "type": "array", "items": item }] })
    }
}
