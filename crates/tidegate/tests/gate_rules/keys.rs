//! Keys that a rule leaves alone, and keys that it refuses.

use super::*;

fn by_header(name: &str, limit: &str) -> Rule {
    rule(name, limit).key(Key::Header("x-api-key".to_owned()))
}

fn with(key: &'static str) -> Request {
    Request { headers: vec![("x-api-key", key)], ..Request::to("/") }
}

fn keys<const N: usize>(keys: [&str; N]) -> [Vec<u8>; N] {
    keys.map(|key| key.as_bytes().to_vec())
}

#[test]
fn an_exempt_key_is_neither_counted_nor_refused() {
    let gate = gate([by_header("api", "1/hour").exempt(keys(["partner-1", "partner-2"]))]);

    for _ in 0..3 {
        let free = admit(&gate, &with("partner-2"));
        assert!(free.allowed && !free.is_counted() && free.subject.is_none());
        assert!(free.client.is_some());
    }
    assert!(admit(&gate, &with("partner-3")).allowed);
    assert!(!admit(&gate, &with("partner-3")).allowed);
    assert!(!gate.inspect("api", b"partner-1").unwrap().is_counted());
    // Nobody has counted it meanwhile either.
    let counted = self::gate([by_header("api", "1/hour")]);
    assert_eq!(counted.inspect("api", b"partner-1").unwrap().remaining, 1);
}

#[test]
fn other_rules_count_what_one_leaves_alone() {
    let gate = gate([
        rule("first", "9/hour").shadow(true),
        by_header("api", "1/hour").exempt(keys(["partner"])),
        rule("all", "3/hour").key(Key::Ip),
    ]);
    let seen: Vec<_> = (0..4).map(|_| admit(&gate, &with("partner"))).collect();

    assert_eq!(seen.iter().map(|it| it.allowed).collect::<Vec<_>>(), [true, true, true, false]);
    assert!(seen.iter().all(|it| it.rule() == "all" && it.rules().len() == 1));
    assert_eq!(subject(&seen[0]), b"192.0.2.1");
}

#[test]
fn a_denied_key_is_refused_by_name() {
    let gate = gate([
        rule("all", "3/hour").key(Key::Ip),
        by_header("api", "1/hour").deny(keys(["stolen"])).exempt(keys(["stolen"])),
    ]);

    for _ in 0..5 {
        let denied = admit(&gate, &with("stolen"));
        assert_eq!((denied.reason, denied.rule()), (Some(Reason::DenyList), "api"));
        assert_eq!(subject(&denied), b"stolen");
        assert_eq!(denied.refusal(None).map(|(status, _)| status), Some(403));
    }
    // A refusal costs nobody anything.
    assert_eq!(gate.inspect("all", b"192.0.2.1").unwrap().remaining, 3);
    let looked = gate.inspect("api", b"stolen").unwrap();
    assert_eq!((looked.reason, looked.rule()), (Some(Reason::DenyList), "api"));
    assert!(admit(&gate, &with("own")).allowed);
}

#[test]
fn the_shadow_tells_of_denied_keys_and_refuses_none() {
    let denied = keys(["stolen"]);
    let gate = gate([
        rule("all", "9/hour"),
        by_header("new", "2/hour; 1 concurrent").deny(denied).shadow(true),
    ]);
    for _ in 0..3 {
        let seen = admit(&gate, &with("stolen"));
        assert!(seen.allowed);
        assert_eq!(seen.shadow.iter().map(|name| &**name).collect::<Vec<_>>(), ["new"]);
    }
    let own = admit(&gate, &with("own"));
    assert!(own.allowed && own.shadow.is_empty());
    // Where it is enforced it would not count them either.
    let counted = gate.inspect("new", b"stolen-as-well").unwrap();
    assert_eq!(counted.remaining, 2);
}

#[test]
fn keys_of_several_are_listed_as_they_are_counted() {
    let key = Key::Several(vec![Key::Ip, Key::Form("user".to_owned())]);
    let gate = gate([rule("login", "1/hour").key(key).exempt(keys(["192.0.2.1|ana"]))]);
    let login = |user| Request { form: Some(("user", user)), ..Request::to("/") };

    assert!((0..3).all(|_| admit(&gate, &login("ana")).allowed));
    assert!(admit(&gate, &login("bo")).allowed);
    assert!(!admit(&gate, &login("bo")).allowed);
}

#[test]
fn a_rule_by_name_leaves_keys_alone_too() {
    let report = by_header("report", "1/hour").by_name(true).exempt(keys(["partner"]));
    let gate = gate([report]);
    let named = |key| Request { rule: Some("report"), ..with(key) };

    assert!((0..3).all(|_| admit(&gate, &named("partner")).allowed));
    assert!(admit(&gate, &named("own")).allowed);
    assert!(!admit(&gate, &named("own")).allowed);
}

#[test]
fn a_question_that_waits_is_answered_alike() {
    let api = by_header("api", "1/hour").exempt(keys(["partner"])).deny(keys(["stolen"]));
    let gate = gate([api, rule("all", "5/hour").key(Key::Ip)]);
    let ask = |key| gate.ask(gate.question(&with(key)).unwrap()).unwrap();

    let free = ask("partner");
    assert_eq!((free.allowed, free.rule(), subject(&free)), (true, "all", &b"192.0.2.1"[..]));
    assert_eq!(ask("stolen").reason, Some(Reason::DenyList));
}

#[test]
fn a_limit_of_requests_in_flight_leaves_keys_alone_too() {
    let gate = gate([by_header("upload", "1 concurrent").exempt(keys(["partner"]))]);

    let held: Vec<_> = (0..3).map(|_| admit(&gate, &with("partner"))).collect();
    assert!(held.iter().all(|it| it.allowed));
    let first = admit(&gate, &with("own"));
    assert!(first.allowed && !admit(&gate, &with("own")).allowed);
}
