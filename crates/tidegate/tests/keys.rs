//! Looking at one rule's counts: on every store by the key's name, and by lists where they are.

#![cfg(all(feature = "redis", feature = "postgres"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should panic")]

use std::{error::Error as _, sync::Arc};

use tidegate::{
    CountedKey, Error, Facts, Gate, Key, Limiter, Lines, Rule, Store, Subject, open_store,
};
use tidegate_testkit::servers::{RedisServer, postgres::PostgresServer};

/// A request from this address, with this path.
struct Request(&'static str, &'static [u8]);

impl Facts for Request {
    fn peer(&self) -> Option<&str> {
        Some(self.0)
    }

    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> std::borrow::Cow<'_, [u8]> {
        self.1.into()
    }

    fn header(&self, _name: &str) -> Lines<'_> {
        Lines::new()
    }
}

fn gate(store: Arc<dyn Store>) -> Gate {
    let limits = |text: &str| text.parse().unwrap();
    Gate::builder()
        .rule(Rule::new("login", limits("5/hour; 20/day")).key(Key::Ip).cost(2))
        .rule(Rule::new("paths", limits("100/hour")).key(Key::Path))
        .rule(Rule::new("all", limits("1000/hour")))
        .shared_store(store)
        .build()
        .unwrap()
}

fn stands(gate: &Gate, rule: &str, subject: &[u8]) -> (bool, u32, u32) {
    let decision = gate.inspect(rule, subject).unwrap();
    assert_eq!((decision.rule(), decision.subject.as_deref()), (rule, Some(subject)));
    (decision.allowed, decision.remaining, decision.limit)
}

fn one_rule_is_looked_at_and_reset(gate: &Gate) {
    for _ in 0..2 {
        assert!(gate.admit(&Request("203.0.113.7", b"/a\xff")).unwrap().allowed);
    }
    for _ in 0..2 {
        assert_eq!(stands(gate, "login", b"203.0.113.7"), (false, 1, 5), "looking takes nothing");
    }
    assert_eq!(stands(gate, "paths", b"/a\xff"), (true, 98, 100));
    assert_eq!(stands(gate, "paths", b"/b"), (true, 100, 100));
    assert_eq!(stands(gate, "all", b""), (true, 998, 1000));

    gate.reset("login", b"203.0.113.7").unwrap();

    assert_eq!(stands(gate, "login", b"203.0.113.7"), (true, 5, 5));
    assert_eq!(stands(gate, "paths", b"/a\xff"), (true, 98, 100), "of another rule");
    assert!(gate.admit(&Request("203.0.113.7", b"/a\xff")).unwrap().allowed);
}

fn keys_are_listed(gate: &Gate) {
    let long = "/".repeat(200).leak();
    for number in 0..3_u8 {
        let path: &'static [u8] = vec![b'/', b'%', 253 + number].leak();
        gate.admit(&Request(
            ["198.51.100.1", "198.51.100.2", "203.0.113.7"][usize::from(number)],
            path,
        ))
        .unwrap();
    }
    gate.admit(&Request("192.0.2.1", long.as_bytes())).unwrap();
    let listed = |prefix: &[u8], most| gate.keys(prefix, most).unwrap();
    let plain = |key: &CountedKey| match &key.subject {
        Subject::Plain(subject) => (key.rule.clone(), subject.clone()),
        Subject::Digest(_) => (key.rule.clone(), b"a digest".to_vec()),
    };
    let named = |prefix: &[u8]| listed(prefix, 100).iter().map(plain).collect::<Vec<_>>();
    let of = |rule: &str, subject: &[u8]| (rule.to_owned(), subject.to_vec());

    assert_eq!(named(b"198.51.100."), [of("login", b"198.51.100.1"), of("login", b"198.51.100.2")]);
    assert_eq!(named(b"/%\xff"), [of("paths", b"/%\xff")]);
    assert_eq!(named(b"nobody"), []);
    let all = listed(b"", 100);
    assert_eq!(all.len(), 4 + 5 + 1, "{all:?}");
    assert_eq!(listed(b"", 4).len(), 4);
    for key in &all {
        let Some(decision) = &key.decision else {
            assert!(matches!(key.subject, Subject::Digest(_)));
            continue;
        };
        let Subject::Plain(subject) = &key.subject else { panic!("{key:?}") };
        let expected = stands(gate, &key.rule, subject);
        assert_eq!((decision.allowed, decision.remaining, decision.limit), expected);
    }
    let digests = all.iter().filter(|key| key.decision.is_none()).count();
    assert_eq!(digests, 1);
}

#[test]
fn in_this_process() {
    let gate = gate(open_store("memory://").unwrap());
    one_rule_is_looked_at_and_reset(&gate);

    let refusal = gate.keys(b"", 10).unwrap_err();
    assert!(matches!(refusal, Error::NoList { .. }), "{refusal}");
    assert!(refusal.to_string().contains("digests") && refusal.source().is_none());
}

#[test]
fn in_redis() {
    let server = RedisServer::start();
    let gate = gate(open_store(&format!("{}?timeout=5s", server.url())).unwrap());
    one_rule_is_looked_at_and_reset(&gate);
    keys_are_listed(&gate);
}

#[test]
fn in_postgres() {
    let server = PostgresServer::start();
    let gate = gate(open_store(&format!("{}&timeout=10s", server.url())).unwrap());
    one_rule_is_looked_at_and_reset(&gate);
    keys_are_listed(&gate);
}

#[test]
fn thousands_of_keys_of_one_limiter_are_listed_among_others() {
    let server = RedisServer::start();
    let store = open_store(&format!("{}?timeout=5s", server.url())).unwrap();
    let limiter = |name: &str| {
        let rule = Rule::new(name, "5/hour".parse().unwrap());
        Limiter::builder().rule(rule).shared_store(Arc::clone(&store)).build().unwrap()
    };
    let (ours, other) = (limiter("ours"), limiter("other"));
    let keys: Vec<String> = (0..2_500).map(|number| format!("key:{number}")).collect();
    ours.check_many(&keys, 1).unwrap();
    other.check_many(&keys, 1).unwrap();

    let listed = ours.keys(b"", 10_000).unwrap();

    assert_eq!(listed.len(), 2_500);
    assert!(listed.iter().all(|key| key.decision.as_ref().unwrap().remaining == 4));
    assert_eq!(ours.keys(b"key:7", 10_000).unwrap().len(), 111);
    assert_eq!(ours.keys(b"", 1_234).unwrap().len(), 1_234);
}

#[test]
fn a_rule_that_there_is_not_is_told_with_those_that_there_are() {
    let gate = gate(open_store("memory://").unwrap());

    let told = gate.inspect("logn", b"a").unwrap_err().to_string();

    assert_eq!(
        told,
        "there is no rule named `logn` (did you mean `login`?); the rules are `login`, `paths`, `all`"
    );
    assert!(!gate.reset("x", b"a").unwrap_err().to_string().contains("mean"));
}
