//! What the scripts write, and when they write nothing.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::time::{SystemTime, UNIX_EPOCH};

use common::{
    SECOND, START, ask, connect, counter, exchange, fix, granted, name, one, program, program_of,
    soon,
};
use tidegate_core::{Change, LimitSpec, Nanos, Period, Program, algorithm::Kind};
use tidegate_remote::{AskKind, Counter, Link as _, RemoteError};
use tidegate_testkit::servers::{Answer, RedisServer};

const MINUTE: u64 = 60 * SECOND;

/// One limit of 3 per minute for each way to count.
fn each() -> Vec<(&'static str, Program)> {
    let mut queue = LimitSpec::new(Kind::LeakyBucket, 3, Period::Span(Nanos(MINUTE)));
    queue.max_wait = Some(Nanos(40 * SECOND));
    vec![
        ("gcra", program(Kind::Gcra, 3, MINUTE)),
        ("queue", program_of(queue)),
        ("window", program(Kind::FixedWindow, 3, MINUTE)),
        ("counts", program(Kind::SlidingWindowCounter, 3, MINUTE)),
        ("log", program(Kind::SlidingWindowLog, 3, MINUTE)),
    ]
}

fn key(counter: &Counter) -> String {
    format!("tidegate:{}", counter.name)
}

/// Value and time to live of all keys, and how much was ever written, as replicas would see it.
fn contents(server: &RedisServer) -> Vec<String> {
    let mut keys: Vec<String> =
        server.ask(&["KEYS", "*"]).list().iter().map(Answer::text).collect();
    keys.sort();
    let mut all: Vec<String> = keys.iter().map(|key| server.ask(&["DUMP", key]).text()).collect();
    let expiries = keys.iter().map(|key| server.ask(&["PEXPIRETIME", key]).text());
    all.extend(expiries);
    all.push(server.info("rdb_changes_since_last_save"));
    all
}

#[test]
fn a_denial_and_a_look_write_nothing() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    for (rule, program) in each() {
        let counter = counter(rule, "ana", &program);
        let drain = ask([counter.clone()], 9);
        assert_eq!(granted(&mut link, &drain), 3, "{rule}");

        let before = contents(&server);
        let mut peek = ask([counter.clone()], 1);
        peek.kind = AskKind::Peek;
        let mut unseen = peek.clone();
        unseen.counters[0].name = name(rule, "bea");
        let mut never = ask([counter.clone()], 1);
        never.counters[0].cost = 1_000;
        for ask in [drain, peek, unseen, never] {
            assert_eq!(granted(&mut link, &ask), 0, "{rule}");
        }
        assert_eq!(contents(&server), before, "{rule}");
    }
}

#[test]
fn all_counters_of_a_request_are_charged_or_none() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    for (index, (narrow, by)) in each().into_iter().enumerate() {
        let subject = format!("s{index}");
        let narrow = counter(narrow, &subject, &by);
        let wide: Vec<_> = each()
            .into_iter()
            .map(|(rule, _)| {
                counter(&format!("wide-{rule}"), &subject, &program(Kind::Gcra, 10, MINUTE))
            })
            .collect();
        let together = ask(wide.iter().cloned().chain([narrow.clone()]), 5);

        let reply = one(&mut link, &together);
        assert_eq!(reply.granted, 3);
        assert_eq!(reply.decisions(&together)[2][0].remaining, 7);
        let before = contents(&server);
        assert_eq!(granted(&mut link, &together), 0);
        assert_eq!(contents(&server), before);
        for counter in wide {
            assert_eq!(granted(&mut link, &ask([counter], 10)), 7);
        }
    }
}

#[test]
fn asks_of_one_call_are_decided_in_order() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    let gcra = program(Kind::Gcra, 100, MINUTE);
    // More than one call's worth, so that several go out in one write.
    let asks: Vec<_> = (0..200).map(|_| ask([counter("api", "ana", &gcra)], 1)).collect();

    let replies = exchange(&mut link, &asks);

    let granted = replies.iter().map(|reply| reply.as_ref().unwrap().granted);
    let admitted: Vec<_> = granted.take_while(|granted| *granted == 1).collect();
    assert_eq!(admitted.len(), 100);
    assert!(replies[101..].iter().all(|reply| reply.as_ref().unwrap().granted == 0));
}

#[test]
fn a_key_lives_until_it_means_nothing() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    for (rule, program) in each() {
        let mut counter = counter(rule, "ana", &program);
        // A third of a millisecond into a window.
        let at = START + 333_333;
        counter.at = Some(Nanos(at));
        counter.cost = 2;
        // Who tells the time may not be alone to do so: a key outlasts it by a minute.
        let until = |due: u64| (due - at + MINUTE).div_ceil(1_000_000);
        // START is the beginning of a minute.
        let wanted = match rule {
            "gcra" | "queue" => until(at + 2 * MINUTE / 3),
            "window" => until(START + MINUTE),
            "counts" => until(START + 2 * MINUTE),
            _ => until(at + MINUTE),
        };
        assert_eq!(granted(&mut link, &ask([counter.clone()], 1)), 1, "{rule}");

        let ttl = server.ask(&["PTTL", &key(&counter)]).number().unwrap().cast_unsigned();
        assert!(ttl <= wanted && ttl + 1_000 > wanted, "{rule}: {ttl} ms for {wanted} ms");

        // A debit makes it live longer, where there is more to wait for.
        link.adjust(&[fix(&counter, Change::Debit { cost: 3 })], soon()).unwrap();
        let later = server.ask(&["PTTL", &key(&counter)]).number().unwrap().cast_unsigned();
        let grown = matches!(rule, "gcra" | "queue" | "window");
        assert_eq!(later > ttl + 10_000, grown, "{rule}: {later} ms after {ttl} ms");
    }
}

