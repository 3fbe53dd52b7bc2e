//! What a gate does besides counting: rules that match, keys of several, lists, the shadow;
//! penalties and the ends of requests have files of their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should panic")]

mod ends;
mod keys;
mod penalties;

use std::{borrow::Cow, sync::Arc, time::Duration};

use tidegate::{
    Decision, Error, Facts, Gate, GateBuilder, Key, Lines, ManualClock, Match, Reason, Rule,
};

/// A request that is not there.
#[derive(Clone, Default)]
struct Request {
    path: &'static str,
    method: &'static str,
    peer: &'static str,
    query: &'static str,
    user: Option<&'static str>,
    form: Option<(&'static str, &'static str)>,
    route: Option<&'static str>,
    limit: Option<&'static str>,
    headers: Vec<(&'static str, &'static str)>,
    is_exempt: bool,
    rule: Option<&'static str>,
}

impl Request {
    fn to(path: &'static str) -> Self {
        Self { path, method: "GET", peer: "192.0.2.1", ..Self::default() }
    }
}

impl Facts for Request {
    fn peer(&self) -> Option<&str> {
        Some(self.peer)
    }

    fn method(&self) -> &str {
        self.method
    }

    fn path(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.path.as_bytes())
    }

    fn header(&self, name: &str) -> Lines<'_> {
        let of_name = self.headers.iter().filter(|(key, _)| *key == name);
        of_name.map(|(_, value)| Cow::Borrowed(value.as_bytes())).collect()
    }

    fn rule(&self) -> Option<&str> {
        self.rule
    }

    fn query(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.query.as_bytes())
    }

    fn user(&self) -> Option<Cow<'_, [u8]>> {
        self.user.map(|user| Cow::Borrowed(user.as_bytes()))
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        self.route.map(Cow::Borrowed)
    }

    fn form(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let (field, value) = self.form?;
        (field == name).then_some(Cow::Borrowed(value.as_bytes()))
    }

    fn limit(&self, _rule: usize) -> Option<Cow<'_, str>> {
        self.limit.map(Cow::Borrowed)
    }

    fn is_exempt(&self, _rule: usize) -> bool {
        self.is_exempt
    }
}

fn rule(name: &str, limit: &str) -> Rule {
    Rule::new(name, limit.parse().unwrap())
}

fn on(paths: &[&str]) -> Match {
    Match { paths: paths.iter().map(|&it| it.to_owned()).collect(), ..Match::default() }
}

fn gate(rules: impl IntoIterator<Item = Rule>) -> Gate {
    rules.into_iter().fold(Gate::builder(), GateBuilder::rule).build().unwrap()
}

fn clocked(rule: Rule) -> (Gate, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Duration::from_secs(1_750_000_000)));
    (Gate::builder().rule(rule).clock(clock.clone()).build().unwrap(), clock)
}

fn admit(gate: &Gate, request: &Request) -> Decision {
    gate.admit(request).unwrap()
}

fn subject(decision: &Decision) -> &[u8] {
    decision.subject.as_deref().unwrap()
}

#[test]
fn only_the_rules_that_match_are_counted() {
    let gate = gate([
        rule("all", "100/hour"),
        rule("login", "1/hour").matching(on(&["/login"])),
        rule("api", "2/hour").matching(on(&["/api/**"])),
    ]);

    assert!(admit(&gate, &Request::to("/login")).allowed);
    let refused = admit(&gate, &Request::to("/login"));
    assert!(!refused.allowed && refused.rule() == "login");
    assert!(admit(&gate, &Request::to("/api/x")).allowed);
    let other = admit(&gate, &Request::to("/"));
    assert_eq!((other.rule(), other.remaining, other.answers().len()), ("all", 97, 1));
}

#[test]
fn a_request_that_no_rule_matches_is_not_counted() {
    let gate = gate([rule("login", "1/hour").matching(on(&["/login"]))]);
    for _ in 0..3 {
        let decision = admit(&gate, &Request::to("/"));
        assert!(decision.allowed && !decision.is_counted() && decision.rule().is_empty());
        assert!(
            decision.fields(tidegate::fields::Profile::X_RATELIMIT, gate.unix_now()).is_empty()
        );
    }
}

#[test]
fn keys_of_several_keep_everybody_apart() {
    let key = Key::Several(vec![Key::Ip, Key::Form("user".to_owned())]);
    let gate = gate([rule("login", "1/hour").key(key)]);
    let login = |peer, user| Request { peer, form: Some(("user", user)), ..Request::to("/") };

    let first = admit(&gate, &login("192.0.2.1", "ana"));
    assert_eq!(subject(&first), b"192.0.2.1|ana");
    assert!(!admit(&gate, &login("192.0.2.1", "ana")).allowed);
    assert!(admit(&gate, &login("192.0.2.2", "ana")).allowed);
    assert!(admit(&gate, &login("192.0.2.1", "bo")).allowed);
    // A separator in a part is no separator.
    assert_eq!(subject(&admit(&gate, &login("192.0.2.3", "a|b"))), b"192.0.2.3|a||b");
}

