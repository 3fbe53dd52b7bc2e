//! What a store knows, gathered.

use std::{
    collections::{BTreeMap, HashSet},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use tidegate::{Clock as _, Health, Page, RemoteStore, SharedOptions, SharedStore, SystemClock};

use crate::{
    exit::Failure,
    store::{self, StoreUrl, probe::Probe},
};

/// How many counters a page is asked for.
const PAGE: u32 = 1_000;

/// How often a server is asked, to see how long it takes.
const LOOKS: usize = 20;

/// What a store knows. Times are in seconds.
#[derive(Serialize)]
pub(super) struct StoreStats {
    /// The store's URL, secrets masked.
    pub(super) store: String,
    /// When this was gathered, since 1970.
    pub(super) time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) table: Option<TableStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<ServerStats>,
}

/// A table in a shared file.
#[derive(Serialize)]
pub(super) struct TableStats {
    /// Keys that fit.
    pub(super) capacity: usize,
    /// Keys that are not back to full quota; in a large table, estimated.
    pub(super) live: usize,
}

/// A server, as it answers us.
#[derive(Serialize)]
pub(super) struct ServerStats {
    pub(super) health: &'static str,
    pub(super) first_answer: f64,
    pub(super) median_answer: f64,
    pub(super) slowest_answer: f64,
    pub(super) server_time: f64,
    pub(super) clock_ahead: f64,
    /// Counters of all rules: one for each key and limit.
    pub(super) counters: usize,
    /// Whether all counters were read.
    pub(super) complete: bool,
    pub(super) rules: Vec<RuleStats>,
}

/// What is counted under one name.
#[derive(Serialize)]
pub(super) struct RuleStats {
    pub(super) rule: String,
    pub(super) keys: usize,
    pub(super) counters: usize,
}

pub(super) fn gather(url: &StoreUrl, most: usize) -> Result<StoreStats, Failure> {
    let store = store::open_existing(url)?;
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let mut stats = StoreStats { store: url.masked(), time, table: None, server: None };
    if let Some(path) = url.shared_file() {
        let options = SharedOptions { capacity: None, replace: false };
        let table = SharedStore::open(&path, options).map_err(tidegate::Error::from)?;
        let known = table.stats(SystemClock.now());
        stats.table = Some(TableStats { capacity: known.capacity, live: known.live });
    }
    if let (Some(remote), Some(probe)) = (store.remote(), Probe::take(&store, LOOKS)?) {
        stats.server = Some(server(remote, &probe, most)?);
    }
    Ok(stats)
}

fn server(remote: &dyn RemoteStore, probe: &Probe, most: usize) -> Result<ServerStats, Failure> {
    let mut rules: BTreeMap<String, (HashSet<_>, HashSet<_>)> = BTreeMap::new();
    let mut page = Page { rule: None, prefix: String::new(), after: None, size: PAGE };
    let (mut counters, mut complete) = (0, true);
    loop {
        let listed = remote.list(&page)?;
        for (rule, tag, subject) in listed.counters {
            let (keys, tagged) = rules.entry(rule).or_default();
            keys.insert(subject.clone());
            // A counter may come twice.
            counters += usize::from(tagged.insert((tag, subject)));
        }
        match listed.next {
            None => break,
            Some(_) if counters >= most => {
                complete = false;
                break;
            }
            next => page.after = next,
        }
    }
    let rules = rules.into_iter().map(|(rule, (keys, counters))| RuleStats {
        rule,
        keys: keys.len(),
        counters: counters.len(),
    });
    Ok(ServerStats {
        health: match remote.health() {
            Health::Up => "up",
            Health::Down => "down",
        },
        first_answer: probe.first.as_secs_f64(),
        median_answer: probe.median().as_secs_f64(),
        slowest_answer: probe.slowest().as_secs_f64(),
        server_time: probe.server_time,
        clock_ahead: probe.clock_ahead,
        counters,
        complete,
        rules: rules.collect(),
    })
}
