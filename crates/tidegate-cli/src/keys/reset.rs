//! `tidegate keys reset`: letting a key begin anew.

use std::time::Duration;

use serde::Serialize;

use super::{PlaceArgs, live::Application, rules::Place};
use crate::{
    exit::{Exit, Failure},
    output::Output,
    shown, words,
};

/// Let a key begin anew, with full quota and without a block, from the next request on.
///
/// Processes remember for a while (`recheck`) that a server has refused a key; the command ends when
/// they have forgotten.
#[derive(clap::Args)]
pub(super) struct ResetArgs {
    /// The key, as `keys list` shows it; "" for a rule that counts everybody together.
    key: String,

    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Serialize)]
struct Reset {
    rule: String,
    key: String,
}

pub(super) fn run(args: &ResetArgs, output: &Output) -> Result<Exit, Failure> {
    if let Some(application) = Application::find(&args.place)? {
        return application.reset(&args.key, output);
    }
    let place = Place::open(&args.place)?;
    let mut done = Vec::new();
    for rule in &place.rules {
        let subject = place.subject(rule, &args.key);
        place.gate(rule)?.reset(rule.name(), &subject)?;
        done.push(Reset { rule: rule.name().to_owned(), key: shown::key(&subject) });
    }
    let late = wait(&place);
    if output.json {
        output.json(&done)?;
        return Ok(Exit::Success);
    }
    for Reset { rule, key } in &done {
        output.text(&format!("{rule}: {key} begins anew\n"))?;
    }
    if let Some(recheck) = late {
        let recheck = shown::time(recheck);
        output.text(&format!(
            "a process that was told of a refusal before goes on refusing for up to {recheck} (recheck)\n"
        ))?;
    }
    Ok(Exit::Success)
}

/// Waits until every process has forgotten the refusals that a server had told it of, so that the
/// next request is decided anew. Returns how long they may go on when that is too long to wait.
fn wait(place: &Place) -> Option<Duration> {
    /// As long as processes remember when the URL does not say.
    const USUAL: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(5);
    if !place.url.is_remote() {
        return None;
    }
    let told = place.url.option("recheck").and_then(|text| words::time(&text).ok());
    let recheck = told.unwrap_or(USUAL);
    if recheck > LONGEST {
        return Some(recheck);
    }
    std::thread::sleep(recheck);
    None
}