#[test]
fn every_source_of_a_key_is_read() {
    let request = Request {
        query: "q=a%20b&q=c",
        user: Some("ana"),
        route: Some("/items/{id}"),
        headers: vec![("host", "Example.com:8000"), ("cookie", "a=1; session=xyz")],
        ..Request::to("/items/7")
    };
    for (key, expected) in [
        ("query:q", "a b"),
        ("user", "ana"),
        ("route", "/items/{id}"),
        ("host", "example.com"),
        ("cookie:session", "xyz"),
        ("path", "/items/7"),
        ("cookie:none", "\x00192.0.2.1"),
        ("query:none", "\x00192.0.2.1"),
        ("form:none", "\x00192.0.2.1"),
    ] {
        let gate = gate([rule("test", "9/hour").key(key.parse().unwrap())]);
        assert_eq!(subject(&admit(&gate, &request)), expected.as_bytes(), "{key}");
    }
}

#[test]
fn nobody_can_pretend_to_have_no_key() {
    let gate = gate([rule("test", "9/hour").key("query:q".parse().unwrap())]);
    let pretender = Request { query: "q=%00192.0.2.1", ..Request::to("/") };
    assert_eq!(subject(&admit(&gate, &pretender)), b"\0\x00192.0.2.1");
}

#[test]
fn lists_come_before_the_rules() -> Result<(), Error> {
    let gate = Gate::builder()
        .rule(rule("all", "1/hour"))
        .allow(vec!["192.0.2.0/24".to_owned()])
        .deny(vec!["198.51.100.7".to_owned()])
        .build()?;
    let from = |peer| Request { peer, ..Request::to("/") };

    for _ in 0..3 {
        assert!(admit(&gate, &from("192.0.2.9")).allowed);
    }
    let denied = admit(&gate, &from("198.51.100.7"));
    assert_eq!(denied.reason, Some(Reason::DenyList));
    assert_eq!(denied.refusal(None).map(|(status, _)| status), Some(403));
    assert!(admit(&gate, &from("203.0.113.1")).allowed);
    assert!(!admit(&gate, &from("203.0.113.1")).allowed);
    Ok(())
}

#[test]
fn a_plan_has_limits_of_its_own_and_keeps_what_was_used() {
    let gate = gate([rule("api", "1/hour").key(Key::Ip)]);
    let with = |peer, limit| Request { peer, limit, ..Request::to("/") };

    for _ in 0..5 {
        assert!(admit(&gate, &with("192.0.2.1", Some("5/hour"))).allowed);
    }
    let refused = admit(&gate, &with("192.0.2.1", Some("5/hour")));
    assert_eq!((refused.allowed, refused.limit), (false, 5));
    assert!(admit(&gate, &with("192.0.2.2", None)).allowed);
    assert!(!admit(&gate, &with("192.0.2.2", None)).allowed);
    assert!(gate.admit(&with("192.0.2.1", Some("five"))).is_err());
}

#[test]
fn an_exempt_request_is_not_counted() {
    let gate = gate([rule("api", "1/hour")]);
    let exempt = Request { is_exempt: true, ..Request::to("/") };

    assert!((0..5).all(|_| admit(&gate, &exempt).allowed));
    assert!(admit(&gate, &Request::to("/")).allowed);
    assert!(!admit(&gate, &Request::to("/")).allowed);
}

#[test]
fn the_shadow_counts_and_refuses_nothing() {
    let gate = gate([rule("old", "5/hour"), rule("new", "2/hour").shadow(true)]);
    let seen: Vec<_> = (0..6).map(|_| admit(&gate, &Request::to("/"))).collect();

    let shadow = |decision: &Decision| decision.shadow.iter().any(|name| &**name == "new");
    assert_eq!(
        seen.iter().map(shadow).collect::<Vec<_>>(),
        [false, false, true, true, true, false]
    );
    assert_eq!(seen.iter().filter(|decision| decision.allowed).count(), 5);
    assert_eq!(seen[4].rule(), "old");
}

#[test]
fn rules_that_make_no_sense_are_named() {
    let build = |rule: Rule| Gate::builder().rule(rule).build().unwrap_err().to_string();

    assert!(build(rule("a", "1/hour").matching(on(&["login"]))).contains("`login`"));
    let nothing = build(rule("a", "1/hour").key(Key::Several(vec![])));
    assert!(nothing.contains("rule `a`"), "{nothing}");
    let everybody = Key::Several(vec![Key::Ip, Key::Global]);
    assert!(build(rule("a", "1/hour").key(everybody)).contains("global"));
}

#[test]
fn a_rule_that_is_to_be_named_applies_only_then_and_alone() {
    let gate =
        gate([rule("all", "5/minute"), rule("report", "1/minute").key(Key::Ip).by_name(true)]);
    let named = |rule| Request { rule: Some(rule), ..Request::to("/") };

    assert!(gate.admit(&named("report")).unwrap().allowed);
    let refused = gate.admit(&named("report")).unwrap();
    assert_eq!((refused.allowed, refused.rule()), (false, "report"));
    let plain = gate.admit(&Request::to("/")).unwrap();
    assert_eq!((plain.rule(), plain.remaining), ("all", 4));
    assert_eq!(gate.admit(&named("all")).unwrap().remaining, 3);
    assert!(matches!(gate.admit(&named("reprot")), Err(Error::UnknownRule { .. })));
}
