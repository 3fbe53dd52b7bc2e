//! A gate that is watched.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::{Block, Gate, Key, Rule};

struct Request(&'static str);

impl crate::Facts for Request {
    fn peer(&self) -> Option<&str> {
        Some(self.0)
    }

    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> std::borrow::Cow<'_, [u8]> {
        b"/".into()
    }

    fn header(&self, _: &str) -> crate::Lines<'_> {
        crate::Lines::new()
    }
}

fn watched(watch: &Arc<Watch>) -> Gate {
    Gate::builder()
        .rule(Rule::new("api", "3/hour".parse().unwrap()).key(Key::Ip))
        .rule(Rule::new("all", "100/hour".parse().unwrap()))
        .rule(Rule::new("strict", "1/hour".parse().unwrap()).key(Key::Ip).shadow(true))
        .watched(Arc::clone(watch))
        .build()
        .unwrap()
}

#[test]
fn decisions_are_counted_by_rule_and_key() {
    let watch = Arc::new(Watch::new());
    let gate = watched(&watch);
    for peer in ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"] {
        gate.admit(&Request(peer)).unwrap();
    }

    let counted = watch.counted();
    assert_eq!((counted.requests, counted.refused, counted.errors), (5, 1, 0));
    let of = |name: &str| {
        let rule = counted.rules.iter().find(|rule| rule.rule == name).unwrap();
        (rule.requests, rule.refused, rule.shadow)
    };
    assert_eq!((of("api"), of("all"), of("strict")), ((5, 1, 0), (5, 0, 0), (4, 0, 2)));
    let first = &counted.keys[0];
    assert_eq!((&*first.rule, &*first.key), ("api", &b"192.0.2.1"[..]));
    assert_eq!((first.requests, first.refused), (4, 1));
    assert_eq!(counted.latency.iter().map(|(_, count)| count).sum::<u64>(), 5);
}

#[test]
fn an_answer_in_short_counts_as_one_in_full() {
    let counts = |ask: &dyn Fn(&Gate, &Request)| {
        let watch = Arc::new(Watch::new());
        let rule = Rule::new("api", "3/hour".parse().unwrap()).key(Key::Ip);
        let gate = Gate::builder().rule(rule).watched(Arc::clone(&watch)).build().unwrap();
        for peer in ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"] {
            ask(&gate, &Request(peer));
        }
        watch.except("192.0.2.9", false, Duration::from_secs(60)).unwrap();
        assert!(gate.admit_briefly(&Request("192.0.2.9")).is_none(), "it is on a list");
        let Counted { requests, admitted, reasons, rules, keys, latency, .. } = watch.counted();
        let timed: u64 = latency.iter().map(|(_, count)| count).sum();
        format!("{requests} {admitted} {reasons:?} {rules:?} {keys:?} {timed}")
    };
    let brief = counts(&|gate, request| drop(gate.admit_briefly(request).unwrap().unwrap()));
    assert_eq!(brief, counts(&|gate, request| drop(gate.admit(request).unwrap())));
    assert!(brief.starts_with("5 4 "), "{brief}");
}

#[test]
fn a_gate_that_takes_another_s_place_goes_on_counting() {
    let watch = Arc::new(Watch::new());
    let gate = watched(&watch);
    gate.admit(&Request("192.0.2.1")).unwrap();
    let next = Gate::builder()
        .rule(Rule::new("api", "9/hour".parse().unwrap()).key(Key::Ip))
        .after(&gate)
        .build()
        .unwrap();
    next.admit(&Request("192.0.2.1")).unwrap();
    assert_eq!(watch.counted().requests, 2);
}

#[test]
fn exceptions_hold_for_a_while() {
    let watch = Arc::new(Watch::new());
    let gate = Gate::builder()
        .rule(Rule::new("none", "0/hour".parse().unwrap()))
        .watched(Arc::clone(&watch))
        .build()
        .unwrap();
    let allowed = |peer| gate.admit(&Request(peer)).unwrap().allowed;
    assert!(!allowed("192.0.2.1"));

    watch.except("192.0.2.0/24", true, Duration::from_secs(60)).unwrap();
    watch.except("192.0.2.7", false, Duration::from_secs(60)).unwrap();
    watch.except("198.51.100.1", true, Duration::ZERO).unwrap();
    assert!(allowed("192.0.2.1") && !allowed("192.0.2.7") && !allowed("198.51.100.1"));
    assert!(watch.forget("192.0.2.0/24") && !watch.forget("192.0.2.0/24"));
    assert!(!allowed("192.0.2.1"));
    assert_eq!(watch.exceptions().len(), 1);
    assert!(watch.forget("192.0.2.7") && !watch.has_exceptions());
    assert!(watch.except("nobody", true, Duration::ZERO).is_err());
}

#[test]
fn nothing_is_lost_under_threads() {
    let watch = Arc::new(Watch::new());
    let gate = watched(&watch);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5000 {
                    gate.admit(&Request("192.0.2.1")).unwrap();
                }
            });
        }
    });
    let counted = watch.counted();
    assert_eq!(counted.requests, 20_000);
    assert_eq!(counted.rules[0].requests, 20_000);
    let noted: u64 = counted.keys.iter().map(|key| key.requests).sum();
    assert_eq!(noted + counted.unnoted, 20_000);
}

