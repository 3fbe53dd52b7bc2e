//! The gate as adapters meet it.

use std::{borrow::Cow, sync::Arc, time::Duration};

use tidegate::{
    Error, Facts, Gate, Key, Lines, ManualClock, Match, Nanos, Rule,
    address::{Resolver, Trust},
    fields::{Profile, Value},
};

/// A request that is not there.
#[derive(Clone, Default)]
struct Request {
    peer: &'static str,
    headers: Vec<(&'static str, String)>,
    key: Option<&'static str>,
    outside: bool,
}

impl Request {
    fn from(peer: &'static str) -> Self {
        Self { peer, ..Self::default() }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Facts for Request {
    fn is_request(&self) -> bool {
        !self.outside
    }

    fn peer(&self) -> Option<&str> {
        (!self.peer.is_empty()).then_some(self.peer)
    }

    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"/")
    }

    fn header(&self, name: &str) -> Lines<'_> {
        let of_name = self.headers.iter().filter(|(key, _)| *key == name);
        of_name.map(|(_, value)| Cow::Borrowed(value.as_bytes())).collect()
    }

    fn key(&self, _rule: usize) -> Option<Cow<'_, [u8]>> {
        self.key.map(|key| Cow::Borrowed(key.as_bytes()))
    }
}

fn gate(key: Key, trust: Trust) -> Result<Gate, Error> {
    let rule = Rule::new("test", "5/hour".parse()?).key(key);
    Gate::builder().rule(rule).resolver(Resolver::new(trust)).build()
}

fn admitted(gate: &Gate, requests: impl Iterator<Item = Request>) -> usize {
    requests.filter(|request| gate.admit(request).is_ok_and(|decision| decision.allowed)).count()
}

#[test]
fn forged_forwarding_fields_give_nobody_a_new_quota() -> Result<(), Error> {
    let gate = gate(Key::Ip, Trust::Nobody)?;
    let forged = (0..600).map(|i| {
        Request::from("203.0.113.7")
            .header("x-forwarded-for", format!("10.0.{}.{}", i / 250, i % 250))
    });

    assert_eq!(admitted(&gate, forged), 5);
    let decision =
        gate.admit(&Request::from("203.0.113.8").header("x-forwarded-for", "1.2.3.4"))?;
    assert!(decision.allowed && decision.client.unwrap().ignored);
    Ok(())
}

#[test]
fn behind_a_trusted_proxy_every_client_has_its_own_quota() -> Result<(), Error> {
    let gate = gate(Key::Ip, "10.0.0.0/8".parse().unwrap())?;
    let through_proxy = (0..600).map(|i| {
        Request::from("10.0.0.1")
            .header("x-forwarded-for", format!("6.6.6.6, 198.51.100.{}", i % 60))
    });

    assert_eq!(admitted(&gate, through_proxy), 60 * 5);
    Ok(())
}

#[test]
fn addresses_of_one_ipv6_network_share_a_quota() -> Result<(), Error> {
    let gate = gate(Key::Ip, Trust::Nobody)?;
    let peers = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"];

    assert_eq!(admitted(&gate, (0..20).map(|i| Request::from(peers[i % 4]))), 5);
    assert!(gate.admit(&Request::from("2001:db8:0:1::1"))?.allowed);
    Ok(())
}

#[test]
fn a_request_without_the_field_counts_by_its_address_and_apart() -> Result<(), Error> {
    let gate = gate("header:x-api-key".parse()?, Trust::Nobody)?;
    let without = || Request::from("203.0.113.7");
    let with = |key: &str| without().header("x-api-key", key);

    assert_eq!(admitted(&gate, (0..20).map(|_| without())), 5);
    assert_eq!(admitted(&gate, (0..20).map(|_| with("203.0.113.7"))), 5);
    assert_eq!(admitted(&gate, (0..20).map(|_| with("k"))), 5);
    assert_eq!(admitted(&gate, (0..20).map(|_| Request::from("203.0.113.8"))), 5);
    Ok(())
}

#[test]
fn a_refusal_by_one_rule_takes_nothing_from_the_others() -> Result<(), Error> {
    let everybody = Rule::new("all", "8/hour".parse()?);
    let each = Rule::new("each", "5/hour".parse()?).key(Key::Ip);
    let gate = Gate::builder().rule(everybody).rule(each).build()?;

    assert_eq!(admitted(&gate, (0..100).map(|_| Request::from("203.0.113.7"))), 5);
    let refused = gate.admit(&Request::from("203.0.113.7"))?;
    assert_eq!((refused.rule(), refused.subject.as_deref()), ("each", Some(&b"203.0.113.7"[..])));

    assert_eq!(admitted(&gate, (0..100).map(|_| Request::from("203.0.113.8"))), 3);
    assert_eq!(gate.admit(&Request::from("203.0.113.8"))?.rule(), "all");
    Ok(())
}

#[test]
fn what_the_caller_owes_is_an_error_and_never_one_bucket_for_all() -> Result<(), Error> {
    let custom = gate(Key::Custom, Trust::Nobody)?;
    assert!(matches!(custom.admit(&Request::from("203.0.113.7")), Err(Error::MissingKey { .. })));

    let by_address = gate(Key::Ip, Trust::Nobody)?;
    let outside = Request { outside: true, ..Request::default() };
    let error = by_address.admit(&outside).unwrap_err().to_string();
    assert!(error.contains("`test` counts by ip"), "{error}");
    Ok(())
}

