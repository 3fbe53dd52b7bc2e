//! A log of a busy, attacked server, the same in every run.

use std::fmt::Write;

/// A request as it happened, before it was written down.
pub(super) struct Request {
    /// Seconds since 1970, as the line says.
    pub(super) at: u64,
    /// Whom a rule by address counts: the address, or the network of one of IPv6.
    pub(super) who: String,
    pub(super) path: &'static str,
    pub(super) method: &'static str,
    pub(super) status: u16,
    /// A number that a user is named after.
    pub(super) user: Option<u64>,
}

/// How a log is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Combined,
    Json,
}

/// Numbers that look random (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// When the log begins: 23 June 2025.
const MONDAY: u64 = 1_750_636_800;

/// The text of a log, and for each line the request, or nothing where the line is broken.
pub(super) fn make(lines: usize, written: Written) -> (String, Vec<Option<Request>>) {
    const PATHS: [(&str, &str); 5] = [
        ("/api/orders", "GET"),
        ("/api/orders", "POST"),
        ("/login", "POST"),
        ("/login", "GET"),
        ("/static/app.js", "GET"),
    ];
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut text, mut requests) = (String::new(), Vec::new());
    let mut millis = 0;
    for number in 0..lines {
        // A burst now and then.
        millis += if number % 5000 < 800 { random.below(5) } else { random.below(60) };
        if random.below(500) == 0 {
            text.push_str(["\n", "garbage\n", "1.2.3.4 - - [99/Foo/2020] \"\" -\n"][number % 3]);
            requests.push(None);
            continue;
        }
        // Some lines are written late.
        let late = if random.below(50) == 0 { random.below(4) } else { 0 };
        let at = (MONDAY + millis / 1000).saturating_sub(late).max(MONDAY);
        let (address, who) = address(&mut random);
        let choice = usize::try_from(random.below(PATHS.len() as u64)).unwrap();
        let (path, method) = PATHS[choice];
        let status = match path {
            "/login" if random.below(3) > 0 => 401,
            "/api/orders" if random.below(4) == 0 => 404,
            _ => 200,
        };
        let user = (random.below(4) == 0).then(|| random.below(30));
        let request = Request { at, who, path, method, status, user };
        match written {
            Written::Combined => combined(&mut text, number, &address, &request),
            Written::Json => json(&mut text, number, &address, &request),
        }
        requests.push(Some(request));
    }
    (text, requests)
}

fn combined(text: &mut String, number: usize, address: &str, request: &Request) {
    let Request { at, path, method, status, .. } = request;
    let (day, second) = ((at - MONDAY) / 86_400, (at - MONDAY) % 86_400);
    let user = request.user.map_or("-".to_owned(), |it| format!("user-{it}"));
    let _ = writeln!(
        text,
        "{address} - {user} [{:02}/Jun/2025:{:02}:{:02}:{:02} +0000] \"{method} {path}?n={number} \
         HTTP/1.1\" {status} 12 \"-\" \"curl/8\"",
        23 + day,
        second / 3600,
        second / 60 % 60,
        second % 60,
    );
}

fn json(text: &mut String, number: usize, address: &str, request: &Request) {
    let Request { at, path, method, status, .. } = request;
    let user = request.user.map_or("null".to_owned(), |it| format!("\"user-{it}\""));
    let _ = writeln!(
        text,
        r#"{{"ts":{at}.0,"request":{{"method":"{method}","uri":"\{path}?n={number}","client_ip":"{address}"}},"status":{status},"user_id":{user},"size":12}}"#
    );
}

fn address(random: &mut Random) -> (String, String) {
    match random.below(10) {
        // A few that do most of it.
        0..=3 => {
            let address = format!("203.0.113.{}", random.below(5));
            (address.clone(), address)
        }
        4 => {
            let net = 1 + random.below(40);
            (
                format!("2001:db8:0:{net:x}::{:x}", 1 + random.below(200)),
                format!("2001:db8:0:{net:x}::/64"),
            )
        }
        5 => {
            let address = format!("198.51.100.{}", random.below(256));
            (address.clone(), address)
        }
        _ => {
            let host = random.below(1500);
            let address = format!("192.0.{}.{}", host / 250, host % 250);
            (address.clone(), address)
        }
    }
}
