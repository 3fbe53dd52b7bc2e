//! The counts of a replay against those of a slow reference, which is given the requests as they
//! were before they were written down.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Folder, json,
    log::{Request, Written, make},
    reference::{Model, Reference, Rule, SECOND},
    simulate, text,
};

fn everybody(_: &Request) -> String {
    "(everybody)".to_owned()
}

fn address(request: &Request) -> String {
    request.who.clone()
}

/// A user, or the address of a request that has none.
fn user(request: &Request) -> String {
    request.user.map_or_else(|| format!("\\x00{}", request.who), |it| format!("user-{it}"))
}

fn host_in(request: &Request, network: &str) -> Option<u8> {
    request.who.strip_prefix(network)?.parse().ok()
}

/// One rule at a time: algorithms, statuses, a list, the shadow.
const APART: &str = r#"
deny = ["198.51.100.0/25"]

[[rules]]
name = "api"
match = { path = "/api/**" }
key = "ip"
limit = "20/minute"

[[rules]]
name = "login"
match = { path = "/login", methods = ["POST"] }
key = "ip"
limit = "sliding_window_log: 5/5m"
charge_on = 401

[[rules]]
name = "static"
match = { path = "/static/**" }
key = "global"
limit = "fixed_window: 300/minute"

[[rules]]
name = "strict"
key = "ip"
limit = "fixed_window: 3/second"
mode = "shadow"
"#;

fn apart() -> Reference {
    let log = Model::Log { limit: 5, period: 300 * SECOND, admitted: VecDeque::new() };
    let mut login =
        Rule::new("login", |it| (it.path, it.method) == ("/login", "POST"), address, vec![log]);
    login.charge_on = Some(401);
    let strict = vec![Model::window(3, SECOND)];
    let mut strict = Rule::new("strict", |_| true, address, strict);
    strict.is_shadow = true;
    let api = vec![Model::bucket(20, 3 * SECOND)];
    let shared = vec![Model::window(300, 60 * SECOND)];
    let mut reference = Reference::new(vec![
        Rule::new("api", |it| it.path.starts_with("/api/"), address, api),
        login,
        Rule::new("static", |it| it.path.starts_with("/static/"), everybody, shared),
        strict,
    ]);
    reference.denies = |it| host_in(it, "198.51.100.").is_some_and(|host| host < 128);
    reference
}

/// Rules that meet on a request: all or nothing, several limits, penalties, users, a queue.
const TOGETHER: &str = r#"
allow = ["198.51.100.128/25"]

[[rules]]
name = "all"
match = { path = "/**", exclude = "/static/**" }
key = "ip"
limit = "600/hour burst 30"
block = ["1m", "5m"]

[[rules]]
name = "orders"
match = { path = "/api/orders", methods = ["POST"] }
key = ["ip", "path"]
limit = ["sliding_window_counter: 9/minute", "fixed_window: 100/hour"]

[[rules]]
name = "users"
match = { path = "/api/**" }
key = "user"
limit = "fixed_window: 12/minute"
block = "30s"
charge_on = 200

[[rules]]
name = "files"
match = { path = "/static/**" }
key = "global"
limit = "leaky_bucket: 5/second queue 2s"
"#;

fn together() -> Reference {
    let all = vec![Model::bucket(30, 6 * SECOND)];
    let mut all = Rule::new("all", |it| !it.path.starts_with("/static/"), address, all);
    all.block = vec![60 * SECOND, 300 * SECOND];
    let per_minute = Model::Weighted { limit: 9, period: 60 * SECOND, windows: VecDeque::new() };
    let orders = vec![per_minute, Model::window(100, 3600 * SECOND)];
    let orders = Rule::new(
        "orders",
        |it| (it.path, it.method) == ("/api/orders", "POST"),
        |it| format!("{}|{}", it.who, it.path),
        orders,
    );
    let users = vec![Model::window(12, 60 * SECOND)];
    let mut users = Rule::new("users", |it| it.path.starts_with("/api/"), user, users);
    users.block = vec![30 * SECOND];
    users.charge_on = Some(200);
    let queue = Model::Queue { each: SECOND / 5, longest: 2 * SECOND, free_at: 0 };
    let files = |it: &Request| it.path.starts_with("/static/");
    let files = Rule::new("files", files, everybody, vec![queue]);
    let mut reference = Reference::new(vec![all, orders, users, files]);
    reference.lets_in = |it| host_in(it, "198.51.100.").is_some_and(|host| host >= 128);
    reference
}

