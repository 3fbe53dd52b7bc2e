//! `tidegate monitor`: what a running application refuses, live; or how the keys of a store stand.

mod application;
mod draw;
mod follow;
mod live;
mod state;
mod store;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use clap::Args;
use tidegate_observe::Client;

use self::{application::Application, draw::Look, live::Screen, store::OfStore};
use crate::{
    admin::AdminArgs,
    exit::{Exit, Failure},
    output::Output,
    words,
};

/// How long a worker may take: a person waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shows what a running application refuses, live; through its admin socket.
#[derive(Args)]
pub(crate) struct MonitorArgs {
    #[command(flatten)]
    admin: AdminArgs,

    /// Show a store alone instead: the keys that rules of the configuration count in it, or, without
    /// a configuration, which there are.
    #[arg(long, value_name = "URL", conflicts_with = "admin")]
    store: Option<String>,

    /// Time between two samples.
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = interval)]
    interval: Duration,

    /// Print one screen as text, and end.
    #[arg(long)]
    once: bool,

    /// Columns and rows of that screen.
    #[arg(long, default_value = "80x24", value_name = "SIZE", requires = "once")]
    size: String,

    /// No colours; also without them, everything is told.
    #[arg(long)]
    no_color: bool,
}

pub(crate) fn run(args: &MonitorArgs, output: &Output) -> Result<Exit, Failure> {
    let size = size(&args.size)?;
    if let Some(url) = &args.store {
        let screen = OfStore::open(url, args.admin.config.load_if_any()?.as_ref())?;
        if output.json {
            output.json(screen.sample())?;
            return Ok(Exit::Success);
        }
        return show(screen, args, size, output);
    }
    let place = args.admin.need_path()?;
    let client = Client::new(place.clone()).patience(PATIENCE);
    if output.json {
        output.json(&client.stats()?)?;
        return Ok(Exit::Success);
    }
    let mut screen = Application::open(client, place.display().to_string())?;
    if args.once {
        // Rates are those between two samples.
        std::thread::sleep(args.interval);
        screen.look_anew();
    }
    show(screen, args, size, output)
}

fn show(
    mut screen: impl Screen,
    args: &MonitorArgs,
    size: (u16, u16),
    output: &Output,
) -> Result<Exit, Failure> {
    let look = Look { colours: output.colours && !args.no_color };
    if args.once {
        output.text(&live::text(size, |frame| screen.draw(frame, Look { colours: false })))?;
        return Ok(Exit::Success);
    }
    live::run(&mut screen, args.interval, look)
}

/// A length of time, or a number of seconds.
fn interval(text: &str) -> Result<Duration, String> {
    let time = words::seconds(text).or_else(|_| words::time(text))?;
    let is_right = (Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&time);
    is_right.then_some(time).ok_or_else(|| format!("`{text}` is not from 100ms to 1h"))
}

fn size(text: &str) -> Result<(u16, u16), Failure> {
    let wrong = || {
        let message = format!("--size `{text}`: write COLUMNSxROWS, from 40x12 to 500x200");
        Failure::new(Exit::Usage, message)
    };
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    let (width, height) =
        (width.parse().map_err(|_| wrong())?, height.parse().map_err(|_| wrong())?);
    if !(40..=500).contains(&width) || !(12..=200).contains(&height) {
        return Err(wrong());
    }
    Ok((width, height))
}
