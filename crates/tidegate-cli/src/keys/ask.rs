//! Keys that an application counts in its own memory: it is asked, through its admin socket.

use serde::Serialize;
use tidegate_observe::{Answer, Client, Held, Question};

use super::PlaceArgs;
use crate::{
    exit::{Exit, Failure},
    output::Output,
    shown,
    store::StoreUrl,
    table::Table,
};

/// How a key stands in one worker.
#[derive(Serialize)]
struct OfWorker {
    worker: u32,
    #[serde(flatten)]
    held: Held,
}

/// The application to ask, if its socket is named, or its counts are in its memory.
pub(super) fn application(args: &PlaceArgs) -> Result<Option<Client>, Failure> {
    if let Some(path) = &args.admin {
        return Ok(Some(Client::new(path.clone())));
    }
    if args.store.store.is_some() {
        return Ok(None);
    }
    let Some(loaded) = args.store.config.load_if_any()? else { return Ok(None) };
    let is_in_memory = StoreUrl::new(loaded.store_url()).scheme() == "memory";
    let admin = loaded.config.admin.as_ref().filter(|_| is_in_memory);
    Ok(admin.map(|admin| Client::new(admin.socket.text().into())))
}

/// How `key` stands with the rule, or with every rule, in each worker.
pub(super) fn inspect(
    client: &Client,
    rule: Option<&str>,
    key: &str,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    for rule in rules(client, rule)? {
        let question = Question::Inspect { rule, key: key.to_owned() };
        for worker in &mut client.workers()? {
            if let Answer::Inspect(held) = worker.ask(&question)? {
                all.push(OfWorker { worker: worker.pid, held });
            }
        }
    }
    if output.json {
        output.json(&all)?;
        return Ok(Exit::Success);
    }
    let mut table = Table::new(&[
        "rule",
        "key",
        ">worker",
        ">used",
        ">of",
        ">remaining",
        ">retry after",
        ">reset after",
    ]);
    let time =
        |seconds| shown::time(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default());
    for OfWorker { worker, held } in &all {
        table.row([
            held.rule.clone(),
            held.key.clone(),
            worker.to_string(),
            held.used.to_string(),
            held.limit.to_string(),
            held.remaining.to_string(),
            held.retry_after
                .map_or("never".to_owned(), |it| if it > 0.0 { time(it) } else { "-".to_owned() }),
            time(held.reset_after),
        ]);
    }
    output.text(&table.text())?;
    Ok(Exit::Success)
}

/// Lets the rule, or every rule, forget `key`, in every worker.
pub(super) fn reset(
    client: &Client,
    rule: Option<&str>,
    key: &str,
    output: &Output,
) -> Result<Exit, Failure> {
    #[derive(Serialize)]
    struct Reset<'k> {
        rule: String,
        key: &'k str,
    }
    let mut done = Vec::new();
    for rule in rules(client, rule)? {
        client.ask(&Question::Reset { rule: rule.clone(), key: key.to_owned() })?;
        done.push(Reset { rule, key });
    }
    if output.json {
        output.json(&done)?;
        return Ok(Exit::Success);
    }
    for Reset { rule, key } in &done {
        output.text(&format!("{rule}: {key} begins anew\n"))?;
    }
    Ok(Exit::Success)
}

fn rules(client: &Client, rule: Option<&str>) -> Result<Vec<String>, Failure> {
    if let Some(rule) = rule {
        return Ok(vec![rule.to_owned()]);
    }
    let stats = client.stats()?;
    Ok(stats.rules.into_iter().filter(|it| !it.limit.is_empty()).map(|it| it.rule).collect())
}

impl From<tidegate_observe::Error> for Failure {
    fn from(error: tidegate_observe::Error) -> Self {
        let exit = match error {
            tidegate_observe::Error::Refused { .. } => Exit::NotFound,
            tidegate_observe::Error::Path { .. } => Exit::Usage,
            _ => Exit::Unavailable,
        };
        Self::new(exit, error.to_string())
    }
}