/// Requests, refusals and the line of the first, by key; of keys that were refused at all.
type Counts = BTreeMap<String, (u64, u64, u64)>;

fn told(rule: &serde_json::Value) -> Counts {
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    let keys = rule["worst"].as_array().unwrap().iter();
    keys.map(|key| {
        let first = number(&key["first_refusal"]["line"]);
        let name = key["key"].as_str().unwrap().to_owned();
        (name, (number(&key["requests"]), number(&key["refused"]), first))
    })
    .collect()
}

fn expected(rule: &Rule) -> Counts {
    let refused = rule.keys.iter().filter_map(|(key, it)| Some((key, it, it.first?)));
    refused.map(|(key, it, first)| (key.clone(), (it.requests, it.refused, first))).collect()
}

fn compare(name: &str, lines: usize, written: Written, rules: &str, mut reference: Reference) {
    let folder = Folder::new(name);
    let (log, requests) = make(lines, written);
    let (log, config) = (folder.write("access.log", log), folder.write("t.toml", rules));
    let output = simulate(&[&log, "--config", &config, "--top", "1000000", "--json"], b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let answer = json(&output);

    for (index, request) in requests.iter().enumerate() {
        if let Some(request) = request {
            reference.take(request, index as u64 + 1);
        }
    }
    assert_eq!(answer["lines"], requests.len());
    assert_eq!(answer["out_of_order"], reference.out_of_order);
    let report = &answer["reports"][0];
    for (name, count) in [
        ("requests", reference.requests),
        ("refused", reference.refused),
        ("denied_by_list", reference.denied),
        ("allowed_by_list", reference.let_in),
        ("unlimited", reference.unlimited),
        ("forgotten_keys", 0),
    ] {
        assert_eq!(report[name], count, "{name}");
    }
    let stretches = report["over_time"]["stretches"].as_array().unwrap();
    let refused = stretches.iter().map(|it| it["refused"].as_u64().unwrap());
    assert_eq!(refused.sum::<u64>(), reference.refused);
    let reports = report["rules"].as_array().unwrap();
    assert_eq!(reports.len(), reference.rules.len());
    for (report, rule) in reports.iter().zip(&reference.rules) {
        let (name, keys) = (rule.name, rule.keys.values());
        assert_eq!(report["rule"], name);
        assert_eq!(report["requests"], keys.clone().map(|it| it.requests).sum::<u64>(), "{name}");
        assert_eq!(report["refused"], keys.clone().map(|it| it.refused).sum::<u64>(), "{name}");
        assert_eq!(report["keys"], keys.len(), "{name}");
        let first = keys.clone().filter_map(|it| it.first).min();
        assert_eq!(report["first_refusal"]["line"].as_u64(), first, "{name}");
        let few = keys.filter(|it| it.refused > 0 && it.refused * 20 < it.requests).count();
        assert_eq!(report["collateral"]["keys"], few, "{name}");
        let expected = expected(rule);
        assert!(!expected.is_empty(), "{name} refuses nobody, which tests nothing");
        assert_eq!(told(report), expected, "{name}");
    }
}

#[test]
fn counts_of_rules_by_themselves_are_those_of_a_slow_reference() {
    compare("apart", 200_000, Written::Combined, APART, apart());
}

#[test]
fn counts_of_rules_that_meet_are_those_of_a_slow_reference() {
    compare("together", 200_000, Written::Combined, TOGETHER, together());
}

#[test]
fn counts_of_a_log_in_json_are_those_of_a_slow_reference() {
    compare("json", 50_000, Written::Json, TOGETHER, together());
}

#[test]
fn counts_of_a_million_lines_are_those_of_a_slow_reference() {
    compare("million-apart", 1_000_000, Written::Combined, APART, apart());
    compare("million-together", 1_000_000, Written::Json, TOGETHER, together());
}
