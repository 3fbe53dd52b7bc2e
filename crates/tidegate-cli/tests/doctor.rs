//! `tidegate doctor` on deployments that are well, and on ones that are not.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use common::{Place, text};
use serde_json::Value;
use tidegate_testkit::servers::{RedisOptions, RedisServer, postgres::PostgresServer};

const RULE: &str = "[[rules]]\nname = \"api\"\nkey = \"ip\"\nlimit = \"10/minute\"\n";

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A configuration with this store, that others may read.
fn configured(place: &Place, store: &str) {
    let path = place.write("tidegate.toml", &format!("store = \"{store}\"\n{RULE}"));
    mode(&path, 0o644);
}

/// The findings about a part: level and message.
fn about<'f>(findings: &'f Value, part: &str) -> Vec<(&'f str, &'f str)> {
    let all = findings.as_array().unwrap().iter().filter(|it| it["about"] == part);
    all.map(|it| (it["level"].as_str().unwrap(), it["message"].as_str().unwrap())).collect()
}

#[test]
fn a_deployment_that_is_well() {
    let (place, server) = (Place::new(), RedisServer::start());
    configured(&place, &format!("{}?timeout=20s", server.url()));

    let said = place.run(&["doctor"]).said(0);

    assert!(said.starts_with("ok       configuration: tidegate.toml: 1 rules\n"), "{said}");
    assert!(said.contains("\nok       eviction: maxmemory-policy is noeviction\n"), "{said}");
    assert!(said.contains("\nok       clock: "), "{said}");
    assert!(said.ends_with("\nnothing to mend\n"), "{said}");
}

#[test]
fn redis_that_throws_counters_away() {
    let place = Place::new();
    let options = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let server = RedisOptions::default().password("hunter2").args(options).start();
    let url = format!("redis://:hunter2@127.0.0.1:{}?timeout=20s", server.port());

    let answer = place.run(&["doctor", "--json", "--store", &url]).json(1);

    assert_eq!(about(&answer, "eviction")[0].0, "problem");
    assert!(about(&answer, "eviction")[0].1.contains("allkeys-lru"), "{answer}");
    assert_eq!(about(&answer, "store")[0].0, "ok", "{answer}");
    let socket = format!("{}?pass=hunter2&timeout=20s", server.socket_url());
    let answer = place.run(&["doctor", "--json", "--store", &socket]).json(1);
    assert_eq!(about(&answer, "eviction")[0].0, "problem", "{answer}");
}

#[test]
fn redis_by_tls_is_asked_too() {
    let (place, server) = (Place::new(), RedisOptions::default().tls().start());
    let certificates = server.certificates().unwrap();
    let url = format!(
        "rediss://localhost:{}?timeout=20s&ca={}&cert={}&key={}",
        server.port(),
        text(&certificates.ca),
        text(&certificates.client_cert),
        text(&certificates.client_key)
    );

    let answer = place.run(&["doctor", "--json", "--store", &url]).json(0);

    assert_eq!(about(&answer, "eviction"), [("ok", "maxmemory-policy is noeviction")]);
}

