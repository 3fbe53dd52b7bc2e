//! `tidegate migrate`: the schema in PostgreSQL, for those who do not let applications make it.

use serde::Serialize;
use tidegate::RemoteError;

use crate::{
    exit::{Exit, Failure},
    output::Output,
    store::{self, StoreArgs, StoreUrl},
};

/// Make the schema in PostgreSQL that a store counts in, or bring it up to date.
#[derive(clap::Args)]
pub(crate) struct MigrateArgs {
    /// Print the SQL instead of running it. It may be run again.
    #[arg(long)]
    print: bool,

    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Serialize)]
struct Migrated {
    store: String,
    schema: String,
    /// False when it was there already.
    changed: bool,
}

pub(crate) fn run(args: &MigrateArgs, output: &Output) -> Result<Exit, Failure> {
    let url = args.store.url(None)?;
    if !url.is_postgres() {
        let message =
            format!("`{}` needs no schema; give --store postgresql://HOST/DATABASE", url.masked());
        return Err(Failure::new(Exit::Usage, message));
    }
    let schema = url.option("schema").unwrap_or_else(|| "tidegate".to_owned());
    if args.print {
        let unlogged = url.option("unlogged").is_none_or(|value| value != "false");
        output.text(&tidegate::postgres_schema(&schema, unlogged)?)?;
        return Ok(Exit::Success);
    }
    let changed = !is_there(&url)?;
    if changed {
        touch(&url.with("auto_migrate", "true"))?;
    }
    let answer = Migrated { store: url.masked(), schema, changed };
    if output.json {
        output.json(&answer)?;
    } else {
        let what = if changed { "made, or brought up to date" } else { "in place already" };
        output.text(&format!("the schema `{}` is {what}\n", answer.schema))?;
    }
    Ok(Exit::Success)
}

/// Whether the schema is there, and as new as it should be.
///
/// # Errors
///
/// When the server gives no answer.
pub(crate) fn is_there(url: &StoreUrl) -> Result<bool, Failure> {
    let url = url.with("auto_migrate", "false");
    let store = store::open(&url)?;
    let Some(remote) = store.remote() else { return Ok(true) };
    match remote.now() {
        Ok(_) => Ok(true),
        // The one thing that is wrong with a URL that has been read before.
        Err(RemoteError::Setup { reason }) if reason.contains("auto_migrate=false") => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn touch(url: &StoreUrl) -> Result<(), Failure> {
    let store = store::open(url)?;
    if let Some(remote) = store.remote() {
        remote.now()?;
    }
    Ok(())
}
