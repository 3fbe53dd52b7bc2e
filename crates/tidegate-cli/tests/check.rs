//! `tidegate check`, `show` and `schema`.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::Place;

const RULE: &str = "[[rules]]\nname = \"api\"\nkey = \"ip\"\nlimit = \"10/minute\"\n";

#[test]
fn mistakes_are_told_with_their_place() {
    let place = Place::new();
    place.write("tidegate.toml", RULE);
    let broken =
        "stroe = \"memory://\"\n[[rules]]\nname = \"a\"\nkey = \"ip\"\nlimit = \"5/minit\"\n";
    place.write("broken.toml", broken);
    place.write("good.yaml", "rules: [{name: a, key: ip, limit: 1/s}]\n");

    assert_eq!(place.run(&["check"]).said(0), "tidegate.toml: no mistakes, 1 rule\n");
    let said = place.run(&["check", "good.yaml", "broken.toml"]).said(1);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "good.yaml: no mistakes, 1 rule");
    assert!(lines[1].starts_with("broken.toml:1:1: stroe: "), "{said}");
    assert!(lines[2].starts_with("broken.toml:5:9: rules[0].limit: "), "{said}");
    assert_eq!(lines[3], "broken.toml: 2 mistakes");
    let answer = place.run(&["check", "--json", "broken.toml", "good.yaml"]).json(1);
    assert_eq!((&answer[0]["valid"], &answer[1]["valid"]), (&false.into(), &true.into()));
    let problem = &answer[0]["problems"][1];
    assert_eq!((&problem["line"], &problem["field"]), (&5.into(), &"rules[0].limit".into()));
}

#[test]
fn a_warning_fails_only_when_asked_to() {
    let place = Place::new();
    let rule = |name: &str, limit: &str| {
        format!("[[rules]]\nname = \"{name}\"\nkey = \"ip\"\nlimit = \"{limit}\"\n")
    };
    place.write("tidegate.toml", &(rule("a", "10/minute") + &rule("b", "20/minute")));

    let said = place.run(&["check"]).said(0);
    assert!(said.contains("is never reached"), "{said}");
    assert!(said.ends_with("tidegate.toml: no mistakes, 2 rules, 1 warning\n"), "{said}");
    place.run(&["check", "--strict"]).said(1);
}

#[test]
fn the_configuration_is_found_as_an_application_finds_it() {
    let place = Place::new();
    let told = place.run(&["check"]).complained(3);
    assert!(told.contains("there is no configuration"), "{told}");
    let told = place.run(&["check", "nowhere.toml"]).complained(3);
    assert!(told.contains("cannot read `nowhere.toml`"), "{told}");
    place.write("tidegate.yaml", "rules: []\n");
    place.write("other.toml", RULE);
    assert_eq!(place.run(&["check"]).said(0), "tidegate.yaml: no mistakes, 0 rules\n");
    let named = place.command().arg("check").env("TIDEGATE_CONFIG", "other.toml").output().unwrap();
    assert_eq!(String::from_utf8(named.stdout).unwrap(), "other.toml: no mistakes, 1 rule\n");
}

#[test]
fn what_takes_effect_is_shown_without_secrets() {
    let place = Place::new();
    let config = format!("store = \"redis://u:hunter2@h/0\"\n{RULE}");
    place.write("tidegate.toml", &config);
    let mut command = place.command();
    command.args(["show"]).env("TIDEGATE_RULES__API__LIMIT", "99/hour");
    let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();

    assert!(shown.contains("limit = \"99/hour\""), "{shown}");
    assert!(shown.contains("store = \"redis://***@h/0\""), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    // What is shown is a configuration again.
    place.write("again.toml", &shown.replace("***@", "u:p@"));
    place.run(&["check", "again.toml"]).said(0);
    let answer = place.run(&["show", "--json"]).json(0);
    assert_eq!(answer["rules"][0]["limit"], "10/minute");

    place.write("tidegate.toml", "store = \"unix:///run/r.sock?pass=hunter2\"\n");
    let shown = place.run(&["show"]).said(0);
    assert!(shown.contains("pass=***") && !shown.contains("hunter2"), "{shown}");
    place.write("tidegate.toml", "store = 5\n");
    let told = place.run(&["show"]).complained(3);
    assert!(told.contains("tidegate.toml:1:9: store: "), "{told}");
}

#[test]
fn the_schema_is_the_engines() {
    let place = Place::new();
    let schema = place.run(&["schema"]).json(0);
    assert_eq!(schema["title"], "tidegate");
    assert!(place.run(&["schema", "--markdown"]).said(0).contains("| `trusted_proxies` |"));
}
