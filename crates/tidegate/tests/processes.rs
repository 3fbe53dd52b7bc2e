//! Several processes on one server: to the unit what the limits allow, whatever their clocks say.

#![cfg(all(unix, feature = "redis", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{
    env, fs,
    process::{Child, Command, Stdio},
    sync::{Arc, Barrier},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tidegate::{Clock, Limit, Limiter, Nanos, Rule, Store, SystemClock, open_store};
use tidegate_core::{Charge, Key};
use tidegate_testkit::servers::{RedisCluster, RedisServer, postgres::PostgresServer};

const PROCESSES: usize = 4;
const THREADS: usize = 8;
/// What the smallest limit allows. Periods are so long that nothing comes back meanwhile.
const UNITS: usize = 1000;

/// Three rules, each about somebody else, so that a cluster keeps them on different nodes.
const RULES: [(&str, &str); 3] = [
    ("gcra: 1000/365d", "tenant"),
    ("fixed_window: 1003/3650d", "user"),
    ("sliding_window_counter: 1001/3650d", "address"),
];

/// Every question is asked, and no busy machine is an outage.
fn store(url: &str) -> Arc<dyn Store> {
    let joint = if url.contains('?') { '&' } else { '?' };
    open_store(&format!("{url}{joint}timeout=20s&recheck=0s")).unwrap()
}

/// One request of all three rules, in the order that `turn` gives.
fn passes(store: &dyn Store, round: &str, turn: usize) -> bool {
    let limits: Vec<Limit> = RULES.iter().map(|(text, _)| text.parse().unwrap()).collect();
    let subjects = RULES.map(|(_, who)| format!("{who} {round}"));
    let mut charges: Vec<Charge<'_>> = limits
        .iter()
        .zip(&subjects)
        .map(|(limit, subject)| {
            let key = Key::new("storm", limit.tag(0), subject.as_bytes());
            Charge { key, limit, cost: 1, at: Nanos(0) }
        })
        .collect();
    charges.rotate_left(turn % 3);
    let answer = store.remote().unwrap().check(&charges, 1).unwrap();
    answer.requests[0].iter().all(tidegate::Answer::is_allowed)
}

fn leasing(store: Arc<dyn Store>, round: &str, lease: bool) -> Limiter {
    let rule = Rule::new(round, "1000/365d".parse().unwrap());
    let rule = if lease { rule.lease(Duration::from_secs(5)) } else { rule };
    Limiter::builder().rule(rule).shared_store(store).build().unwrap()
}

