//! Times tidegate against governor. Run by `./dev bench`, which makes medians and ratios of
//! what this prints: one JSON object per line.
//!
//! ```text
//! tidegate-bench checks KEYS THREADS ROUNDS MILLISECONDS   a check of an allowed key
//! tidegate-bench refusals ROUNDS MILLISECONDS              a check of one refused key
//! tidegate-bench stall KEYS CAPACITY TIMES                 the worst wait while new keys come
//! tidegate-bench memory CONTENDER KEYS CAPACITY            bytes in memory after so many keys
//! ```
//!
//! Times are processor time of the thread, so that other programs on the machine are not
//! counted. `THREADS` may be several numbers with commas between them.

mod contenders;
mod keys;
mod machine;
mod rounds;
mod stall;

use std::{process::ExitCode, str::FromStr, time::Duration};

use contenders::Policy;
use rounds::Scenario;
use serde_json::{Value, json};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(rows) => {
            for row in rows {
                println!("{row}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tidegate-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<Vec<Value>, String> {
    match *words {
        ["checks", keys, threads, rounds, milliseconds] => {
            let threads = threads.split(',').map(number).collect::<Result<Vec<usize>, _>>()?;
            checks(&threads, Scenario { keys: number(keys)?, ..scenario(rounds, milliseconds)? })
        }
        ["refusals", rounds, milliseconds] => {
            refusals(Scenario { allowed: false, ..scenario(rounds, milliseconds)? })
        }
        ["stall", keys, capacity, times] => {
            stalls(number(keys)?, number(capacity)?, number(times)?)
        }
        ["memory", contender, keys, capacity] => {
            memory(contender, number(keys)?, number(capacity)?).map(|row| vec![row])
        }
        _ => Err(format!("no command `{}`", words.join(" "))),
    }
}

fn number<T: FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{word}` is not a number in range"))
}

/// A scenario of one allowed key on one thread.
fn scenario(rounds: &str, milliseconds: &str) -> Result<Scenario, String> {
    let moment = Duration::from_millis(number(milliseconds)?);
    Ok(Scenario { keys: 1, threads: 1, allowed: true, rounds: number(rounds)?, moment })
}

/// Room for the keys at a load of 60 %, and at least what a store has by default.
fn room_for(keys: u64) -> Result<usize, String> {
    let slots = usize::try_from(keys).map_err(|error| error.to_string())? * 8 / 5;
    Ok(slots.max(tidegate::MemoryStore::DEFAULT_CAPACITY))
}

fn checks(threads: &[usize], scenario: Scenario) -> Result<Vec<Value>, String> {
    let keys = scenario.keys;
    let contenders = contenders::all(Policy::allowing(keys), room_for(keys)?)?;
    rounds::fill(&contenders, keys);
    let mut rows = Vec::new();
    for &threads in threads {
        let figures = rounds::run(&contenders, &Scenario { threads, ..scenario });
        for (contender, ns) in contenders.iter().zip(figures) {
            let name = contender.name();
            rows.push(json!({"keys": keys, "threads": threads, "contender": name, "ns": ns}));
        }
    }
    Ok(rows)
}

fn refusals(scenario: Scenario) -> Result<Vec<Value>, String> {
    let contenders = contenders::all(Policy::REFUSING, room_for(1)?)?;
    rounds::fill(&contenders, 1);
    let figures = rounds::run(&contenders, &scenario);
    let mut rows = Vec::new();
    for (contender, ns) in contenders.iter().zip(figures) {
        rows.push(json!({"contender": contender.name(), "ns": ns}));
    }
    Ok(rows)
}

fn stalls(keys: u64, capacity: usize, times: usize) -> Result<Vec<Value>, String> {
    machine::pin(0);
    let mut rows = Vec::new();
    for _ in 0..times {
        for name in ["governor", "limiter_allow"] {
            let contender = contenders::by_name(name, Policy::allowing(keys), capacity)?;
            let (longest, median) = stall::of_new_keys(contender.as_ref(), keys);
            let (longest, median) = (longest.as_secs_f64() * 1e9, median.as_secs_f64() * 1e9);
            rows.push(json!({"contender": name, "longest": longest, "median": median}));
        }
    }
    Ok(rows)
}

fn memory(name: &str, keys: u64, capacity: usize) -> Result<Value, String> {
    // Another one before, so that what a first check brings along is not counted; and all of
    // this one, since a large table is touched when it is made.
    let warm_up = contenders::by_name(name, Policy::allowing(keys), 8)?;
    rounds::fill_one(warm_up.as_ref(), 0, 1);
    let before = machine::resident_bytes()?;
    let contender = contenders::by_name(name, Policy::allowing(keys), capacity)?;
    rounds::fill_one(contender.as_ref(), 0, keys);
    let grown = machine::resident_bytes()?.saturating_sub(before);
    Ok(json!({"contender": name, "bytes": grown, "live": contender.live()}))
}
