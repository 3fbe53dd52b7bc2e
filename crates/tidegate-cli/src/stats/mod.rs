//! `tidegate stats`: what a store knows of itself and of what it counts.

mod export;
mod gather;

use std::path::PathBuf;

use self::gather::StoreStats;
use crate::{
    exit::{Exit, Failure},
    files,
    output::Output,
    shown,
    store::StoreArgs,
    table::Table,
};

/// Show what a store holds, and how it answers.
#[derive(clap::Args)]
pub(crate) struct StatsArgs {
    /// Write to this file instead; its ending tells the form, .json or .csv.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,

    /// The most counters to read; when there are more, the numbers say that they are not whole.
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000)]
    most: usize,

    #[command(flatten)]
    store: StoreArgs,
}

pub(crate) fn run(args: &StatsArgs, output: &Output) -> Result<Exit, Failure> {
    let write = args.export.as_deref().map(export::writer).transpose()?;
    let stats = gather::gather(&args.store.url(None)?, args.most)?;
    if let (Some(path), Some(write)) = (&args.export, write) {
        files::replace(path, &write(&stats)?)?;
        if !output.json {
            output.text(&format!("wrote {}\n", path.display()))?;
        }
        return Ok(Exit::Success);
    }
    if output.json {
        output.json(&stats)?;
    } else {
        output.text(&text(&stats))?;
    }
    Ok(Exit::Success)
}

fn text(stats: &StoreStats) -> String {
    let mut facts = Table::new(&["store", &stats.store]);
    if let Some(table) = &stats.table {
        facts.row(["room for keys".into(), table.capacity.to_string()]);
        facts.row(["keys not at full quota".into(), table.live.to_string()]);
    }
    let Some(server) = &stats.server else { return facts.text() };
    facts.row(["health".into(), server.health.into()]);
    let milliseconds = |seconds: f64| format!("{:.2} ms", seconds * 1000.0);
    facts.row(["first answer".into(), milliseconds(server.first_answer)]);
    facts.row(["median answer".into(), milliseconds(server.median_answer)]);
    facts.row(["slowest answer".into(), milliseconds(server.slowest_answer)]);
    facts.row(["clock ahead of ours".into(), format!("{:.3} s", server.clock_ahead)]);
    facts.row(["counters".into(), at_least(server.counters, server.complete)]);
    let mut rules = Table::new(&["rule", ">keys", ">counters"]);
    for rule in &server.rules {
        let name = shown::plain(&rule.rule);
        rules.row([name, rule.keys.to_string(), rule.counters.to_string()]);
    }
    let rules = if server.rules.is_empty() { String::new() } else { rules.text() };
    format!("{}\n{rules}", facts.text())
}

fn at_least(number: usize, is_all: bool) -> String {
    if is_all { number.to_string() } else { format!("more than {number}; see --most") }
}
