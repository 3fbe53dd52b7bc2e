//! What a check costs beside the least that a round trip costs, and what exchanges of 64 get
//! done beside 64 pipelined UPSERTs; all over one connection to a private server.
//!
//! Contenders take turns, and medians over the turns are printed, so that a busy moment of the
//! machine hits all of them.

#![allow(clippy::print_stdout, reason = "a program that measures prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a program that measures may stop")]

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tidegate_core::{Key, Nanos, Program, algorithm::Gcra};
use tidegate_postgres::{PostgresBackend, PostgresLink};
use tidegate_remote::{Ask, AskKind, Backend as _, Counter, Link as _, Name};
use tidegate_testkit::servers::postgres::PostgresServer;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls, Statement};

const TURNS: usize = 15;
const TURN: Duration = Duration::from_millis(200);
const KEYS: usize = 10_000;
const BATCH: usize = 64;

const UPSERT: &str = "
    INSERT INTO upsert AS u VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1e9)::bigint + $2)
    ON CONFLICT (name) DO UPDATE
    SET tat = greatest(u.tat, (extract(epoch FROM clock_timestamp()) * 1e9)::bigint) + $2
    WHERE greatest(u.tat, (extract(epoch FROM clock_timestamp()) * 1e9)::bigint) + $2
        <= (extract(epoch FROM clock_timestamp()) * 1e9)::bigint + $3
    RETURNING tat";

/// A connection without anything of tidegate.
struct Plain {
    runtime: Runtime,
    client: Client,
    select: Statement,
    upsert: Statement,
}

impl Plain {
    fn connect(url: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (client, select, upsert) = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
            tokio::spawn(connection);
            let table = "CREATE UNLOGGED TABLE upsert (name text PRIMARY KEY, tat bigint NOT NULL)
                WITH (fillfactor = 50)";
            client.batch_execute(table).await.unwrap();
            let select = client.prepare("SELECT 1").await.unwrap();
            let upsert = client.prepare(UPSERT).await.unwrap();
            (client, select, upsert)
        });
        Self { runtime, client, select, upsert }
    }

    fn select(&self) {
        self.runtime.block_on(self.client.query(&self.select, &[])).unwrap();
    }

    fn upsert(&self, names: &[&str]) {
        let one = |name: &&str| {
            let name = (*name).to_owned();
            async move { self.client.query(&self.upsert, &[&name, &1_i64, &1_000_000_000_i64]).await }
        };
        let all = self.runtime.block_on(join_all(names.iter().map(one)));
        assert!(all.iter().all(Result::is_ok));
    }
}

/// One request on counters of these names.
fn ask(names: &[&str]) -> Ask {
    let program = Program::Gcra(Gcra::new(NonZeroU32::new(1_000_000_000).unwrap(), Nanos::SECOND));
    let counter = |name: &&str| {
        let name = Name::new(&Key::new("rule", 1, name.as_bytes()));
        Counter { name, program: program.clone(), cost: 1, at: None }
    };
    let counters = names.iter().map(counter).collect();
    Ask { counters, count: 1, kind: AskKind::Check }
}

fn exchange(link: &mut PostgresLink, asks: &[Ask]) {
    let mut replies = Vec::with_capacity(asks.len());
    link.exchange(asks, &mut replies, Instant::now() + Duration::from_secs(10)).unwrap();
    assert!(replies.iter().all(|reply| reply.as_ref().is_ok_and(|reply| reply.granted == 1)));
}

/// Median nanoseconds of one call of `work`, and how many calls a second, over one turn.
fn turn(mut work: impl FnMut()) -> (f64, f64) {
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < TURN {
        let before = Instant::now();
        work();
        times.push(before.elapsed().as_secs_f64());
    }
    let rate = f64::from(u32::try_from(times.len()).unwrap()) / begun.elapsed().as_secs_f64();
    (median(&mut times) * 1e9, rate)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let server = PostgresServer::start();
    let plain = Plain::connect(&server.url());
    let backend: PostgresBackend = server.url().parse().unwrap();
    let mut link = backend.connect(Instant::now() + Duration::from_secs(10)).unwrap();
    let names: Vec<String> = (0..KEYS).map(|key| format!("user:{key}")).collect();
    let asks: Vec<Ask> = names.iter().map(|name| ask(&[name])).collect();
    let pairs: Vec<Ask> = names.iter().map(|name| ask(&[name, "everybody"])).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let hot_names = vec!["hot"; BATCH];
    let hot_asks = vec![ask(&["hot"]); BATCH];

    let labels = [
        "SELECT 1, one at a time",
        "UPSERT, one at a time",
        "exchange of 1",
        "64 UPSERTs, pipelined",
        "exchange of 64",
        "64 UPSERTs of one key, pipelined",
        "exchange of 64 of one key",
        "exchange of 64, of two counters",
    ];
    let mut times = [const { Vec::new() }; 8];
    let mut rates = [const { Vec::new() }; 8];
    let mut at = 0;
    let mut next = |many: usize| {
        at = (at + many) % (KEYS - BATCH);
        at..at + many
    };
    for _ in 0..TURNS {
        let turns = [
            turn(|| plain.select()),
            turn(|| plain.upsert(&names[next(1)])),
            turn(|| exchange(&mut link, &asks[next(1)])),
            turn(|| plain.upsert(&names[next(BATCH)])),
            turn(|| exchange(&mut link, &asks[next(BATCH)])),
            turn(|| plain.upsert(&hot_names)),
            turn(|| exchange(&mut link, &hot_asks)),
            turn(|| exchange(&mut link, &pairs[next(BATCH)])),
        ];
        for (index, (time, rate)) in turns.into_iter().enumerate() {
            times[index].push(time);
            rates[index].push(rate * if index > 2 { 64.0 } else { 1.0 });
        }
    }
    println!("{:<34} {:>10} {:>12}", "", "p50 (us)", "checks/s");
    for (index, label) in labels.iter().enumerate() {
        let (time, rate) = (median(&mut times[index]) / 1e3, median(&mut rates[index]));
        println!("{label:<34} {time:>10.1} {rate:>12.0}");
    }
}
