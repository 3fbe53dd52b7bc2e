//! `tidegate serve`: the real program, an application's workers, and a scraper.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

use common::{
    Place,
    application::{self, Peer},
    text,
};
use tidegate::{Gate, Key, Rule};
use tidegate_observe::{Admin, ConfigState};

/// A worker whose configuration has a mistake.
fn worker(socket: &Path) -> (Arc<Gate>, Admin) {
    let rule = Rule::new("a\"b", "3/hour".parse().unwrap()).key(Key::Ip);
    let shadow = Rule::new("tried", "1/hour".parse().unwrap()).shadow(true);
    let error = Some("nonsense".to_owned());
    let config = ConfigState::new("tidegate.toml".to_owned(), 1_700_000_000.0, 2, error);
    application::worker(socket, Gate::builder().rule(rule).rule(shadow), Some(config))
}

/// The program, while it serves.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(place: &Place, socket: &Path) -> Self {
        let mut command = place.command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin"]).arg(socket);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let url = said.trim_end().rsplit_once(" is at http://").unwrap().1;
        let address = url.strip_suffix("/metrics").unwrap().to_owned();
        Self { child, address }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    /// Status and body of an answer.
    fn get(&self, path: &str) -> (u16, String) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = self.exchange(request.as_bytes());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // Whoever answers before all is sent may close.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    /// The number of a series.
    #[track_caller]
    fn number(&self, series: &str) -> f64 {
        let (status, page) = self.get("/metrics");
        assert_eq!(status, 200, "{page}");
        let found = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no {series} in\n{page}")).parse().unwrap()
    }

    #[track_caller]
    fn tells(&self, series: &str, expected: f64) {
        let told = self.number(series);
        assert!((told - expected).abs() < 1e-9, "{series} {told}, not {expected}");
    }

    /// Tells it to end, as a service manager does; returns its status.
    fn end(mut self) -> Option<i32> {
        signal("-TERM", self.child.id());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn metrics_are_those_of_the_workers() {
    let place = Place::new();
    let socket = place.path("t.sock");
    let serving = Serving::start(&place, &socket);
    serving.tells("tidegate_up", 0.0);
    assert_eq!(serving.get("/healthz").0, 503);

    let (gate, admin) = worker(&socket);
    let admitted = (0..5).filter(|_| gate.admit(&Peer("192.0.2.1")).unwrap().allowed).count();
    assert_eq!(admitted, 3);
    assert_eq!(serving.get("/healthz"), (200, "ok\n".to_owned()));
    for (series, expected) in [
        ("tidegate_up", 1.0),
        ("tidegate_workers{state=\"answering\"}", 1.0),
        ("tidegate_decisions_total{outcome=\"admitted\"}", 3.0),
        ("tidegate_decisions_total{outcome=\"refused\"}", 2.0),
        ("tidegate_refusals_total{reason=\"limit\"}", 2.0),
        ("tidegate_requests_total{rule=\"a\\\"b\",outcome=\"passed\"}", 3.0),
        ("tidegate_requests_total{rule=\"a\\\"b\",outcome=\"refused\"}", 2.0),
        ("tidegate_requests_total{rule=\"tried\",outcome=\"passed\"}", 1.0),
        ("tidegate_requests_total{rule=\"tried\",outcome=\"would_refuse\"}", 2.0),
        ("tidegate_decision_seconds_count", 5.0),
        ("tidegate_store_up{store=\"memory\"}", 1.0),
        ("tidegate_breaker_open{store=\"memory\"}", 0.0),
        ("tidegate_config_reload_failures_total", 2.0),
        ("tidegate_config_last_reload_successful", 0.0),
        ("tidegate_config_last_reload_success_timestamp_seconds", 1_700_000_000.0),
    ] {
        serving.tells(series, expected);
    }
    assert!(serving.number("tidegate_decision_seconds_sum") > 0.0);

    // Counts do not go back when the worker ends.
    admin.close();
    serving.tells("tidegate_up", 0.0);
    serving.tells("tidegate_decisions_total{outcome=\"admitted\"}", 3.0);
    assert_eq!(serving.end(), Some(0));
}

/// Not a test of its own: a worker that another test starts, and kills.
#[test]
#[ignore = "started by another test"]
fn a_worker_to_be_killed() {
    let Some(socket) = std::env::var_os("TG_SOCKET") else { return };
    let (gate, _admin) = worker(&PathBuf::from(socket));
    for _ in 0..7 {
        gate.admit(&Peer("192.0.2.1")).unwrap();
    }
    std::fs::write(std::env::var_os("TG_READY").unwrap(), "").unwrap();
    loop {
        thread::park();
    }
}

#[test]
fn a_worker_that_is_stopped_or_killed_takes_no_counts_with_it() {
    let place = Place::new();
    let (socket, ready) = (place.path("t.sock"), place.path("ready"));
    let serving = Serving::start(&place, &socket);
    let (gate, _admin) = worker(&socket);
    gate.admit(&Peer("192.0.2.1")).unwrap();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_worker_to_be_killed", "--ignored"])
        .envs([("TG_SOCKET", &socket), ("TG_READY", &ready)])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !ready.exists() {
        assert!(other.try_wait().unwrap().is_none());
        thread::yield_now();
    }
    let decided = "tidegate_decision_seconds_count";
    serving.tells(decided, 8.0);

    signal("-STOP", other.id());
    serving.tells(decided, 8.0);
    serving.tells("tidegate_workers{state=\"silent\"}", 1.0);
    signal("-CONT", other.id());
    serving.tells("tidegate_workers{state=\"answering\"}", 2.0);
    other.kill().unwrap();
    other.wait().unwrap();
    serving.tells(decided, 8.0);
    serving.tells("tidegate_workers{state=\"answering\"}", 1.0);
    serving.tells("tidegate_workers{state=\"silent\"}", 0.0);
}

#[test]
fn what_is_no_page_and_what_is_no_request() {
    let place = Place::new();
    let serving = Serving::start(&place, &place.path("t.sock"));
    assert_eq!(serving.get("/").0, 404);
    let post =
        b"POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let refused = serving.exchange(post);
    assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("allow: GET, HEAD"));
    let head = serving.exchange(b"HEAD /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{head}"
    );

    for nonsense in [&b"\0\0\0\0\r\n\r\n"[..], &vec![b'x'; 20_000], b"GET /metrics\r\n\r\n"] {
        let answer = serving.exchange(nonsense);
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    // Whoever says nothing keeps nobody out.
    let silent: Vec<_> = (0..16).map(|_| serving.connect()).collect();
    assert_eq!(serving.get("/metrics").0, 200);
    drop(silent);
}

#[test]
fn scrapes_at_once_are_all_answered() {
    let place = Place::new();
    let socket = place.path("t.sock");
    let serving = Serving::start(&place, &socket);
    let (gate, _admin) = worker(&socket);
    gate.admit(&Peer("192.0.2.1")).unwrap();
    thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| serving.tells("tidegate_decision_seconds_count", 1.0));
        }
    });
}

#[test]
fn what_cannot_be_served_is_told() {
    let place = Place::new();
    let told = place.run(&["serve"]).complained(3);
    assert!(told.contains("which application?"), "{told}");
    let serve = |listen: &str| place.run(&["serve", "--admin", "t.sock", "--listen", listen]);
    let told = serve("9464").complained(2);
    assert!(told.contains("`9464` is no address with a port"), "{told}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let told = serve(&taken.local_addr().unwrap().to_string()).complained(4);
    assert!(told.contains("cannot listen at"), "{told}");
    let file = place.write("t.toml", "[admin]\nsocket = 3\n");
    place.run(&["serve", "--config", &text(&file)]).complained(3);
}
