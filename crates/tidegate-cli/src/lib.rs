//! The command line of tidegate: one program, installed by cargo and by the Python package.
//!
//! A library too, so that the Python package can ship the same program. It decides nothing by
//! itself: limits, stores and configuration are those of the crate `tidegate`.

mod admin;
mod bench;
mod check;
mod command;
mod configuration;
mod doctor;
mod exit;
mod files;
mod init;
mod keys;
mod lists;
mod migrate;
mod monitor;
mod output;
mod rules;
mod serve;
mod shell;
mod show;
mod shown;
mod simulate;
mod single;
mod stats;
mod store;
mod table;
mod try_rule;
mod words;

use std::ffi::OsString;

pub use exit::Exit;

/// Runs the program with `arguments`, the first of which is its name; returns its exit status.
///
/// Everything that it has to say goes to the process's standard output and standard error.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    command::run(arguments) as u8
}
