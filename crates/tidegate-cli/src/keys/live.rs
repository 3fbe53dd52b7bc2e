//! Keys as a running application counts them, asked through its admin socket: the only way to counts
//! that live in its workers.

use std::path::PathBuf;

use serde::Serialize;
use tidegate::address::Resolver;
use tidegate_observe::{Answer, Client, Error, Held, Question, RuleCount, Stats};

use super::{
    PlaceArgs,
    inspect::{COLUMNS, cells, remarks},
};
use crate::{
    exit::{Exit, Failure},
    output::Output,
    rules, shown,
    store::StoreUrl,
    table::Table,
};

/// A running application.
pub(super) struct Application {
    client: Client,
    stats: Stats,
    resolver: Resolver,
    rule: Option<String>,
}

/// How a key stands with a limit, in one worker.
#[derive(Serialize)]
struct Standing {
    /// The worker's process.
    worker: u32,
    #[serde(flatten)]
    held: Held,
}

/// A key, and what was seen of it.
#[derive(Serialize)]
struct Listed {
    rule: String,
    key: String,
    /// `null` when the store was asked, which does not count requests.
    requests: Option<u64>,
    refused: Option<u64>,
}

impl Application {
    /// The application that is meant: the one whose socket is given, or, when counts live in its
    /// workers alone, the one whose socket is configured.
    pub(super) fn find(args: &PlaceArgs) -> Result<Option<Self>, Failure> {
        let is_elsewhere = args.store.store.is_some() || !args.rules.limit.is_empty();
        if args.admin.is_none() && is_elsewhere {
            return Ok(None);
        }
        let loaded = args.store.config.load_if_any()?;
        let configured = loaded.as_ref().and_then(|loaded| {
            let is_memory = StoreUrl::new(loaded.store_url()).scheme() == "memory";
            let admin = loaded.config.admin.as_ref().filter(|_| is_memory)?;
            Some(PathBuf::from(admin.socket.text()))
        });
        let Some(socket) = args.admin.clone().or(configured) else { return Ok(None) };
        let client = Client::new(socket);
        let stats = client.stats()?;
        let resolver = match loaded {
            Some(loaded) => rules::resolver(&loaded)?,
            None => Resolver::default(),
        };
        Ok(Some(Self { client, stats, resolver, rule: args.rules.rule.clone() }))
    }

    /// The rules that are asked about, of those that are in force.
    fn rules(&self) -> Result<Vec<&RuleCount>, Failure> {
        let in_force = || self.stats.rules.iter().filter(|rule| !rule.limit.is_empty());
        let Some(name) = &self.rule else { return Ok(in_force().collect()) };
        let names: Vec<&str> = in_force().map(|rule| rule.rule.as_str()).collect();
        let found = in_force().find(|rule| rule.rule == *name);
        found.map(|rule| vec![rule]).ok_or_else(|| rules::missing(name, &names))
    }

    /// What is counted when somebody types `text`.
    fn key(&self, rule: &RuleCount, text: &str) -> String {
        let bytes = rules::subject(rule.key == "ip", &self.resolver, text);
        tidegate::subject_text(&bytes).into_owned()
    }

    pub(super) fn inspect(&self, text: &str, output: &Output) -> Result<Exit, Failure> {
        let mut standings = Vec::new();
        for rule in self.rules()? {
            let (rule, key) = (rule.rule.clone(), self.key(rule, text));
            let question = Question::Inspect { rule, key };
            for mut worker in self.client.workers()? {
                if let Answer::Inspect { limits } = worker.ask(&question)? {
                    let standing = |held| Standing { worker: worker.pid, held };
                    standings.extend(limits.into_iter().map(standing));
                }
            }
        }
        if output.json {
            output.json(&standings)?;
        } else {
            let mut table = Table::new(&[&[">worker"], &COLUMNS[..]].concat());
            for Standing { worker, held } in &standings {
                table.row([&[worker.to_string()], &cells(held)[..]].concat());
            }
            let held = standings.iter().map(|it| &it.held);
            output.text(&(table.text() + &remarks(held)))?;
        }
        Ok(Exit::Success)
    }

    pub(super) fn reset(&self, text: &str, output: &Output) -> Result<Exit, Failure> {
        let mut done = Vec::new();
        for rule in self.rules()? {
            let (rule, key) = (rule.rule.clone(), self.key(rule, text));
            let workers =
                self.client.ask(&Question::Reset { rule: rule.clone(), key: key.clone() })?.len();
            done.push((rule, key, workers));
        }
        if output.json {
            let row = |(rule, key, workers): &(String, String, usize)| serde_json::json!({ "rule": rule, "key": key, "workers": workers });
            output.json(&done.iter().map(row).collect::<Vec<_>>())?;
            return Ok(Exit::Success);
        }
        for (rule, key, workers) in done {
            let key = shown::plain(&key);
            output.text(&format!("{rule}: {key} begins anew, workers told: {workers}\n"))?;
        }
        Ok(Exit::Success)
    }

    pub(super) fn list(&self, prefix: &str, most: usize, output: &Output) -> Result<Exit, Failure> {
        let rules: Vec<String> = self.rules()?.iter().map(|rule| rule.rule.clone()).collect();
        let (mut listed, is_of_store) = self.listed(prefix, most)?;
        listed.retain(|it| rules.contains(&it.rule) && it.key.starts_with(prefix));
        listed.truncate(most);
        if output.json {
            output.json(&listed)?;
            return Ok(Exit::Success);
        }
        let mut table = Table::new(&["rule", "key", ">requests", ">refused"]);
        let number = |number: Option<u64>| number.map_or("-".to_owned(), |it| it.to_string());
        for it in &listed {
            let key = shown::plain(&it.key);
            table.row([it.rule.clone(), key, number(it.requests), number(it.refused)]);
        }
        output.text(&table.text())?;
        if !is_of_store {
            output.text("\nthe store keeps no text of keys: these are the busiest alone\n")?;
        }
        Ok(Exit::Success)
    }

    /// The keys that the store lists, or else the busiest; and whether it was the store.
    fn listed(&self, prefix: &str, most: usize) -> Result<(Vec<Listed>, bool), Failure> {
        let question = Question::Keys { prefix: prefix.to_owned(), limit: most };
        let mut workers = self.client.workers()?;
        let asked = workers.first_mut().map(|worker| worker.ask(&question));
        match asked {
            Some(Ok(Answer::Keys { keys })) => {
                let of = |rule, key| Listed { rule, key, requests: None, refused: None };
                Ok((keys.into_iter().map(|it| of(it.rule, it.key)).collect(), true))
            }
            Some(Err(error)) if !matches!(error, Error::Refused { .. }) => Err(error.into()),
            _ => {
                let busy = self.stats.keys.iter().map(|it| Listed {
                    rule: it.rule.clone(),
                    key: it.key.clone(),
                    requests: Some(it.requests),
                    refused: Some(it.refused),
                });
                Ok((busy.collect(), false))
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error {
            Error::Path { .. } | Error::Occupied { .. } => Exit::Config,
            _ => Exit::Unavailable,
        };
        Self::new(exit, error.to_string())
    }
}