/// What one of the processes does: started by the tests below, as another run of this program.
#[test]
#[ignore = "a part of the other tests, which start it with what it needs"]
fn one_process() {
    let [url, round, requests, how, out] =
        ["URL", "ROUND", "REQUESTS", "HOW", "OUT"].map(|name| env::var(name).unwrap());
    let (store, requests) = (store(&url), requests.parse::<usize>().unwrap());
    let limiter = leasing(Arc::clone(&store), &round, true);
    let barrier = Barrier::new(THREADS);
    let one = |turn| match how.as_str() {
        "leases" => {
            let decision = limiter.check("everybody").unwrap();
            assert!(!decision.degraded);
            decision.allowed
        }
        _ => passes(&*store, &round, turn),
    };
    let admitted: usize = thread::scope(|scope| {
        let work = |thread| {
            let (one, barrier) = (&one, &barrier);
            scope.spawn(move || {
                barrier.wait();
                (0..requests).filter(|_| one(thread)).count()
            })
        };
        let threads: Vec<_> = (0..THREADS).map(work).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    limiter.close();
    let stats = store.remote().unwrap().stats();
    fs::write(out, format!("{admitted} {}", stats.exchanges)).unwrap();
}

/// What all processes together were admitted, and how often they asked.
fn in_processes(url: &str, round: &str, requests: usize, how: &str) -> (usize, usize) {
    let folder = env::temp_dir().join(format!("tidegate-{}-{how}-{round}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let start = |index: usize| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "one_process", "--ignored"]).env("URL", url);
        command.env("ROUND", round).env("REQUESTS", requests.to_string()).env("HOW", how);
        // Its own summary is not one of the tests.
        command.stdout(Stdio::null());
        command.env("OUT", folder.join(index.to_string())).spawn().unwrap()
    };
    let mut children: Vec<Child> = (0..PROCESSES).map(start).collect();
    let ended: Vec<bool> =
        children.iter_mut().map(|child| child.wait().unwrap().success()).collect();
    let (mut admitted, mut asked) = (0, 0);
    for (index, success) in ended.into_iter().enumerate() {
        assert!(success, "process {index} has failed");
        let told = fs::read_to_string(folder.join(index.to_string())).unwrap();
        let (units, exchanges) = told.split_once(' ').unwrap();
        admitted += units.parse::<usize>().unwrap();
        asked += exchanges.parse::<usize>().unwrap();
    }
    fs::remove_dir_all(&folder).unwrap();
    (admitted, asked)
}

fn is_exact(url: &str, server: &str) {
    for round in ["1", "2", "3"].map(|number| format!("{server}-{number}")) {
        let (mut admitted, _) = in_processes(url, &round, 2 * UNITS / (PROCESSES * THREADS), "all");
        assert!(admitted <= UNITS, "{round}: {admitted}");
        // On several nodes the last requests may have refused each other; what they left is there.
        let store = store(url);
        let before = admitted;
        while admitted <= UNITS && passes(&*store, &round, 0) {
            admitted += 1;
        }
        assert_eq!(admitted, UNITS, "{round}: {before} of them at first");
    }
}

fn leases_are_exact(url: &str, server: &str) {
    // More than there is, then less.
    for (name, requests) in [("more", 60), ("less", 20)] {
        let round = format!("{server}-{name}");
        let (mut admitted, asked) = in_processes(url, &round, requests, "leases");
        let all = PROCESSES * THREADS * requests;
        assert!(admitted <= UNITS, "{round}: {admitted}");
        assert!(name == "more" || asked < all / 2, "{asked} trips for {all} requests");
        let limiter = leasing(store(url), &round, false);
        let before = admitted;
        while admitted <= UNITS && limiter.check("everybody").unwrap().allowed {
            admitted += 1;
        }
        assert_eq!(admitted, UNITS, "{round}: {before} of them in the processes");
    }
}

#[test]
fn redis_admits_exactly_what_there_is() {
    let server = RedisServer::start();
    is_exact(&server.url(), "redis");
    leases_are_exact(&server.url(), "redis");
}

#[test]
fn a_cluster_admits_exactly_what_there_is() {
    let cluster = RedisCluster::start();
    is_exact(&cluster.url(), "cluster");
    leases_are_exact(&cluster.url(), "cluster");
}

#[test]
fn postgres_admits_exactly_what_there_is() {
    let server = PostgresServer::start();
    is_exact(&server.url(), "postgres");
    leases_are_exact(&server.url(), "postgres");
}

/// The machine's clock, hours off.
struct Off(i64);

impl Clock for Off {
    fn now(&self) -> Nanos {
        SystemClock.now().saturating_add(Nanos::from_secs(86_400))
    }

    fn unix_now(&self) -> Nanos {
        let hour = Nanos::from_secs(3600 * self.0.unsigned_abs());
        let now = SystemClock.unix_now();
        if self.0 < 0 { now.saturating_sub(hour) } else { now.saturating_add(hour) }
    }
}

fn hour() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 3600
}

/// Five requests by a clock that is right, then one by each that is not: `None` when an hour
/// ended meanwhile.
fn decided_by_the_server(url: &str, limits: &str, attempt: u64) -> Option<()> {
    let begun = hour();
    let limiter = |off: i64| {
        let rule = Rule::new("clock", limits.parse().unwrap());
        let builder = Limiter::builder().rule(rule).shared_store(store(url));
        builder.clock(Arc::new(Off(off))).build().unwrap()
    };
    let key = format!("ana {attempt}");
    let right = limiter(0);
    let admitted = (0..6).filter(|_| right.check(&key).unwrap().allowed).count();
    let told: Vec<_> = [0, 1, -1]
        .map(|off| limiter(off).check(&key).unwrap())
        .map(|decision| (decision.allowed, decision.retry_after.unwrap_or_default()))
        .into();
    if hour() != begun {
        return None;
    }
    assert_eq!(admitted, 5, "{limits}");
    for (allowed, wait) in &told {
        assert!(!allowed, "{limits}: {told:?}");
        assert!(wait.abs_diff(told[0].1) < Duration::from_secs(5), "{limits}: {told:?}");
    }
    Some(())
}

#[test]
fn the_servers_clock_decides_and_not_the_callers() {
    let (redis, postgres) = (RedisServer::start(), PostgresServer::start());
    for url in [redis.url(), postgres.url()] {
        for limits in ["5/hour", "5/calendar-hour"] {
            let tried = (0..3).find_map(|turn| decided_by_the_server(&url, limits, turn));
            assert!(tried.is_some(), "two hours have ended within a test");
        }
    }
}
