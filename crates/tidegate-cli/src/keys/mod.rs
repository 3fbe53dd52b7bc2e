//! `tidegate keys`: who is counted in a store, how they stand, and letting them begin anew.

mod inspect;
mod list;
mod live;
mod reset;
mod rules;

use std::path::PathBuf;

use self::rules::RuleArgs;
use crate::{
    exit::{Exit, Failure},
    output::Output,
    store::StoreArgs,
};

/// Look at the keys that a store counts, and let one of them begin anew.
#[derive(clap::Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(clap::Subcommand)]
enum KeysCommand {
    List(list::ListArgs),
    Inspect(inspect::InspectArgs),
    Reset(reset::ResetArgs),
}

/// What a command on keys is about.
#[derive(clap::Args)]
struct PlaceArgs {
    #[command(flatten)]
    rules: RuleArgs,

    /// Ask a running application through its admin socket: `socket` of `[admin]` in its
    /// configuration. Taken from there when the application counts in memory.
    #[arg(long, value_name = "SOCKET", conflicts_with_all = ["store", "limit"])]
    admin: Option<PathBuf>,

    #[command(flatten)]
    store: StoreArgs,
}

pub(crate) fn run(args: &KeysArgs, output: &Output) -> Result<Exit, Failure> {
    match &args.command {
        KeysCommand::List(args) => list::run(args, output),
        KeysCommand::Inspect(args) => inspect::run(args, output),
        KeysCommand::Reset(args) => reset::run(args, output),
    }
}