#[test]
fn a_refund_that_makes_a_key_full_deletes_it() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    for (rule, program) in each() {
        // By the server's clock: by another, a key is kept for those who think it earlier.
        let counter = counter(rule, "ana", &program);
        let two = one(&mut link, &ask([counter.clone()], 2));
        assert_eq!(two.granted, 2, "{rule}");
        let refund = |cost| Change::Refund { cost, charged_at: two.now };

        // A place in a queue is given back as a whole.
        if rule == "queue" {
            link.adjust(&[fix(&counter, refund(2))], soon()).unwrap();
        } else {
            link.adjust(&[fix(&counter, refund(1))], soon()).unwrap();
            assert_eq!(server.ask(&["EXISTS", &key(&counter)]).number(), Some(1), "{rule}");
            link.adjust(&[fix(&counter, refund(1))], soon()).unwrap();
        }
        assert_eq!(server.ask(&["EXISTS", &key(&counter)]).number(), Some(0), "{rule}");

        assert_eq!(granted(&mut link, &ask([counter.clone()], 1)), 1, "{rule}");
        link.adjust(&[fix(&counter, Change::Reset)], soon()).unwrap();
        assert_eq!(server.ask(&["EXISTS", &key(&counter)]).number(), Some(0), "{rule}");
    }
}

#[test]
fn a_log_of_many_units_is_written_in_pieces() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    let log = program(Kind::SlidingWindowLog, 10_000, MINUTE);
    let mut counter = counter("log", "ana", &log);
    counter.cost = 2_501;

    assert_eq!(granted(&mut link, &ask([counter.clone()], 9)), 3);
    assert_eq!(server.ask(&["ZCARD", &key(&counter)]).number(), Some(7_503));
    link.adjust(&[fix(&counter, Change::Debit { cost: 1_000_000 })], soon()).unwrap();
    assert_eq!(server.ask(&["ZCARD", &key(&counter)]).number(), Some(20_000));
}

#[test]
fn what_others_have_written_is_left_alone() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    let gcra = program(Kind::Gcra, 3, MINUTE);
    for (rule, program) in each() {
        for (number, write) in [
            ["SET", "", "hello"].as_slice(),
            ["LPUSH", "", "hello"].as_slice(),
            ["ZADD", "", "1", "hello"].as_slice(),
        ]
        .into_iter()
        .enumerate()
        {
            let subject = format!("s{number}");
            let foreign = counter(rule, &subject, &program);
            let mut write = write.to_vec();
            let key = key(&foreign);
            write[1] = &key;
            assert!(!matches!(server.ask(&write), Answer::Error(_)));
            let before = contents(&server);

            let fine = counter(&format!("fine-{rule}"), &subject, &gcra);
            let asks = [ask([fine.clone(), foreign.clone()], 1), ask([fine.clone()], 1)];
            let replies = exchange(&mut link, &asks[..1]);
            let Err(RemoteError::Foreign { name, .. }) = &replies[0] else {
                panic!("{rule}: {replies:?}");
            };
            assert_eq!(name, foreign.name.as_str());
            assert_eq!(contents(&server), before, "{rule}: nothing of the ask is written");

            let replies = exchange(&mut link, &asks);
            assert!(replies[0].is_err(), "{rule}");
            assert_eq!(replies[1].as_ref().unwrap().granted, 1, "{rule}: the next is decided");
            let adjusted = link.adjust(&[fix(&foreign, Change::Debit { cost: 1 })], soon());
            assert!(matches!(adjusted, Err(RemoteError::Foreign { .. })), "{rule}: {adjusted:?}");
        }
    }
}

#[test]
fn a_server_that_forgot_the_scripts_is_told_them_again() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    let gcra = program(Kind::Gcra, 1_000, MINUTE);
    let counter = counter("api", "ana", &gcra);
    for round in 0..3_u32 {
        assert_eq!(server.ask(&["SCRIPT", "FLUSH"]).text(), "OK");
        let asks: Vec<_> = (0..150).map(|_| ask([counter.clone()], 1)).collect();
        let replies = exchange(&mut link, &asks);
        assert!(replies.iter().all(|reply| reply.as_ref().unwrap().granted == 1));

        assert_eq!(server.ask(&["SCRIPT", "FLUSH"]).text(), "OK");
        let fixes =
            [fix(&counter, Change::Debit { cost: 1 }), fix(&counter, Change::Debit { cost: 1 })];
        link.adjust(&fixes, soon()).unwrap();

        let mut peek = ask([counter.clone()], 1);
        peek.kind = AskKind::Peek;
        let left = one(&mut link, &peek).decisions(&peek)[0][0].remaining;
        let taken = (round + 1) * 152;
        assert!(
            (1_000 - taken..1_000 - taken + 20).contains(&left),
            "{left} left of {taken} taken"
        );
    }
}

#[test]
fn the_servers_clock_decides() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    let gcra = program(Kind::Gcra, 10, MINUTE);
    let here =
        || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();

    let before = here() / 1_000 * 1_000;
    let now = one(&mut link, &ask([counter("api", "ana", &gcra)], 1)).now;
    let time = link.time(soon()).unwrap();
    let after = here();

    assert!((before..=after).contains(&now.0), "{before} <= {} <= {after}", now.0);
    assert!(now <= time && time.0 <= after);
}
