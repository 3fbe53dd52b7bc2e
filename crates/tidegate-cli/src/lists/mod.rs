//! `tidegate allow` and `tidegate deny`: the lists of a configuration, in the file itself or in
//! files that it includes.

mod array;
mod place;

use serde::Serialize;
use tidegate::address::Network;

use self::place::Lists;
use crate::{
    configuration::ConfigArgs,
    exit::{Exit, Failure},
    output::Output,
    shown,
    table::Table,
};

/// What to do with a list.
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    Add(ChangeArgs),
    Remove(ChangeArgs),
    List(ShowArgs),
}

/// Change the list: in the first file that it includes, or else in the configuration itself.
#[derive(clap::Args)]
struct ChangeArgs {
    /// Addresses and networks, such as `192.0.2.1` or `2001:db8::/32`.
    #[arg(required = true, value_name = "NETWORK", value_parser = network)]
    networks: Vec<Network>,

    #[command(flatten)]
    config: ConfigArgs,
}

/// Show the list.
#[derive(clap::Args)]
struct ShowArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

/// What became of one network.
#[derive(Serialize)]
struct Outcome {
    network: String,
    /// False when it was on the list already, or was not on it.
    changed: bool,
    /// The file that has it, or had it.
    file: Option<String>,
}

#[derive(Serialize)]
struct Entry {
    network: String,
    file: String,
}

pub(crate) fn run(list: &'static str, args: &ListArgs, output: &Output) -> Result<Exit, Failure> {
    match &args.action {
        Action::Add(args) => add(list, args, output),
        Action::Remove(args) => remove(list, args, output),
        Action::List(args) => show(list, args, output),
    }
}

fn network(text: &str) -> Result<Network, String> {
    text.parse().map_err(|error: tidegate::address::NetworkError| error.to_string())
}

fn add(list: &'static str, args: &ChangeArgs, output: &Output) -> Result<Exit, Failure> {
    let mut lists = Lists::open(list, &args.config.path()?)?;
    let mut changed = Vec::new();
    for network in &args.networks {
        let there = lists.find(*network);
        let is_new = there.is_none();
        let file = match there {
            Some(file) => file,
            None => lists.add(*network)?,
        };
        changed.push(Outcome { network: network.to_string(), changed: is_new, file: Some(file) });
    }
    lists.write()?;
    tell(&changed, output, |it, file| {
        let when = if it.changed { "now" } else { "already" };
        format!("{} is on the list `{list}` {when}, in {file}", it.network)
    })?;
    Ok(Exit::Success)
}

fn remove(list: &'static str, args: &ChangeArgs, output: &Output) -> Result<Exit, Failure> {
    let mut lists = Lists::open(list, &args.config.path()?)?;
    let mut changed = Vec::new();
    for network in &args.networks {
        let file = lists.remove(*network)?;
        let network = network.to_string();
        changed.push(Outcome { network, changed: file.is_some(), file });
    }
    lists.write()?;
    tell(&changed, output, |it, file| {
        if it.changed {
            format!("{} is off the list `{list}`, which had it in {file}", it.network)
        } else {
            format!("{} is not on the list `{list}`", it.network)
        }
    })?;
    let is_missing = changed.iter().any(|it| !it.changed);
    Ok(if is_missing { Exit::NotFound } else { Exit::Success })
}

fn tell(
    changed: &[Outcome],
    output: &Output,
    line: impl Fn(&Outcome, &str) -> String,
) -> Result<(), Failure> {
    if output.json {
        return output.json(&changed);
    }
    let lines = changed.iter().map(|it| line(it, it.file.as_deref().unwrap_or_default()) + "\n");
    output.text(&lines.collect::<Vec<_>>().concat())
}

fn show(list: &'static str, args: &ShowArgs, output: &Output) -> Result<Exit, Failure> {
    let lists = Lists::open(list, &args.config.path()?)?;
    let entries: Vec<Entry> = lists
        .entries()
        .map(|(word, file)| Entry { network: word.to_owned(), file: file.to_owned() })
        .collect();
    if output.json {
        output.json(&entries)?;
        return Ok(Exit::Success);
    }
    let mut table = Table::new(&["network", "file"]);
    for entry in &entries {
        table.row([shown::plain(&entry.network), entry.file.clone()]);
    }
    output.text(&table.text())?;
    Ok(Exit::Success)
}
