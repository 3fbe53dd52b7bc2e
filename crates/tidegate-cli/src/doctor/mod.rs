//! `tidegate doctor`: what is wrong with a deployment, and how to mend it.
//!
//! Each module looks at one part and reports what it finds; none changes anything.

mod address;
mod configuration;
mod files;
mod finding;
mod postgres;
mod proxies;
mod redis;
mod routes;
mod store;
mod workers;

use std::path::PathBuf;

use self::finding::{Findings, Level};
use crate::{
    exit::{Exit, Failure},
    output::Output,
    store::StoreArgs,
};

/// Audit a deployment, and say how to mend what is wrong. Changes nothing.
#[derive(clap::Args)]
pub(crate) struct DoctorArgs {
    /// How many workers serve the application; without it, what `WEB_CONCURRENCY`,
    /// `GUNICORN_CMD_ARGS`, `UVICORN_WORKERS` and --command say.
    #[arg(long, value_name = "NUMBER")]
    workers: Option<u32>,

    /// The command that serves the application, such as "gunicorn -w 4 app:app".
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,

    /// The application server's own access log, to hold `trusted_proxies` against.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Only show, step by step, how the client's address is found of a request from this peer.
    #[arg(long, value_name = "PEER")]
    explain_address: Option<String>,

    /// The value of the forwarding header field of that request; may be given once for each line.
    #[arg(long, value_name = "VALUE", requires = "explain_address")]
    forwarded: Vec<String>,

    /// Take a warning for a problem.
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    app: routes::AppArgs,

    #[command(flatten)]
    store: StoreArgs,
}

pub(crate) fn run(args: &DoctorArgs, output: &Output) -> Result<Exit, Failure> {
    if let Some(peer) = &args.explain_address {
        return address::explain(&args.store.config, peer, &args.forwarded, output);
    }
    let mut findings = Findings::default();
    let loaded = configuration::look(&args.store, &mut findings);
    let workers = workers::count(args.workers, args.command.as_deref());
    match (args.store.url(loaded.as_ref()), &loaded) {
        (Ok(url), loaded) => store::look(&url, loaded.as_ref(), workers.as_ref(), &mut findings),
        // The configuration's own problem, which has been told.
        (Err(_), _) => findings.skip("store", "not looked at: it is not known which one it is"),
    }
    if let Some(loaded) = &loaded {
        proxies::look(loaded, args.log.as_deref(), &mut findings)?;
    }
    routes::look(&args.app, &mut findings);
    if output.json {
        output.json(&findings)?;
    } else {
        output.text(&findings.text(output))?;
    }
    let worst = findings.worst();
    let is_found = worst == Level::Problem || args.strict && worst == Level::Warning;
    Ok(if is_found { Exit::Found } else { Exit::Success })
}
