//! `tidegate keys list`: which keys a store counts.

use serde::Serialize;
use tidegate::{CountedKey, Error, Subject};

use super::{PlaceArgs, live::Application, rules::Place};
use crate::{
    exit::{Exit, Failure},
    output::Output,
    shown,
    table::Table,
};

/// List the keys that a store counts, by rule and key.
#[derive(clap::Args)]
pub(super) struct ListArgs {
    /// Only keys that begin with this.
    #[arg(default_value = "", hide_default_value = true)]
    prefix: String,

    /// The most keys to list.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    most: usize,

    #[command(flatten)]
    place: PlaceArgs,
}

/// One key of one rule, as the binding limit has it. Times are in seconds.
#[derive(Serialize)]
struct Counted {
    rule: String,
    /// `null` for a key that was too long to be kept as text.
    key: Option<String>,
    /// The digest of such a key, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    allowed: Option<bool>,
    limit: Option<u32>,
    remaining: Option<u32>,
    retry_after: Option<f64>,
    reset_after: Option<f64>,
}

pub(super) fn run(args: &ListArgs, output: &Output) -> Result<Exit, Failure> {
    if let Some(application) = Application::find(&args.place)? {
        return application.list(&args.prefix, args.most, output);
    }
    let place = Place::open(&args.place)?;
    let prefix = shown::key_bytes(&args.prefix);
    let mut keys: Vec<CountedKey> = Vec::new();
    for rule in &place.rules {
        if rule.limits().as_slice().is_empty() {
            continue;
        }
        // One more than asked for tells whether there are more.
        let most = args.most.saturating_add(1).saturating_sub(keys.len());
        keys.extend(place.gate(rule)?.keys(&prefix, most).map_err(no_list)?);
    }
    let is_cut = keys.len() > args.most;
    keys.truncate(args.most);
    let counted: Vec<Counted> = keys.iter().map(Counted::new).collect();
    if output.json {
        output.json(&counted)?;
        return Ok(Exit::Success);
    }
    output.text(&table(&keys, &counted).text())?;
    if is_cut {
        output.text(&format!("\nthere are more than {}; see --most\n", args.most))?;
    }
    Ok(Exit::Success)
}

fn no_list(error: Error) -> Failure {
    match error {
        Error::NoList { store } => Failure::new(
            Exit::Usage,
            format!(
                "a {store} store cannot list its keys: it keeps digests of them, and no text; look at one by `tidegate keys inspect KEY`, or count in a server"
            ),
        ),
        error => error.into(),
    }
}

impl Counted {
    fn new(counted: &CountedKey) -> Self {
        let (key, digest) = match &counted.subject {
            Subject::Plain(subject) => (Some(shown::key(subject)), None),
            Subject::Digest(digest) => {
                (None, Some(format!("{:032x}", u128::from_be_bytes(*digest))))
            }
        };
        let decision = counted.decision.as_ref();
        Self {
            rule: counted.rule.clone(),
            key,
            digest,
            allowed: decision.map(|decision| decision.allowed),
            limit: decision.map(|decision| decision.limit),
            remaining: decision.map(|decision| decision.remaining),
            retry_after: decision.and_then(|it| it.retry_after).map(shown::seconds),
            reset_after: decision.map(|it| shown::seconds(it.reset_after)),
        }
    }
}

fn table(keys: &[CountedKey], counted: &[Counted]) -> Table {
    let mut table =
        Table::new(&["rule", "key", ">remaining", ">of", ">retry after", ">reset after"]);
    for (it, counted) in keys.iter().zip(counted) {
        let number = |value: Option<u32>| value.map_or("?".to_owned(), |it| it.to_string());
        let decision = it.decision.as_ref();
        let digest = || format!("(digest {})", counted.digest.as_deref().unwrap_or_default());
        table.row([
            counted.rule.clone(),
            counted.key.clone().unwrap_or_else(digest),
            number(counted.remaining),
            number(counted.limit),
            decision.and_then(|it| it.retry_after).map_or("-".to_owned(), shown::time),
            decision.map_or("?".to_owned(), |it| shown::time(it.reset_after)),
        ]);
    }
    table
}
