//! `tidegate bench`: how fast this machine checks.

mod measure;

use std::{path::PathBuf, time::Duration};

use tidegate_core::algorithm::Kind;

use self::measure::{Load, Measured};
use crate::{
    exit::{Exit, Failure},
    output::Output,
    store::{self, StoreUrl},
    table::Table,
    words,
};

/// Measure checks per second and their latency on this machine, per store and algorithm.
///
/// A server is asked for every check, and counts under the rule `tidegate-bench` for a second.
#[derive(clap::Args)]
pub(crate) struct BenchArgs {
    /// A store to measure; may be given several times. Without any, memory:// and a shared file of
    /// this program's own.
    #[arg(long, value_name = "URL")]
    store: Vec<String>,

    /// An algorithm to measure; may be given several times. Without any, all.
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    algorithm: Vec<Kind>,

    /// For how long to measure each.
    #[arg(long, default_value = "1", value_parser = words::seconds)]
    seconds: Duration,

    /// How many threads check at once.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,

    /// How many keys are checked.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    keys: u32,
}

fn algorithm(text: &str) -> Result<Kind, String> {
    let all = Kind::ALL.map(Kind::name).join(", ");
    let found = Kind::ALL.into_iter().find(|kind| kind.name() == text);
    found.ok_or_else(|| format!("there is no algorithm `{text}`; there are {all}"))
}

pub(crate) fn run(args: &BenchArgs, output: &Output) -> Result<Exit, Failure> {
    let own = own_table();
    let own_url = format!("shared://{}?replace=true", own.display());
    let urls = match args.store.as_slice() {
        [] => vec!["memory://".to_owned(), own_url.clone()],
        given => given.to_vec(),
    };
    let all = Kind::ALL.to_vec();
    let kinds = if args.algorithm.is_empty() { &all } else { &args.algorithm };
    let load = Load { time: args.seconds, threads: args.threads.into(), keys: args.keys };
    let mut measured = Vec::new();
    for url in urls.iter().map(|url| StoreUrl::new(url)) {
        // A denial that is remembered would be measured instead of the server.
        let asked = if url.is_remote() { url.with("recheck", "0s") } else { url.clone() };
        let store = store::open(&asked)?;
        let is_own = url.secret() == own_url;
        if is_own {
            // Mapped, it is there for us; and nobody has to clean up, whatever ends this program.
            let _ = std::fs::remove_file(&own);
        }
        let name = if is_own { "shared://".to_owned() } else { url.masked() };
        for kind in kinds {
            measured.push(measure::measure(&name, &store, *kind, &load)?);
        }
    }
    if output.json {
        output.json(&measured)?;
    } else {
        output.text(&text(&measured, &load))?;
    }
    Ok(Exit::Success)
}

fn text(measured: &[Measured], load: &Load) -> String {
    let mut table =
        Table::new(&["store", "algorithm", ">checks/s", ">median", ">99 %", ">99.9 %", ">longest"]);
    for it in measured {
        let Some(speed) = &it.speed else {
            let cells = [it.store.clone(), it.algorithm.into(), "not there".into()];
            let [store, algorithm, rate] = cells;
            let none = || "-".to_owned();
            table.row([store, algorithm, rate, none(), none(), none(), none()]);
            continue;
        };
        table.row([
            it.store.clone(),
            it.algorithm.to_owned(),
            format!("{:.0}", speed.checks_per_second),
            nanos(speed.median),
            nanos(speed.p99),
            nanos(speed.p999),
            nanos(speed.longest),
        ]);
    }
    let build = if cfg!(debug_assertions) { "; this is a debug build, which is slow" } else { "" };
    format!(
        "{}\n{} for {:?} each, {} keys{build}\n",
        table.text(),
        if load.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", load.threads) },
        load.time,
        load.keys
    )
}

/// A short time in the unit that fits.
fn nanos(seconds: f64) -> String {
    match seconds {
        short if short < 1e-6 => format!("{:.0} ns", short * 1e9),
        short if short < 1e-3 => format!("{:.1} us", short * 1e6),
        short => format!("{:.2} ms", short * 1e3),
    }
}

/// The path of a shared table of this program's own.
fn own_table() -> PathBuf {
    PathBuf::from(format!("/dev/shm/tidegate-bench-{}", std::process::id()))
}