#[test]
fn a_caller_without_address_is_counted_as_unknown() -> Result<(), Error> {
    let gate = gate(Key::Ip, Trust::Nobody)?;

    let decision = gate.admit(&Request::default())?;

    assert_eq!(decision.subject.as_deref(), Some(&b"unknown"[..]));
    Ok(())
}

#[test]
fn a_brief_answer_is_the_decision_in_short() -> Result<(), Error> {
    let clock = Arc::new(ManualClock::new(Duration::ZERO));
    let gate = || -> Result<Gate, Error> {
        let rule = Rule::new("test", "2/hour".parse()?).key(Key::Ip);
        let clock = Arc::<ManualClock>::clone(&clock);
        Gate::builder().rule(rule).clock(clock).build()
    };
    let (brief, whole) = (gate()?, gate()?);
    let every = Profile::X_RATELIMIT | Profile::DRAFT | Profile::LEGACY;

    for _ in 0..4 {
        let request = Request::from("203.0.113.7").header("x-forwarded-for", "1.2.3.4");
        let told = brief.admit_briefly(&request).unwrap()?;
        let decision = whole.admit(&request)?;
        let fields = decision.fields(every, Nanos::SECOND);
        let mut values = Vec::new();
        told.limit.write_values(&told.outcome, every, Nanos::SECOND, &mut |name, it| {
            values.push(match it {
                Value::Number(number) => (name, number.to_string()),
                Value::Text(text) => (name, text.to_owned()),
            });
        });

        assert_eq!(format!("{:?}", told.decision()), format!("{decision:?}"));
        assert_eq!(told.outcome, decision.outcome());
        assert_eq!(values, fields);
    }
    Ok(())
}

#[test]
fn a_gate_with_more_than_one_limit_has_no_brief_answer() -> Result<(), Error> {
    let rule = |name, limits: &str| Ok::<_, Error>(Rule::new(name, limits.parse()?).key(Key::Ip));
    let request = Request::from("203.0.113.7");
    let answers = |gate: Result<Gate, Error>| gate.unwrap().admit_briefly(&request).is_some();

    assert!(answers(Gate::builder().rule(rule("a", "5/hour")?).build()));
    assert!(!answers(Gate::builder().rule(rule("a", "5/hour; 9/day")?).build()));
    assert!(!answers(Gate::builder().rule(rule("a", "5/hour")?).rule(rule("b", "9/day")?).build()));
    assert!(!answers(
        Gate::builder().rule(rule("a", "5/hour")?).deny(vec!["203.0.113.7".to_owned()]).build()
    ));
    assert!(!answers(Gate::builder().build()));
    Ok(())
}

#[test]
fn a_caller_is_decided_about_as_a_request_of_theirs() -> Result<(), Error> {
    let clock = Arc::new(ManualClock::new(Duration::ZERO));
    let rule = Rule::new("test", "3/hour".parse()?).key(Key::Ip);
    let gate = Gate::builder().rule(rule).clock(Arc::<ManualClock>::clone(&clock)).build()?;
    for peer in ["203.0.113.7", "2001:db8::1", "testclient", ""] {
        let request = Request::from(peer);
        let caller = gate.caller(&request).unwrap();

        let first = gate.admit(&request)?;
        let told = caller.brief(caller.admit()?).decision();
        assert_eq!((told.remaining, &told.client), (1, &first.client));
        assert_eq!((told.subject, told.limit), (first.subject, first.limit));
        assert!(gate.admit(&request)?.allowed);
        assert!(!caller.admit()?.is_allowed());
    }
    Ok(())
}

#[test]
fn a_gate_that_wants_to_know_more_than_the_peer_knows_no_callers() -> Result<(), Error> {
    let rule = |name, limits: &str| Ok::<_, Error>(Rule::new(name, limits.parse()?).key(Key::Ip));
    let request = Request::from("203.0.113.7");
    let knows = |gate: Result<Gate, Error>| gate.unwrap().caller(&request).is_some();
    let forged = request.clone().header("x-forwarded-for", "1.2.3.4");

    assert!(knows(Gate::builder().rule(rule("a", "5/hour")?).build()));
    assert!(gate(Key::Ip, Trust::Nobody)?.caller(&forged).is_none());
    assert!(!knows(gate(Key::Ip, Trust::Hops(1.try_into().unwrap()))));
    assert!(!knows(gate(Key::Global, Trust::Nobody)));
    assert!(!knows(Gate::builder().rule(rule("a", "5/hour; 9/day")?).build()));
    assert!(!knows(Gate::builder().rule(rule("a", "5/hour")?).rule(rule("b", "9/day")?).build()));
    assert!(!knows(Gate::builder().rule(rule("a", "5/hour")?.by_name(true)).build()));
    let of_paths = Match { paths: vec!["/a*".to_owned()], ..Match::default() };
    assert!(!knows(Gate::builder().rule(rule("a", "5/hour")?.matching(of_paths)).build()));
    let kept_out = vec!["203.0.113.7".to_owned()];
    assert!(!knows(Gate::builder().rule(rule("a", "5/hour")?).deny(kept_out).build()));
    Ok(())
}
