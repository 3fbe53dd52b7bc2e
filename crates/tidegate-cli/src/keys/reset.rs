//! `tidegate keys reset`: letting a key begin anew.

use serde::Serialize;

use super::{PlaceArgs, live::Application, rules::Place};
use crate::{
    exit::{Exit, Failure},
    output::Output,
    shown,
};

/// Let a key begin anew, with full quota and without a block.
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
    if output.json {
        output.json(&done)?;
        return Ok(Exit::Success);
    }
    for Reset { rule, key } in &done {
        output.text(&format!("{rule}: {key} begins anew\n"))?;
    }
    if place.url.is_remote() {
        let recheck = place.url.option("recheck").unwrap_or_else(|| "1s".to_owned());
        output.text(&format!(
            "a process that has just been told of a refusal may go on refusing for {recheck} (recheck)\n"
        ))?;
    }
    Ok(Exit::Success)
}
