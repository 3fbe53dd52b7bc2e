//! The store: that it suits the workers and the rules, and that it answers in time.

use std::{sync::Arc, time::Duration};

use tidegate::{
    Clock as _, SharedOptions, SharedStore, Store, SystemClock, config::Loaded, open_store,
};

use super::{finding::Findings, postgres, redis, workers::Workers};
use crate::{
    shown,
    store::{StoreUrl, chain, probe::Probe},
};

const ABOUT: &str = "store";

/// How often a server is asked.
const LOOKS: usize = 50;

/// What a URL that says nothing has for a timeout.
const USUAL_TIMEOUT: Duration = Duration::from_millis(50);

/// How far clocks may be apart, in seconds, before it is worth a word.
pub(super) const CLOCKS_APART: f64 = 1.0;

pub(super) fn look(
    url: &StoreUrl,
    loaded: Option<&Loaded>,
    workers: Option<&Workers>,
    findings: &mut Findings,
) {
    match url.scheme() {
        "memory" => memory(workers, findings),
        "shared" => shared(url, findings),
        _ => server(url, findings),
    }
    if url.shared_file().is_some_and(|path| !path.exists()) {
        // Opening it would make it.
        return;
    }
    if let (Some(loaded), Ok(store)) = (loaded, open_store(url.with_no_side_effects().secret())) {
        supports(&store, loaded, findings);
    }
}

fn memory(workers: Option<&Workers>, findings: &mut Findings) {
    match workers {
        Some(Workers { number, source }) if *number > 1 => findings.problem(
            ABOUT,
            format!(
                "memory:// counts in each process by itself, and there are {number} workers \
                 ({source}): limits are up to {number} times what they say"
            ),
            "let them share a store: store = \"shared://NAME\" on one host, redis:// or \
             postgresql:// on several",
        ),
        Some(_) => findings.ok(ABOUT, "memory:// with one worker"),
        None => findings.warn(
            ABOUT,
            "memory:// counts in each process by itself, and it is not known how many workers \
             there are",
            "give --workers NUMBER, or --command with what serves the application",
        ),
    }
}

fn shared(url: &StoreUrl, findings: &mut Findings) {
    let Some(path) = url.shared_file() else { return };
    if !path.exists() {
        let message = format!("{} is not there yet: no application has made it", path.display());
        findings.skip(ABOUT, message);
        return;
    }
    let options = SharedOptions { capacity: None, replace: false };
    match SharedStore::open(&path, options) {
        Err(error) => findings.problem(
            ABOUT,
            chain(&error),
            "run this as the user that the application runs as, or mend what it says",
        ),
        Ok(table) => {
            let stats = table.stats(SystemClock.now());
            let (live, capacity) = (stats.live, stats.capacity);
            if live * 10 >= capacity * 9 {
                findings.warn(
                    ABOUT,
                    format!("{live} of {capacity} keys are in use: soon keys are forgotten early"),
                    "give the URL a larger ?capacity=, with replace=true once",
                );
            } else {
                findings.ok(ABOUT, format!("{} has {live} of {capacity} keys", path.display()));
            }
        }
    }
}

fn server(url: &StoreUrl, findings: &mut Findings) {
    if url.is_postgres() {
        if !postgres::look(url, findings) {
            return;
        }
    } else {
        redis::look(url, findings);
    }
    let timeout = url
        .option("timeout")
        .and_then(|text| crate::words::time(&text).ok())
        .unwrap_or(USUAL_TIMEOUT);
    // Patiently, so that what is too slow is told as that.
    let patient = url.with_no_side_effects().with("timeout", "10s");
    let probe = open_store(patient.secret())
        .map_err(Into::into)
        .and_then(|store| Probe::take(&store, LOOKS));
    match probe {
        Ok(Some(probe)) => answers(&probe, timeout, findings),
        Ok(None) => {}
        Err(failure) => findings.problem(
            ABOUT,
            failure.message,
            "until it answers, on_store_error decides: open admits all, closed refuses all, local \
             lets each process count by itself",
        ),
    }
}

fn answers(probe: &Probe, timeout: Duration, findings: &mut Findings) {
    let (median, slowest) = (probe.median(), probe.slowest());
    let times = format!(
        "half of {} answers came within {}, the slowest took {}, of a timeout of {}",
        probe.trips.len(),
        shown::time(median),
        shown::time(slowest),
        shown::time(timeout)
    );
    if median * 2 > timeout {
        let advice = "raise timeout= in the store's URL, or bring the store nearer";
        findings.problem(ABOUT, times, advice);
    } else if slowest * 2 > timeout || probe.first > timeout {
        let advice = format!(
            "now and then on_store_error decides; the first answer, with connecting, took {}",
            shown::time(probe.first)
        );
        findings.warn(ABOUT, times, advice);
    } else {
        findings.ok(ABOUT, times);
    }
    let apart = probe.clock_ahead;
    if apart.abs() > CLOCKS_APART {
        findings.warn(
            "clock",
            format!(
                "the server's clock is {:.1} s {} ours",
                apart.abs(),
                if apart > 0.0 { "ahead of" } else { "behind" }
            ),
            "the server's clock decides; times in header fields and calendar periods are off by \
             that: run NTP on both",
        );
    } else {
        findings.ok("clock", format!("the server's is {apart:+.3} s from ours"));
    }
}

/// Whether the store can count every rule.
fn supports(store: &Arc<dyn Store>, loaded: &Loaded, findings: &mut Findings) {
    for rule in loaded.rules() {
        let wrong = rule.limits().iter().find_map(|limit| Some((limit, store.refuses(limit)?)));
        if let Some((limit, reason)) = wrong {
            findings.problem(
                "rules",
                format!(
                    "rule `{}` has the limit {limit}, which the store cannot count",
                    rule.name()
                ),
                reason,
            );
        }
    }
}
