//! The end of a request: what is given back then, and how many may be under way.

use std::{sync::Arc, time::Duration};

use tidegate::{
    Answer, Decision, Ending, Error, Gate, Key, ManualClock, MemoryStore, Nanos, Reason, Store,
};
use tidegate_core::{Adjustment, Charge};

use super::{Request, admit, gate, rule, subject};

#[test]
fn what_is_not_charged_for_comes_back_once() {
    let gate = gate([rule("login", "2/hour").charge_on("401".parse().unwrap())]);
    let end = |decision: &Decision, status| {
        gate.settle(decision, &Ending { status: Some(status), ..Ending::default() }).unwrap();
    };
    assert!(gate.settles());

    let first = admit(&gate, &Request::to("/"));
    end(&first, 200);
    end(&first.clone(), 200);
    let second = admit(&gate, &Request::to("/"));
    assert_eq!(second.remaining, 1);
    end(&second, 401);
    assert_eq!(admit(&gate, &Request::to("/")).remaining, 0);
    assert!(!admit(&gate, &Request::to("/")).allowed);
}

#[test]
fn the_shadow_gives_back_what_is_not_charged_for() {
    let login = rule("login", "2/hour").charge_on("401".parse().unwrap());
    let gate = gate([rule("all", "9/hour"), login.shadow(true)]);
    let attempt = |status| {
        let decision = admit(&gate, &Request::to("/"));
        let ending = Ending { status: Some(status), ..Ending::default() };
        gate.settle(&decision, &ending).unwrap();
        !decision.shadow.is_empty()
    };

    assert!((0..3).all(|_| !attempt(200)), "none of them was charged for");
    assert_eq!([401, 401, 401, 200].map(attempt), [false, false, true, true]);
    // What it would have refused took nothing, so nothing comes back for it.
    assert!(attempt(401));
    assert_eq!(admit(&gate, &Request::to("/")).remaining, 0);
}

#[test]
fn the_caller_may_tell_the_cost_and_whether_to_charge() {
    let gate = gate([rule("api", "10/hour").settled_by_caller(true)]);
    let decision = admit(&gate, &Request::to("/"));
    gate.settle(&decision, &Ending { cost: Some(4), ..Ending::default() }).unwrap();
    assert_eq!(gate.peek(&Request::to("/")).unwrap().remaining, 6);

    let decision = admit(&gate, &Request::to("/"));
    let charges = |_: usize| Some(false);
    gate.settle(&decision, &Ending { charges: Some(&charges), ..Ending::default() }).unwrap();
    assert_eq!(gate.peek(&Request::to("/")).unwrap().remaining, 6);
}

#[test]
fn requests_in_flight_are_limited_by_key() {
    let gate = gate([rule("upload", "2 concurrent").key(Key::Ip)]);
    let from = |peer| Request { peer, ..Request::to("/") };
    let end = |decision: &Decision| gate.settle(decision, &Ending::default()).unwrap();

    let (first, second) = (admit(&gate, &from("192.0.2.1")), admit(&gate, &from("192.0.2.1")));
    let refused = admit(&gate, &from("192.0.2.1"));
    assert_eq!(refused.reason, Some(Reason::Concurrency));
    assert_eq!(
        (refused.rule(), refused.limit, subject(&refused)),
        ("upload", 2, &b"192.0.2.1"[..])
    );
    assert_eq!(refused.retry_after, Some(Duration::from_secs(1)));
    assert_eq!(refused.refusal(None).map(|(status, _)| status), Some(429));
    assert!(admit(&gate, &from("192.0.2.2")).allowed);

    end(&first);
    end(&first);
    let third = admit(&gate, &from("192.0.2.1"));
    assert!(third.allowed && !admit(&gate, &from("192.0.2.1")).allowed);
    // Nobody tells the end of these, and still they are over.
    drop((second, third));
    assert!(admit(&gate, &from("192.0.2.1")).allowed);
}

#[test]
fn a_refusal_takes_neither_a_permit_nor_a_unit() {
    let gate = gate([rule("a", "1 concurrent; 2/hour"), rule("b", "3/hour")]);

    let first = admit(&gate, &Request::to("/"));
    let crowded = admit(&gate, &Request::to("/"));
    assert_eq!(crowded.reason, Some(Reason::Concurrency));
    gate.settle(&first, &Ending::default()).unwrap();
    let second = admit(&gate, &Request::to("/"));
    assert!(second.allowed && second.remaining == 0);
    gate.settle(&second, &Ending::default()).unwrap();
    for _ in 0..3 {
        // Each of these gives its permit back.
        assert_eq!(admit(&gate, &Request::to("/")).reason, Some(Reason::Limit));
    }
}

#[test]
fn a_store_without_permits_counts_requests_in_flight_by_a_log() {
    struct Plain(MemoryStore);
    impl Store for Plain {
        fn name(&self) -> &'static str {
            "plain"
        }

        fn check(
            &self,
            charges: &[Charge<'_>],
            now: Nanos,
            decisions: &mut [Answer],
        ) -> Result<(), Error> {
            Store::check(&self.0, charges, now, decisions)
        }

        fn peek(
            &self,
            charges: &[Charge<'_>],
            now: Nanos,
            decisions: &mut [Answer],
        ) -> Result<(), Error> {
            Store::peek(&self.0, charges, now, decisions)
        }

        fn adjust(&self, adjustments: &[Adjustment<'_>], now: Nanos) -> Result<(), Error> {
            Store::adjust(&self.0, adjustments, now)
        }
    }
    let clock = Arc::new(ManualClock::new(Duration::from_secs(1_750_000_000)));
    let gate = Gate::builder()
        .rule(rule("upload", "2 concurrent"))
        .store(Plain(MemoryStore::new()))
        .clock(clock.clone())
        .build()
        .unwrap();
    let attempt = || admit(&gate, &Request::to("/"));

    let (first, lost) = (attempt(), attempt());
    assert!(first.allowed && lost.allowed && !attempt().allowed);
    gate.settle(&first, &Ending::default()).unwrap();
    assert!(attempt().allowed && !attempt().allowed);
    clock.advance(Duration::from_secs(300));
    assert!(attempt().allowed && attempt().allowed && !attempt().allowed);
}

#[test]
fn requests_in_flight_may_be_counted_in_the_shadow() {
    let gate = gate([rule("new", "1 concurrent").shadow(true)]);
    let first = admit(&gate, &Request::to("/"));
    let second = admit(&gate, &Request::to("/"));
    assert!(first.allowed && first.shadow.is_empty());
    assert!(second.allowed && second.shadow.iter().any(|name| &**name == "new"));
}
