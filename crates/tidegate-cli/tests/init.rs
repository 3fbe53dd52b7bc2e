//! `tidegate init`, and what it makes of other systems' configurations.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::Place;
use tidegate::config::{self, Loaded};

/// Every section and key that flux-limiter reads, and one that it does not.
const FLUX: &str = r#"
[redis]
host = "127.0.0.1"
port = 6380
pool_size = 5
timeout_ms = 200

[flux]
key_prefix = "flux:"
log_file = "flux_debug.log"
fail_silently = true
console_logging = false
jitter_enabled = true
jitter_max_ms = 500

[analytics]
enabled = true
port = 4444
stream = "flux:events"
retention = 100000
sample_rate = 0.5

[rate_limit]
policy = "GCRA"
requests = 100
period = 60
burst = 10

[rate_limits.strict]
requests = 5
period = 300
policy = "token_bucket"

[rate_limits."high throughput"]
requests = 10000
period = 1
burst = 20

[rate_limits.window]
policy = "fixed_window"
requests = 0

[rate_limits.odd]
policy = "sliding"

[unknown]
key = "x\ny"
"#;

/// A part of every section that ratethrottle reads.
const RATETHROTTLE: &str = r#"
storage:
  type: redis
  redis:
    host: localhost
    port: 6379
    db: 2
    password: "p@ss/word"
    key_prefix: "ratethrottle:"
    max_connections: 50
    socket_timeout: 5
    socket_connect_timeout: 5
    retry_on_timeout: true
global:
  enabled: true
  default_strategy: sliding_window
  headers_enabled: false
  log_violations: true
  log_level: INFO
rules:
  - name: default
    limit: 1000
    window: 3600
  - name: login
    limit: 5
    window: 300
    scope: ip
    strategy: leaky_bucket
    block_duration: 900
    paths: ["/login", "/api/login"]
    methods: [POST]
  - name: api
    limit: 100
    window: 60
    scope: user
    strategy: token_bucket
    burst: 150
    block_duration: 0
  - name: pages
    limit: 60
    window: 90
    scope: endpoint
    strategy: sliding_counter
    burst: 70
  - {name: all, limit: 10000, window: 1, scope: global, strategy: fixed_window}
ddos_protection:
  enabled: true
  threshold: 10000
adaptive:
  persistence:
    filepath: models/adaptive_model.json
alerting:
  slack: {webhook_url: null}
"#;

