//! `tidegate test`: trying a rule.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::Place;
use tidegate::{Limiter, Rule, open_store};
use tidegate_testkit::servers::RedisServer;

const CONFIG: &str = r#"
[[rules]]
name = "login"
match = { path = "/login", methods = ["POST"] }
key = "ip"
limit = "5/5m; 20/day"
algorithm = "sliding_window_log"
block = "15m"

[[rules]]
name = "api"
key = "user"
limit = "10/second burst 3"
mode = "shadow"

[[rules]]
name = "failures"
key = "ip"
limit = "2/minute"
charge_on = "4xx"
"#;

/// Number, allowed, remaining of each decision.
fn rows(answer: &serde_json::Value) -> Vec<(u64, bool, u64)> {
    let decisions = answer["decisions"].as_array().unwrap().iter();
    decisions
        .map(|it| {
            let number = |field: &str| it[field].as_u64().unwrap();
            (number("number"), it["allowed"].as_bool().unwrap(), number("remaining"))
        })
        .collect()
}

#[test]
fn each_decision_is_told() {
    let place = Place::new();
    place.write("tidegate.toml", CONFIG);

    let said = place.run(&["test", "login", "203.0.113.7", "-n", "20"]).said(1);

    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "number   at  answer             remaining  retry after  reset after");
    assert_eq!(lines[1], "     1  0ms  allowed                    4            -           5m");
    assert_eq!(lines[5], "     5  0ms  allowed                    0            -           5m");
    assert_eq!(lines[6], "     6  0ms  refused (penalty)          0          15m           5m");
    assert_eq!(lines.len(), 1 + 20 + 2);
    assert!(lines[22].ends_with("5 of 20 requests of 203.0.113.7 allowed"), "{}", lines[22]);
}

#[test]
fn time_passes_as_it_is_told_to() {
    let place = Place::new();
    let words = ["--json", "test", "r", "k", "--limit", "10/second burst 3", "-n", "8"];
    let answer = place.run(&[&words[..], &["--every", "50ms"]].concat()).json(1);

    let allowed: Vec<_> = rows(&answer).into_iter().map(|(_, allowed, _)| allowed).collect();
    // Two requests come for each unit that comes back.
    assert_eq!(allowed, [true, true, true, true, true, false, true, false]);
    assert_eq!(answer["decisions"][5]["retry_after"], 0.05);
    assert_eq!(answer["decisions"][5]["at"], 0.25);
    assert_eq!((&answer["allowed"], &answer["refused"]), (&6.into(), &2.into()));
    let costly = place.run(&[&words[..], &["--cost", "3"]].concat()).json(1);
    assert_eq!(costly["allowed"], 1);
}

#[test]
fn a_rule_is_tried_as_if_it_were_enforced() {
    let place = Place::new();
    place.write("tidegate.toml", CONFIG);

    let said = place.run(&["test", "api", "42", "-n", "4"]).said(1);
    assert!(said.contains("3 of 4 requests of 42 allowed"), "{said}");
    assert!(said.contains("the rule is in the shadow"), "{said}");
    // What no response is charged for comes back.
    place.run(&["test", "failures", "a", "-n", "9"]).said(0);
    let said = place.run(&["test", "failures", "a", "-n", "9", "--status", "401"]).said(1);
    assert!(said.contains("2 of 9 requests"), "{said}");
}

#[test]
fn keys_on_a_list_of_the_rule_are_told() {
    let place = Place::new();
    place.write("keys.txt", "partner # for ever\n");
    let lists = "exempt = [{ file = \"keys.txt\" }]\ndeny = [\"stolen\"]\n";
    let rule = "[[rules]]\nname = \"api\"\nkey = \"user\"\nlimit = \"2/hour\"\n";
    place.write("tidegate.toml", &format!("{rule}{lists}"));

    let said = place.run(&["test", "api", "partner", "-n", "3"]).said(0);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[3], "     3  0ms  exempt          -            -            -");
    assert_eq!(lines[6], "partner is exempt: the rule neither counts nor refuses it");
    let answer = place.run(&["--json", "test", "api", "partner", "-n", "3"]).json(0);
    assert_eq!((&answer["exempt"], &answer["allowed"]), (&true.into(), &3.into()));

    let said = place.run(&["test", "api", "stolen", "-n", "1"]).said(1);
    assert!(said.contains("refused (deny_list)"), "{said}");
    let answer = place.run(&["--json", "test", "api", "other", "-n", "3"]).json(1);
    assert_eq!((&answer["exempt"], &answer["allowed"]), (&false.into(), &2.into()));

    // The configuration is shown as it was written, and a mistake in the list has its place.
    let shown = place.run(&["show"]).said(0);
    assert!(shown.contains("file = \"keys.txt\"") && !shown.contains("partner"), "{shown}");
    place.write("keys.txt", "partner\n  a\u{1}b\n");
    let found = place.run(&["check"]).said(1);
    assert!(found.contains("keys.txt:2:3: "), "{found}");
}

#[test]
fn a_live_try_counts() {
    let (place, server) = (Place::new(), RedisServer::start());
    let url = format!("{}?timeout=10s", server.url());
    place.write(
        "tidegate.toml",
        &format!(
            "store = \"{url}\"\n[[rules]]\nname = \"api\"\nkey = \"user\"\nlimit = \"10/hour\"\n"
        ),
    );

    place.run(&["test", "api", "42", "-n", "4"]).said(0);
    let said = place.run(&["test", "api", "42", "-n", "3", "--live"]).said(0);

    assert!(said.contains(&format!("these requests count in {url}\n")), "{said}");
    let rule = Rule::new("api", "10/hour".parse().unwrap());
    let limiter =
        Limiter::builder().rule(rule).shared_store(open_store(&url).unwrap()).build().unwrap();
    assert_eq!(limiter.peek("42", 1).unwrap().remaining, 7);
}

#[test]
fn an_address_counts_as_its_network() {
    let (place, server) = (Place::new(), RedisServer::start());
    let url = format!("{}?timeout=10s", server.url());
    let rule = "[[rules]]\nname = \"api\"\nkey = \"ip\"\nlimit = \"10/hour\"\n";
    place.write("tidegate.toml", &format!("store = \"{url}\"\n{rule}"));

    place.run(&["test", "api", "2001:db8::1", "-n", "2", "--live"]).said(0);
    let answer = place.run(&["--json", "keys", "list"]).json(0);

    assert_eq!((&answer[0]["key"], &answer[0]["remaining"]), (&"2001:db8::/64".into(), &8.into()));
}

#[test]
fn what_makes_no_sense_is_told() {
    let place = Place::new();
    place.run(&["test", "login", "a"]).complained(3);
    place.write("tidegate.toml", CONFIG);
    let told = place.run(&["test", "logn", "a"]).complained(5);
    assert!(told.contains("did you mean `login`?"), "{told}");
    let told = place.run(&["test", "x", "a", "--limit", "5/minit"]).complained(3);
    assert!(told.contains("did you mean \"minute\"?"), "{told}");
    for words in [["-n", "0"], ["--every", "soon"], ["--status", "20"]] {
        assert_eq!(place.run(&[&["test", "login", "a"][..], &words].concat()).exit, 2);
    }
    place.run(&["test", "login", "a", "--live"]).complained(4);
}
