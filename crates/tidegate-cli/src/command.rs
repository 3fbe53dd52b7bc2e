//! The commands by name, and what each is handed to.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::{
    exit::{Exit, Failure},
    output::Output,
};

/// The whole command line.
#[derive(Parser)]
#[command(name = "tidegate", version, about, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Answer in JSON.
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {}

pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            // Nobody is left to tell when this fails.
            let _ = error.print();
            return exit;
        }
    };
    match dispatch(parsed.command, &Output::new(parsed.json)) {
        Ok(exit) => exit,
        Err(failure) => {
            complain(&failure);
            failure.exit
        }
    }
}

fn dispatch(command: Command, _output: &Output) -> Result<Exit, Failure> {
    match command {}
}

fn complain(failure: &Failure) {
    use std::io::Write;
    // Nobody is left to tell when this fails.
    let _ = writeln!(std::io::stderr(), "tidegate: {failure}");
}
