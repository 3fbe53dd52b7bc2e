//! What is right, and what becomes of it.

use std::time::Duration;

use tidegate::{Key, fields::Profile};

use super::{FULL_TOML, FULL_YAML, toml, yaml};

#[test]
fn both_notations_say_the_same() {
    let (one, other) = (toml(FULL_TOML).unwrap(), yaml(FULL_YAML).unwrap());

    assert_eq!(format!("{:?}", one.config), format!("{:?}", other.config));
    assert_eq!(format!("{:?}", one.rules()), format!("{:?}", other.rules()));
    assert_eq!(one.store_url(), other.store_url());
}

#[test]
fn everything_that_is_said_arrives() {
    let loaded = toml(FULL_TOML).unwrap();

    let login = loaded.rule("login").unwrap();
    let limits: Vec<String> = login.limits().iter().map(ToString::to_string).collect();
    assert_eq!(limits, ["sliding_window_log: 5/5m", "sliding_window_log: 20/day"]);
    assert_eq!(login.counts(), &Key::Several(vec![Key::Ip, Key::Form("username".into())]));
    let told = format!("{login:?}");
    for part in ["Closed", "900s", "3600s", "86400s", "lease: Some(2s)", "401..=401", "POST"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let api = loaded.rule("api").unwrap();
    assert_eq!(api.limits().concurrent(), Some(20));
    let told = format!("{api:?}");
    for part in ["shadow: true", "cost: 2", "lease: Some(1s)", "/v{1,2}/*", "*.example.com"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(loaded.headers().to_string(), "x-ratelimit, draft");
    assert!(loaded.store_url().contains("secret"));
    assert!(!loaded.masked_store_url().contains("secret"));
    assert!(!serde_json::to_string(&loaded.config).unwrap().contains("secret"));
    assert!(!format!("{loaded:?}").contains("secret@"));
}

#[test]
fn rules_that_the_application_names_are_not_for_every_request() {
    let loaded = toml(FULL_TOML).unwrap();

    let names = |gate: &tidegate::Gate| {
        gate.rules().iter().map(|rule| rule.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(loaded.rules().len(), 3);
    assert_eq!(names(&loaded.builder().build().unwrap()), ["login", "api"]);
    assert!(!loaded.applies_to_requests(loaded.rule("reports").unwrap()));
}

#[test]
fn an_empty_file_is_a_configuration() {
    for loaded in [toml(""), yaml(""), toml("# nothing\n"), yaml("# nothing\n")] {
        let loaded = loaded.unwrap();
        assert_eq!((loaded.rules().len(), loaded.store_url()), (0, "memory://"));
        assert_eq!(loaded.headers(), Profile::default());
    }
}

#[test]
fn numbers_stand_for_seconds_and_statuses() {
    let rule = "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\nblock=1.5\ncharge_on=401\n";
    let loaded = toml(rule).unwrap();

    let told = format!("{:?}", loaded.rules()[0]);
    assert!(told.contains(&format!("{:?}", Duration::from_millis(1500))), "{told}");
}

#[test]
fn the_whole_can_be_put_in_the_shadow() {
    let rule = "mode='shadow'\n[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\n";
    assert!(format!("{:?}", toml(rule).unwrap().rules()[0]).contains("shadow: true"));
}
