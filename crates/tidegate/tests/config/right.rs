//! What is right, and what becomes of it.

use std::{borrow::Cow, time::Duration};

use tidegate::{Facts, Key, Lines, fields::Profile};

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
    assert!(login.is_exempt(b"192.0.2.9|monitor") && !login.is_exempt(b"192.0.2.9|ana"));
    assert!(told.contains("deny: 2"), "{told}");
    assert_eq!(loaded.headers().to_string(), "x-ratelimit, draft");
    assert!(loaded.store_url().contains("secret"));
    assert!(!loaded.masked_store_url().contains("secret"));
    assert!(!serde_json::to_string(&loaded.config).unwrap().contains("secret"));
    assert!(!format!("{loaded:?}").contains("secret@"));
}

/// A request that no rule of the example matches, and perhaps a rule by name.
struct Named(Option<&'static str>);

impl Facts for Named {
    fn peer(&self) -> Option<&str> {
        Some("203.0.113.7")
    }

    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> Cow<'_, [u8]> {
        b"/".into()
    }

    fn header(&self, _: &str) -> Lines<'_> {
        Lines::new()
    }

    fn rule(&self) -> Option<&str> {
        self.0
    }
}

#[test]
fn rules_that_the_application_names_are_not_for_every_request() {
    let loaded = toml(FULL_TOML).unwrap();

    let gate = loaded.builder().build().unwrap();
    let facts = Named(None);
    assert_eq!(gate.applying(&facts).count(), 0);
    assert!(gate.applying(&Named(Some("reports"))).eq([2]));
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

#[test]
fn a_key_stands_for_what_is_counted() {
    let addresses = "['2001:db8:1:2::9', '2001:db8:7::/64', '192.0.2.1', '192.0.2.2/32']";
    let loaded = toml(&format!(
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\nexempt={addresses}\n\
         [[rules]]\nname='b'\nkey=['ip', 'user']\nlimit='1/s'\nexempt='2001:db8::1|a||b'\n\
         [[rules]]\nname='c'\nkey='user'\nlimit='1/s'\nexempt=['\\xff#1', '2001:db8::1']\n\
         [[rules]]\nname='d'\nkey='path'\nlimit='1/s'\nexempt='\\x00'\n"
    ));
    let loaded = loaded.unwrap();
    let exempt = |rule: &str, key: &[u8]| loaded.rule(rule).unwrap().is_exempt(key);

    for network in ["2001:db8:1:2::/64", "2001:db8:7::/64", "192.0.2.1", "192.0.2.2"] {
        assert!(exempt("a", network.as_bytes()), "{network}");
    }
    assert!(exempt("b", b"2001:db8::/64|a||b"));
    assert!(exempt("c", b"\xff#1") && exempt("c", b"2001:db8::1"));
    assert!(exempt("d", b"\0"));
}
