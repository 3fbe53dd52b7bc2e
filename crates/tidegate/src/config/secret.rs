//! Values that may be secret, and need not stand in the file.

use std::{borrow::Cow, fmt, fs, path::Path};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
    ser::SerializeMap,
};

use crate::url::masked_store_url;

/// The longest file that a secret is read from, in bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// A store's URL, or where it is to be read from.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Secret {
    /// The text itself.
    Text(String),
    /// What an environment variable holds.
    Variable(String),
    /// What a file holds, without the white space around it.
    File(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    env: Option<String>,
    file: Option<String>,
}

impl Secret {
    /// The text, from wherever it is; a relative path is one from `folder`.
    pub(super) fn read(
        &self,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Variable(name) => match variable(name) {
                Some(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
                Some(_) => Err(format!("the environment variable `{name}` is empty")),
                None => Err(format!("there is no environment variable `{name}`")),
            },
            Self::File(path) => {
                let path = folder.join(path);
                let wrong = |why: String| format!("cannot read `{}`: {why}", path.display());
                let size = fs::metadata(&path).map_err(|error| wrong(error.to_string()))?.len();
                if size > MOST_BYTES {
                    return Err(wrong(format!("it has more than {MOST_BYTES} bytes")));
                }
                let text = fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
                match text.trim() {
                    "" => Err(wrong("it is empty".to_owned())),
                    text => Ok(text.to_owned()),
                }
            }
        }
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::Text("memory://".to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(&masked_store_url(text)).finish(),
            Self::Variable(name) => f.debug_tuple("Variable").field(name).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

impl Serialize for Secret {
    /// As it was written, with what may be a password masked.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (key, value) = match self {
            Self::Text(text) => return to.serialize_str(&masked_store_url(text)),
            Self::Variable(name) => ("env", name),
            Self::File(path) => ("file", path),
        };
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry(key, value)?;
        map.end()
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL, { env = \"VARIABLE\" } or { file = \"PATH\" }")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Secret, A::Error> {
        match Elsewhere::deserialize(MapAccessDeserializer::new(map))? {
            Elsewhere { env: Some(name), file: None } => Ok(Secret::Variable(name)),
            Elsewhere { env: None, file: Some(path) } => Ok(Secret::File(path)),
            _ => Err(A::Error::custom("expected either `env` or `file` in it")),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reading)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "StoreUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |name: &str| {
            json_schema!({
                "type": "object",
                "properties": { name: { "type": "string" } },
                "required": [name],
                "additionalProperties": false
            })
        };
        json_schema!({
            "anyOf": [
                { "type": "string", "examples": ["memory://", "redis://127.0.0.1:6379/0"] },
                one("env"),
                one("file"),
            ]
        })
    }
}
