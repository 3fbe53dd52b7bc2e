//! A worker of an application that can be asked, under a load of its own.
//!
//! `cargo run -p tidegate-observe --example worker -- SOCKET [SECONDS]`, once for every worker;
//! meanwhile, `tidegate monitor --admin SOCKET`. It ends by itself.

#![allow(clippy::unwrap_used, reason = "an example may fail anywhere")]

use std::{
    borrow::Cow,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tidegate::{Facts, Gate, Key, Lines, Match, Rule, Watch};
use tidegate_observe::{Admin, Source};

/// What the gate is told of a request.
struct Request {
    peer: String,
    path: &'static str,
}

impl Facts for Request {
    fn peer(&self) -> Option<&str> {
        Some(&self.peer)
    }

    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> Cow<'_, [u8]> {
        self.path.as_bytes().into()
    }

    fn header(&self, _name: &str) -> Lines<'_> {
        Lines::new()
    }
}

/// Who is asked. An application that follows a configuration answers with the gate of the moment.
struct Application(Arc<Gate>);

impl Source for Application {
    fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.0)
    }
}

fn gate() -> Gate {
    let at = |path: &str| Match { paths: vec![path.to_owned()], ..Match::default() };
    let limit = |limit: &str| limit.parse().unwrap();
    Gate::builder()
        .rule(Rule::new("login", limit("5/minute")).key(Key::Ip).matching(at("/login")))
        .rule(Rule::new("api", limit("50/second burst 100")).key(Key::Ip).matching(at("/api/**")))
        .rule(Rule::new("search", limit("10/second")).key(Key::Ip).shadow(true))
        .watched(Arc::new(Watch::new()))
        .build()
        .unwrap()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let socket = arguments.next().unwrap();
    let time = arguments.next().map_or(10, |seconds| seconds.parse().unwrap());
    let gate = Arc::new(gate());
    let _admin =
        Admin::start(Path::new(&socket), Arc::new(Application(Arc::clone(&gate)))).unwrap();

    let (start, mut state) = (Instant::now(), u64::from(std::process::id()));
    while start.elapsed() < Duration::from_secs(time) {
        for _ in 0..8 {
            // Source: Knuth's MMIX generator.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let client = match state >> 60 {
                0..5 => 7,
                5..9 => 9,
                _ => 10 + (state >> 50 & 63),
            };
            let path = if (state >> 40) % 8 == 0 { "/login" } else { "/api/orders" };
            let request = Request { peer: format!("203.0.113.{client}"), path };
            let _ = gate.admit(&request).unwrap();
        }
        thread::sleep(Duration::from_millis(20));
    }
}
