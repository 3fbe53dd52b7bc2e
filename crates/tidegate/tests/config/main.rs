//! Configuration files as a whole: what is right loads, what is wrong is told with its place.

#![cfg(all(feature = "config", feature = "redis", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod broken;
mod elsewhere;
mod files;
mod generated;
mod mutated;
mod reload;
mod right;
mod warnings;

use tidegate::config::{Format, Loaded, Problems, parse};

const FULL_TOML: &str = include_str!("valid/full.toml");
const FULL_YAML: &str = include_str!("valid/full.yaml");

fn toml(text: &str) -> Result<Loaded, Problems> {
    parse(text, Format::Toml, "t.toml")
}

fn yaml(text: &str) -> Result<Loaded, Problems> {
    parse(text, Format::Yaml, "t.yaml")
}
