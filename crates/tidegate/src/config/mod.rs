//! Configuration files, in TOML or YAML: one schema, and mistakes with their place.
//!
//! A file is read into a tree whose values know where they stand, whatever the notation; what
//! environment variables say is laid over it; serde makes the schema's types of it, and those
//! make rules. Nothing that is wrong with a file is told without its line.
//!
//! Knows no requests, and opens no store before it is asked to.

mod build;
mod decode;
mod environment;
mod include;
mod lists;
mod loaded;
mod problem;
mod reference;
mod reload;
mod schema;
mod secret;
mod toml;
mod tree;
mod warn;
mod word;
mod words;
mod yaml;

pub use self::{
    include::{Item, ListFile, Listing},
    loaded::{Format, Loaded, load, parse},
    problem::{Problem, Problems},
    reference::{json_schema, reference, template},
    reload::Watch,
    schema::{AdminConfig, Apply, Config, MatchConfig, Mode, RuleConfig},
    secret::Secret,
    word::{Many, One},
    words::{
        FilePath, HeaderWord, KeyWord, LimitWord, Name, NetworkWord, Pattern, ProxyWord, Time,
    },
};
