//! What one check over Redis costs: beside a raw socket that makes the very same call, and in
//! the server, beside the smallest script that could do it.
//!
//! Starts a server of its own; sides take turns, and medians are told. Run with `--release`.

#![allow(clippy::print_stdout, reason = "a program that tells numbers")]
#![allow(clippy::unwrap_used, reason = "nothing here is to be recovered from")]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use smallvec::smallvec;
use tidegate_core::{Key, Nanos, Program, algorithm::Gcra};
use tidegate_redis::{RedisBackend, RedisLink};
use tidegate_remote::{Ask, AskKind, Backend as _, Counter, Link as _, Name};
use tidegate_testkit::servers::RedisServer;

const ROUNDS: usize = 40_000;
const BATCH: usize = 64;

/// GCRA on the server's clock in microseconds, and no more than that.
const SMALLEST: &str = "\
local t = redis.call('TIME')
local now = t[1] * 1e6 + t[2]
local tat = tonumber(redis.call('GET', KEYS[1])) or now
if tat < now then tat = now end
local new = tat + ARGV[1]
if new - now > tonumber(ARGV[2]) then return { 0, tat - now } end
redis.call('SET', KEYS[1], string.format('%.0f', new), 'PX', math.ceil((new - now) / 1000))
return { 1, new - now }";

fn main() {
    let server = RedisServer::start();
    let backend = RedisBackend::from_url(&server.url()).unwrap();
    let mut link = backend.connect(soon()).unwrap();
    let mut raw = Raw::connect(&server);
    let asks: Vec<Ask> = (0..BATCH).map(|index| ask(&format!("s{index}"))).collect();
    let call = recorded(&mut link, &server, &asks[..1]);
    let digest = server.ask(&["SCRIPT", "LOAD", SMALLEST]).text();
    let smallest = command(&["EVALSHA", &digest, "1", "smallest", "1000", "1000000000"]);

    let (mut by_link, mut by_socket) = (Vec::new(), Vec::new());
    let mut replies = Vec::new();
    for _ in 0..ROUNDS {
        by_socket.push(timed(|| raw.call(&call)));
        replies.clear();
        by_link.push(timed(|| link.exchange(&asks[..1], &mut replies, soon()).unwrap()));
    }
    let (link_p50, socket_p50) = (median(&mut by_link), median(&mut by_socket));
    println!(
        "one check, p50: raw socket {socket_p50:.1} us, link {link_p50:.1} us, ratio {:.2}",
        link_p50 / socket_p50
    );

    let mut batches = Vec::new();
    for _ in 0..ROUNDS / BATCH {
        replies.clear();
        batches.push(timed(|| link.exchange(&asks, &mut replies, soon()).unwrap()));
    }
    let batch = median(&mut batches);
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let per_second = BATCH as f64 / batch * 1e6;
    println!(
        "{BATCH} checks of as many subjects: {batch:.0} us, {per_second:.0} checks/s on one connection"
    );

    let (a, b, c) = (
        usec_per_call(&server, || raw.call(&call)),
        usec_per_call(&server, || raw.call(&smallest)),
        usec_per_call(&server, || link.exchange(&asks, &mut Vec::new(), soon()).unwrap()),
    );
    println!(
        "server, by INFO commandstats: one check {a:.2} us, smallest script {b:.2} us, {BATCH} checks in one call {c:.1} us"
    );
}

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(50)
}

fn ask(subject: &str) -> Ask {
    let gcra = Gcra::new(NonZeroU32::MAX, Nanos::from_secs(3600));
    let name = Name::new(&Key::new("api", 1, subject.as_bytes()));
    let counter = Counter { name, program: Program::Gcra(gcra), cost: 1, at: None };
    Ask { counters: smallvec![counter], count: 1, kind: AskKind::Check }
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64() * 1e6
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Microseconds of the server's time per script call, of one kind of call.
fn usec_per_call(server: &RedisServer, mut call: impl FnMut()) -> f64 {
    assert_eq!(server.ask(&["CONFIG", "RESETSTAT"]).text(), "OK");
    for _ in 0..ROUNDS / 2 {
        call();
    }
    let of = |name: &str| {
        let stats = server.info(name);
        stats.split("usec_per_call=").nth(1)?.split(',').next()?.parse::<f64>().ok()
    };
    of("cmdstat_evalsha").unwrap()
}

/// The bytes that the link sends for `asks`, as a server would see them.
fn recorded(link: &mut RedisLink, server: &RedisServer, asks: &[Ask]) -> Vec<u8> {
    // The script becomes known; then its digest is what the server lists as the last call's.
    link.exchange(asks, &mut Vec::new(), soon()).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let asks = asks.to_vec();
    let client = std::thread::spawn(move || {
        let backend = RedisBackend::from_url(&url).unwrap();
        let mut link = backend.connect(soon()).unwrap();
        // Nobody answers.
        let _ = link.exchange(&asks, &mut Vec::new(), soon());
    });
    let (mut stream, _) = listener.accept().unwrap();
    let mut bytes = vec![0; 65_536];
    let _ = stream.read(&mut bytes).unwrap();
    stream.write_all(b"+OK\r\n").unwrap();
    let length = stream.read(&mut bytes).unwrap();
    bytes.truncate(length);
    drop(stream);
    client.join().unwrap();
    assert!(server.is_running() && bytes.starts_with(b"*"));
    bytes
}

fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len());
    for word in words {
        bytes.push_str(&["$", &word.len().to_string(), "\r\n", word, "\r\n"].concat());
    }
    bytes.into_bytes()
}

/// A socket that reads whatever comes.
struct Raw(TcpStream, Vec<u8>);

impl Raw {
    fn connect(server: &RedisServer) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream, vec![0; 65_536])
    }

    fn call(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
        let read = self.0.read(&mut self.1).unwrap();
        assert!(self.1[0] != b'-', "{}", String::from_utf8_lossy(&self.1[..read]));
    }
}