#[test]
fn a_server_that_is_away() {
    let place = Place::new();
    for url in ["redis://:hunter2@127.0.0.1:1", "postgresql://u:hunter2@127.0.0.1:1/a"] {
        configured(&place, url);
        mode(&place.path("tidegate.toml"), 0o600);
        let said = place.run(&["doctor"]).said(1);
        assert!(said.contains("problem  store: "), "{said}");
        assert!(said.contains("on_store_error decides"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn answers_are_held_against_the_timeout_of_the_application() {
    let (place, server) = (Place::new(), RedisServer::start());
    for (timeout, expected) in [("timeout=1ms", "1ms"), ("pool=1", "50ms")] {
        let url = format!("{}?{timeout}", server.url());
        let answer = place.run(&["doctor", "--json", "--store", &url]);
        // Quick enough or not: that is this machine's.
        assert!(answer.out.contains(&format!("of a timeout of {expected}")), "{}", answer.out);
    }
}

#[test]
fn a_schema_that_is_missing() {
    let (place, server) = (Place::new(), PostgresServer::shared());
    let url = format!("{}&schema=cli_doctor&timeout=20s", server.url());
    let there = "SELECT count(*) FROM pg_namespace WHERE nspname = 'cli_doctor'";

    let answer = place.run(&["doctor", "--json", "--store", &url]).json(0);
    assert_eq!(about(&answer, "schema")[0].0, "warning", "{answer}");
    place.run(&["doctor", "--strict", "--store", &url]).said(1);
    let kept = format!("{url}&auto_migrate=false");
    let said = place.run(&["doctor", "--store", &kept]).said(1);
    assert!(said.contains("run `tidegate migrate` as a user who may"), "{said}");
    // An audit changes nothing.
    assert_eq!(server.psql(there), "0");

    place.run(&["migrate", "--store", &url]).said(0);
    let answer = place.run(&["doctor", "--json", "--store", &kept]).json(0);
    assert_eq!(about(&answer, "schema"), [("ok", "`cli_doctor` is in place")]);
    assert_eq!(about(&answer, "store")[0].0, "ok", "{answer}");
}

#[test]
fn memory_under_several_workers() {
    let place = Place::new();
    configured(&place, "memory://");

    let said = place.run(&["doctor"]).said(0);
    assert!(said.contains("it is not known how many workers there are"), "{said}");
    place.run(&["doctor", "--workers", "1", "--strict"]).said(0);
    for words in [&["--workers", "4"][..], &["--command", "gunicorn -w 4 app:app"]] {
        let said = place.run(&[&["doctor"], words].concat()).said(1);
        assert!(said.contains("there are 4 workers"), "{said}");
        assert!(said.contains("store = \"shared://NAME\""), "{said}");
    }
    for (name, value) in [("WEB_CONCURRENCY", "2"), ("GUNICORN_CMD_ARGS", "--workers=2")] {
        let output = place.command().arg("doctor").env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(&format!("there are 2 workers ({name})")), "{said}");
    }
}

#[test]
fn files_that_others_can_read_or_change() {
    let (place, server) = (Place::new(), RedisServer::start());
    let path = place.path("tidegate.toml");
    let list = place.write("banned.txt", "198.51.100.0/24\n");
    let config = format!(
        "deny = [{{ file = \"banned.txt\" }}]\nstore = \"{}?timeout=20s\"\n{RULE}",
        server.url()
    );
    place.write("tidegate.toml", &config);
    mode(&path, 0o644);
    mode(&list, 0o644);
    place.run(&["doctor"]).said(0);

    mode(&list, 0o666);
    let said = place.run(&["doctor"]).said(1);
    assert!(said.contains("banned.txt can be changed by others (mode 666)"), "{said}");
    assert!(said.contains("chmod 644 "), "{said}");
    mode(&list, 0o600);
    let secret = config.replace("redis://", "redis://:hunter2@");
    place.write("tidegate.toml", &secret);
    let said = place.run(&["doctor"]).said(1);
    assert!(said.contains("has a password in it, and can be read by others (mode 644)"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_shared_table_and_what_it_cannot_count() {
    let place = Place::new();
    let table = place.path("table");
    configured(&place, &format!("shared://{}?capacity=1024&replace=true", text(&table)));
    let said = place.run(&["doctor"]).said(0);
    assert!(said.contains("skipped  store: ") && said.contains("is not there yet"), "{said}");
    assert!(!table.exists());

    drop(tidegate::open_store(&format!("shared://{}?capacity=1024", text(&table))).unwrap());
    let before = fs::metadata(&table).unwrap().ino();
    let said = place.run(&["doctor"]).said(0);
    assert!(said.contains("has 0 of 1024 keys"), "{said}");
    // It is still the file that applications have open.
    assert_eq!(fs::metadata(&table).unwrap().ino(), before);
    place.write(
        "tidegate.toml",
        &format!(
            "store = \"shared://{}\"\n{RULE}algorithm = \"sliding_window_log\"\n",
            text(&table)
        ),
    );
    let said = place.run(&["doctor"]).said(1);
    assert!(said.contains("problem  rules: rule `api` has the limit"), "{said}");
    configured(&place, &format!("shared://{}", text(&table)));
    mode(&table, 0o666);
    let said = place.run(&["doctor"]).said(1);
    assert!(said.contains("can be written by others (mode 666)"), "{said}");
}

#[test]
fn proxies_that_do_not_fit_the_traffic() {
    let place = Place::new();
    let lines = |peers: &[&str]| {
        peers.iter().fold(String::new(), |text, peer| {
            text + &format!("{peer} - - [26/Nov/2026:12:00:00 +0000] \"GET / HTTP/1.1\" 200 5\n")
        })
    };
    place.write("inside.log", &lines(&["10.0.0.1", "10.0.0.1", "203.0.113.7"]));
    place.write("outside.log", &lines(&["203.0.113.7", "198.51.100.1"]));
    place.write("empty.log", "nothing\n");
    let judged = |proxies: &str, log: &str, exit: i32| {
        let trust = if proxies.is_empty() {
            String::new()
        } else {
            format!("trusted_proxies = {proxies}\n")
        };
        place.write("tidegate.toml", &(trust + RULE));
        mode(&place.path("tidegate.toml"), 0o644);
        let answer = place.run(&["doctor", "--json", "--workers", "1", "--log", log]).json(exit);
        about(&answer, "trusted_proxies")
            .iter()
            .map(|(level, message)| format!("{level} {message}"))
            .collect::<Vec<_>>()
            .concat()
    };

    let told = judged("", "inside.log", 1);
    assert!(told.starts_with("problem none are set, and 2 of 3 requests"), "{told}");
    assert!(judged("", "outside.log", 0).starts_with("ok none"));
    assert!(judged("[\"10.0.0.0/8\"]", "outside.log", 1).contains("none of 2 requests"));
    let told = judged("[\"10.0.0.0/8\"]", "inside.log", 0);
    assert!(told.starts_with("warning 1 of 3 requests came past them, from 203.0.113.7"), "{told}");
    assert!(judged("[\"10.0.0.0/8\", \"203.0.113.7\"]", "inside.log", 0).starts_with("ok all 3"));
    assert!(judged("1", "inside.log", 0).starts_with("warning 1 proxies in a row"));
    assert!(judged("", "empty.log", 0).starts_with("skipped no line"));
    place.run(&["doctor", "--log", "not-there"]).complained(3);
}

#[test]
fn what_is_known_of_an_applications_routes() {
    let place = Place::new();
    configured(&place, "memory://");
    let routes = |words: &[&str]| {
        let words = [&["doctor", "--json", "--workers", "1", "--app", "main:app"], words].concat();
        let answer = place.run(&words).json(0);
        let (level, message) = about(&answer, "routes")[0];
        format!("{level} {message}")
    };

    assert!(routes(&[]).starts_with("skipped not looked at: this program cannot import"));
    assert_eq!(routes(&["--app-routes", "7"]), "ok all 7 routes of main:app have a limit");
    let unlimited = ["--app-routes", "7", "--app-unlimited", "GET /a", "--app-unlimited", "GET /b"];
    assert_eq!(
        routes(&unlimited),
        "warning 2 of 7 routes of main:app have no limit: GET /a, GET /b"
    );
}

#[test]
fn how_an_address_is_found() {
    let place = Place::new();
    place.write("tidegate.toml", &format!("trusted_proxies = [\"10.0.0.0/8\"]\n{RULE}"));
    let words = ["doctor", "--explain-address", "10.0.0.1", "--forwarded"];
    let said = place.run(&[&words[..], &["6.6.6.6, 203.0.113.7, 10.0.0.2"]].concat()).said(0);

    assert_eq!(
        said,
        "1. the peer is 10.0.0.1, one of trusted_proxies: it is believed\n\
         2. x-forwarded-for says `10.0.0.2`: the request came from 10.0.0.2\n\
         3. x-forwarded-for says `203.0.113.7`: the request came from 203.0.113.7\n\
         4. 203.0.113.7 is no proxy that is believed: the 1 before it could be anything, and are \
         not read\n\nclient: 203.0.113.7\ncounted as: 203.0.113.7\n"
    );
    let words = ["doctor", "--json", "--explain-address", "2001:db8::1", "--forwarded", "1.2.3.4"];
    let answer = place.run(&words).json(0);
    assert_eq!((&answer["trusted"], &answer["key"]), (&false.into(), &"2001:db8::/64".into()));
    assert!(answer["steps"][1].as_str().unwrap().contains("is ignored"), "{answer}");
    assert_eq!(place.run(&["doctor", "--forwarded", "a"]).exit, 2);
}

#[test]
fn a_configuration_that_does_not_load() {
    let place = Place::new();
    let said = place.run(&["doctor"]).said(1);
    assert!(said.contains("problem  configuration: there is no configuration"), "{said}");
    place.write("tidegate.toml", "stroe = 5\n");
    let said = place.run(&["doctor"]).said(1);
    assert!(said.contains("problem  configuration: tidegate.toml:1:1: stroe: "), "{said}");
    assert!(said.contains("skipped  store: not looked at"), "{said}");
}
