//! `tidegate serve`: what a running application counts, over HTTP.

mod page;
mod server;

use std::{io, net::TcpListener};

use clap::Args;
use serde::Serialize;

use self::page::Pages;
use crate::{
    admin::AdminArgs,
    exit::{Exit, Failure},
    output::Output,
};

/// Serves what a running application counts to Prometheus: /metrics and /healthz.
///
/// Asks all workers through their admin sockets, and adds up; counts do not go back when a worker
/// ends. Runs until it is interrupted. Anybody who can connect may read.
#[derive(Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    admin: AdminArgs,

    /// Address and port to listen at; port 0 for any that is free.
    #[arg(long, default_value = "127.0.0.1:9464", value_name = "ADDRESS")]
    listen: String,
}

#[derive(Serialize)]
struct Serving {
    /// Where metrics are.
    url: String,
    /// The application's socket.
    admin: String,
}

pub(crate) fn run(args: &ServeArgs, output: &Output) -> Result<Exit, Failure> {
    let socket = args.admin.need_path()?;
    let cannot = |error: io::Error| {
        let message = format!("cannot listen at `{}`: {error}", args.listen);
        Failure::new(Exit::Unavailable, message)
    };
    let listener = TcpListener::bind(&args.listen).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => {
            let message = format!(
                "--listen `{}` is no address with a port; expected one such as 127.0.0.1:9464",
                args.listen
            );
            Failure::new(Exit::Usage, message)
        }
        _ => cannot(error),
    })?;
    let address = listener.local_addr().map_err(cannot)?;
    let (url, admin) = (format!("http://{address}/metrics"), socket.display().to_string());
    if output.json {
        output.json(&Serving { url, admin })?;
    } else {
        output.text(&format!("what {admin} counts is at {url}\n"))?;
    }
    server::serve(listener, Pages::new(socket)).map_err(cannot)?;
    Ok(Exit::Success)
}