fn load(place: &Place, file: &str) -> Loaded {
    config::load(&place.path(file)).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Name, limit, key and mode of use of every rule.
fn rules(loaded: &Loaded) -> Vec<(String, String, String, bool)> {
    let rules = loaded.rules().iter().zip(&loaded.config.rules);
    rules
        .map(|(rule, given)| {
            let applies = given.apply == config::Apply::Requests;
            let limits = rule.limits().to_string();
            (rule.name().to_owned(), limits, rule.counts().to_string(), applies)
        })
        .collect()
}

fn rule(name: &str, limit: &str, key: &str, applies: bool) -> (String, String, String, bool) {
    let limit = limit.parse::<tidegate::Limits>().unwrap().to_string();
    (name.to_owned(), limit, key.to_owned(), applies)
}

#[test]
fn a_template_loads_in_both_notations() {
    let place = Place::new();

    assert_eq!(place.run(&["init"]).said(0), "wrote tidegate.toml\n");
    assert_eq!(place.run(&["init", "--yaml"]).said(0), "wrote tidegate.yaml\n");
    let printed = place.run(&["init", "--output", "-"]).said(0);

    assert_eq!(printed, place.read("tidegate.toml"));
    for file in ["tidegate.toml", "tidegate.yaml"] {
        assert_eq!(load(&place, file).rules().len(), 1);
    }
}

#[test]
fn nothing_is_replaced_unless_asked_for() {
    let place = Place::new();
    place.write("tidegate.toml", "mine");

    let told = place.run(&["init"]).complained(3);
    assert!(told.contains("`tidegate.toml` is there already; give --force"), "{told}");
    assert_eq!(place.read("tidegate.toml"), "mine");

    place.run(&["init", "--force"]).said(0);
    assert_ne!(place.read("tidegate.toml"), "mine");
    let told = place.run(&["init", "--yaml", "--output", "a.toml"]).complained(2);
    assert!(told.contains("--yaml"), "{told}");
    let told = place.run(&["init", "--output", "no/such/folder.toml"]).complained(3);
    assert!(told.contains("cannot write `no/such/folder.toml`"), "{told}");
}

#[test]
fn a_configuration_of_flux_limiter_is_converted() {
    let place = Place::new();
    place.write("flux.toml", FLUX);

    for file in ["tidegate.toml", "tidegate.yaml"] {
        let said = place.run(&["init", "--from", "flux.toml", "--output", file]).said(0);
        assert!(said.ends_with("10 keys have no counterpart; see the comments at its end\n"));

        let loaded = load(&place, file);
        assert_eq!(
            loaded.store_url(),
            "redis://127.0.0.1:6380?prefix=flux%3A&timeout=200ms&pool=5"
        );
        assert_eq!(
            rules(&loaded),
            [
                rule("default", "gcra: 100/minute burst 10", "ip", false),
                rule("strict", "token_bucket: 5/5 minutes burst 10", "ip", false),
                rule("high throughput", "gcra: 10000/second burst 20", "ip", false),
                rule("window", "fixed_window: 100/minute", "ip", false),
                rule("odd", "gcra: 100/minute burst 10", "ip", false),
            ]
        );
        let text = place.read(file);
        for left in [
            "flux.log_file = \"flux_debug.log\"",
            "flux.console_logging = false",
            "flux.jitter_enabled = true",
            "flux.jitter_max_ms = 500",
            "analytics.enabled = true",
            "analytics.port = 4444",
            "analytics.stream = \"flux:events\"",
            "analytics.retention = 100000",
            "analytics.sample_rate = 0.5",
            "unknown.key = \"x\\ny\"",
        ] {
            assert!(text.contains(&format!("\n#   {left}\n")), "{left}:\n{text}");
        }
        assert!(text.contains("rate_limits.odd.policy = \"sliding\" is no policy"), "{text}");
    }
}

#[test]
fn what_flux_limiter_takes_for_granted_is_written() {
    let place = Place::new();
    place.write("flux.toml", "");
    let text = place.run(&["init", "--from", "flux.toml", "--output", "-"]).said(0);
    place.write("tidegate.toml", &text);

    let loaded = load(&place, "tidegate.toml");
    assert_eq!(loaded.store_url(), "redis://127.0.0.1:6379");
    assert_eq!(rules(&loaded), [rule("default", "gcra: 100/minute", "ip", false)]);
}

#[test]
fn a_configuration_of_ratethrottle_is_converted() {
    let place = Place::new();
    place.write("ratethrottle.yaml", RATETHROTTLE);

    for file in ["tidegate.toml", "tidegate.yaml"] {
        place.run(&["init", "--from", "ratethrottle.yaml", "--output", file]).said(0);
        let loaded = load(&place, file);

        assert_eq!(
            loaded.store_url(),
            "redis://:p%40ss%2Fword@localhost:6379/2?prefix=ratethrottle%3A&timeout=5000ms&pool=50"
        );
        assert_eq!(
            rules(&loaded),
            [
                rule("default", "sliding_window_log: 1000/hour", "ip", false),
                rule("login", "sliding_window_log: 5/5 minutes", "ip", true),
                rule("api", "token_bucket: 100/minute burst 150", "user", false),
                rule("pages", "sliding_window_counter: 60/90s", "path", false),
                rule("all", "fixed_window: 10000/second", "global", false),
            ]
        );
        let login = &loaded.config.rules[1];
        let applies = login.applies_to.as_ref().unwrap();
        let paths = applies.path.as_ref().unwrap().texts().collect::<Vec<_>>();
        assert_eq!(paths, ["/login", "/api/login"]);
        assert_eq!(applies.methods.as_ref().unwrap().texts().next(), Some("POST"));
        assert_eq!(login.block.as_ref().unwrap().texts().next(), Some("900s"));
        assert!(loaded.config.rules[2].block.is_none());
        assert_eq!(loaded.config.headers.as_ref().unwrap().texts().next(), Some("none"));
        let text = place.read(file);
        for left in [
            "storage.redis.socket_connect_timeout: 5",
            "storage.redis.retry_on_timeout: true",
            "global.log_violations: true",
            "global.log_level: \"INFO\"",
            "ddos_protection.enabled: true",
            "ddos_protection.threshold: 10000",
            "adaptive.persistence.filepath: \"models/adaptive_model.json\"",
            "alerting.slack.webhook_url: null",
            "rules[3].burst: 70",
        ] {
            assert!(text.contains(&format!("\n#   {left}\n")), "{left}:\n{text}");
        }
    }
}

#[test]
fn ratethrottle_in_memory_and_switched_off() {
    let place = Place::new();
    place.write("r.yml", "global: {enabled: false}\n");
    place.run(&["init", "--from", "r.yml"]).said(0);

    let loaded = load(&place, "tidegate.toml");
    assert_eq!(loaded.store_url(), "memory://");
    assert_eq!(loaded.config.mode, config::Mode::Shadow);
    assert_eq!(rules(&loaded), [rule("default", "sliding_window_counter: 1000/hour", "ip", false)]);
}

#[test]
fn what_a_rule_has_from_an_anchor_counts_unless_it_says_otherwise() {
    let place = Place::new();
    place.write(
        "r.yaml",
        "shared: &shared {limit: 5, window: 60, scope: global}\n\
         rules: [{<<: *shared, name: a}, {<<: [*shared], name: b, limit: 7}]\n",
    );
    place.run(&["init", "--from", "r.yaml"]).said(0);

    assert_eq!(
        rules(&load(&place, "tidegate.toml")),
        [
            rule("a", "sliding_window_counter: 5/minute", "global", false),
            rule("b", "sliding_window_counter: 7/minute", "global", false),
        ]
    );
}

#[test]
fn what_cannot_be_converted_is_told_with_its_place() {
    let place = Place::new();
    for (file, text, expected) in [
        ("a.json", "{}", "expected one of flux-limiter, which ends in .toml"),
        ("a.toml", "[redis", "a.toml:1"),
        ("b.toml", "[redis]\nport = true", "b.toml: redis.port is true; expected a number"),
        ("c.toml", "[rate_limit]\nrequests = -5", "says what tidegate cannot do"),
        ("a.yaml", "rules: 5", "a.yaml: rules is 5; expected a list of rules"),
        ("b.yaml", "rules: [{name: a, limit: 5}]", "b.yaml: rules[0]: window is null"),
        ("c.yaml", "- a", "c.yaml: expected a table of settings"),
        ("d.yaml", "a: [", "d.yaml: "),
        (
            "e.yaml",
            "rules: [{name: a, limit: 5, window: 1, scope: city}]",
            "scope is \"city\"; expected ip, user, endpoint or global",
        ),
        ("f.yaml", "storage: {type: etcd}", "storage.type is \"etcd\"; expected memory or redis"),
    ] {
        place.write(file, text);
        let told = place.run(&["init", "--from", file]).complained(3);
        assert!(told.contains(expected), "{file}: {told}");
        assert!(!place.path("tidegate.toml").exists());
    }
    place.run(&["init", "--from", "not-there.toml"]).complained(3);
}

#[test]
fn the_answer_can_be_json() {
    let place = Place::new();
    place.write("flux.toml", "[flux]\nlog_file = \"x\"");

    let answer = place.run(&["--json", "init", "--from", "flux.toml"]).json(0);

    assert_eq!(answer["file"], "tidegate.toml");
    assert_eq!(answer["without_counterpart"][0], "flux.log_file = \"x\"");
}