#[test]
fn refusals_are_counted_by_reason_and_rule() {
    let watch = Arc::new(Watch::new());
    let gate = Gate::builder()
        .rule(
            Rule::new("two", "2/hour".parse().unwrap())
                .block(Block::new(vec![Duration::from_secs(9)]).unwrap()),
        )
        .rule(Rule::new("one", "1/hour".parse().unwrap()).key(Key::Ip))
        .deny(vec!["192.0.2.9".to_owned()])
        .watched(Arc::clone(&watch))
        .build()
        .unwrap();
    for peer in ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3", "192.0.2.9"] {
        gate.admit(&Request(peer)).unwrap();
    }

    let counted = watch.counted();
    assert_eq!((counted.requests, counted.admitted, counted.refused), (5, 2, 3));
    // Both rules refuse the third request, which has a penalty; that keeps the fourth out.
    assert_eq!(counted.reasons, [(Reason::Penalty, 2), (Reason::DenyList, 1)]);
    let of = |name: &str| counted.rules.iter().find(|rule| rule.rule == name).unwrap();
    assert_eq!((of("two").requests, of("two").passed), (4, 2));
    assert_eq!(of("two").reasons, [(Reason::Penalty, 2)]);
    assert_eq!((of("one").requests, of("one").passed, of("one").refused), (4, 3, 1));
}

#[test]
fn a_rule_that_limits_no_rate_is_counted_too() {
    let watch = Arc::new(Watch::new());
    let gate = Gate::builder()
        .rule(Rule::new("at-once", "1 concurrent".parse().unwrap()))
        .rule(Rule::new("tried", "0/hour".parse().unwrap()).shadow(true))
        .watched(Arc::clone(&watch))
        .build()
        .unwrap();
    let first = gate.admit(&Request("192.0.2.1")).unwrap();
    assert!(first.allowed && !gate.admit(&Request("192.0.2.1")).unwrap().allowed);

    let counted = watch.counted();
    assert_eq!(counted.reasons, [(Reason::Concurrency, 1)]);
    let told: Vec<_> = counted
        .rules
        .iter()
        .map(|rule| (&*rule.rule, rule.requests, rule.passed, rule.refused, rule.shadow))
        .collect();
    assert_eq!(told, [("at-once", 2, 1, 1, 0), ("tried", 1, 0, 0, 1)]);
}

#[test]
fn a_request_that_lacks_what_a_rule_needs_is_an_error() {
    let watch = Arc::new(Watch::new());
    let gate = Gate::builder()
        .rule(Rule::new("mine", "1/hour".parse().unwrap()).key(Key::Custom))
        .watched(Arc::clone(&watch))
        .build()
        .unwrap();
    assert!(gate.admit(&Request("192.0.2.1")).is_err());
    assert!(gate.question(&Request("192.0.2.1")).is_err());
    let counted = watch.counted();
    assert_eq!((counted.requests, counted.errors, counted.admitted), (2, 2, 0));
}

#[test]
fn questions_are_counted_whichever_way_they_are_answered() {
    let watch = Arc::new(Watch::new());
    let gate = watched(&watch);
    let question = || gate.question(&Request("192.0.2.1")).unwrap();
    gate.ask(question()).unwrap();
    gate.start(question(), Box::new(|decided| assert!(decided.unwrap().allowed)));
    assert_eq!(watch.counted().admitted, 2);
    assert_eq!(watch.counted().keys[0].requests, 2);
}

#[test]
fn a_child_begins_anew() {
    let watch = Arc::new(Watch::new());
    let gate = watched(&watch);
    gate.admit(&Request("192.0.2.1")).unwrap();
    watch.clear();
    let counted = watch.counted();
    assert_eq!((counted.requests, counted.nanos, counted.latency.len()), (0, 0, 0));
    assert!(counted.rules.is_empty() && counted.keys.is_empty());
    gate.admit(&Request("192.0.2.1")).unwrap();
    assert_eq!(watch.counted().rules[0].requests, 1);
}

#[test]
fn keys_of_a_rule_are_kept_out_or_let_in_for_a_while() {
    let watch = Arc::new(Watch::new());
    let gate = watched(&watch);
    let minute = Duration::from_secs(60);
    assert!(watch.except_key("api", b"192.0.2.1", false, minute));
    let decision = gate.admit(&Request("192.0.2.1")).unwrap();
    assert!(!decision.allowed);
    assert_eq!((decision.reason, decision.rule()), (Some(Reason::DenyList), "api"));
    assert!(gate.admit(&Request("192.0.2.2")).unwrap().allowed);
    let counted = watch.counted();
    let api = counted.rules.iter().find(|rule| rule.rule == "api").unwrap();
    assert_eq!(api.reasons, [(Reason::DenyList, 1)]);
    assert_eq!((&*counted.keys[0].key, counted.keys[0].refused), (&b"192.0.2.1"[..], 1));

    // Kept out by one rule, let in by another.
    assert!(watch.except_key("strict", b"192.0.2.1", true, minute));
    assert!(!gate.admit(&Request("192.0.2.1")).unwrap().allowed);
    assert!(watch.forget_key("api", b"192.0.2.1") && !watch.forget_key("api", b"192.0.2.1"));
    for _ in 0..9 {
        let question = gate.question(&Request("192.0.2.1")).unwrap();
        assert!(gate.ask(question).unwrap().allowed);
    }
    assert_eq!(watch.excepted_keys().len(), 1);
}
