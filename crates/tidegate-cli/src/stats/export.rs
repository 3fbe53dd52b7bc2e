//! Statistics in a file: JSON, or CSV with one number a line.

use std::{fmt::Write as _, path::Path};

use super::gather::StoreStats;
use crate::exit::{Exit, Failure};

type Writer = fn(&StoreStats) -> Result<String, Failure>;

/// What writes the form that the ending of `path` names.
pub(super) fn writer(path: &Path) -> Result<Writer, Failure> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => Ok(json),
        Some("csv") => Ok(csv),
        _ => {
            let message =
                format!("the ending of `{}` names no form; expected .json or .csv", path.display());
            Err(Failure::new(Exit::Usage, message))
        }
    }
}

fn json(stats: &StoreStats) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(stats);
    text.map(|text| text + "\n").map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))
}

/// RFC 4180, with a heading: time, store, rule (empty for the whole), measure, value.
#[expect(clippy::unnecessary_wraps, reason = "a writer as any other")]
fn csv(stats: &StoreStats) -> Result<String, Failure> {
    let mut text = String::from("time,store,rule,measure,value\r\n");
    let mut line = |rule: &str, measure: &str, value: String| {
        let cells = [stats.time.to_string(), stats.store.clone(), rule.to_owned()];
        let cells: Vec<_> = cells.iter().map(|cell| cell_of(cell)).collect();
        let _ = write!(text, "{},{measure},{value}\r\n", cells.join(","));
    };
    if let Some(table) = &stats.table {
        line("", "capacity", table.capacity.to_string());
        line("", "live", table.live.to_string());
    }
    if let Some(server) = &stats.server {
        line("", "up", u8::from(server.health == "up").to_string());
        line("", "first_answer_seconds", server.first_answer.to_string());
        line("", "median_answer_seconds", server.median_answer.to_string());
        line("", "slowest_answer_seconds", server.slowest_answer.to_string());
        line("", "clock_ahead_seconds", server.clock_ahead.to_string());
        line("", "counters", server.counters.to_string());
        line("", "complete", u8::from(server.complete).to_string());
        for rule in &server.rules {
            line(&rule.rule, "keys", rule.keys.to_string());
            line(&rule.rule, "counters", rule.counters.to_string());
        }
    }
    Ok(text)
}

fn cell_of(text: &str) -> String {
    // A spreadsheet takes what begins so for a formula.
    let is_formula = text.starts_with(['=', '+', '-', '@']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}
