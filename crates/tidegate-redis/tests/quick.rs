//! The usual call, by the server's own clock, decides as the core does at the time it tells.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::{Dice, SECOND, connect, counter, exchange, fix, one, program, soon, twin::Twin};
use tidegate_core::{Change, Nanos, Program, algorithm::Kind};
use tidegate_remote::{Ask, AskKind, Counter, Link as _};
use tidegate_testkit::servers::RedisServer;

const DAY: u64 = 24 * 3_600 * SECOND;

/// Limits that give back a unit between one call and the next, and some that never do.
fn programs() -> Vec<Program> {
    [
        (1, DAY),
        (5, 60 * SECOND),
        (1_000_000, 20 * SECOND),
        (3_333_333, 50 * SECOND + 1),
        (1_000_000_000, DAY),
        (4_000_000_007, 50 * DAY),
    ]
    .map(|(limit, period)| program(Kind::Gcra, limit, period))
    .to_vec()
}

struct History {
    dice: Dice,
    counters: Vec<Counter>,
}

impl History {
    fn new(seed: u64) -> Self {
        let programs = programs();
        let counters = programs
            .iter()
            .enumerate()
            .map(|(index, program)| counter(&format!("r{index}"), &format!("s{seed}"), program));
        Self { dice: Dice::new(seed), counters: counters.collect() }
    }

    fn counter(&mut self) -> Counter {
        let chosen = self.dice.count(self.counters.len() as u64) as usize;
        let counter = self.counters[chosen].clone();
        let capacity = counter.program.capacity();
        let cost = match self.dice.below(8) {
            0 => 0,
            1 => capacity.saturating_add(1),
            2 | 3 => self.dice.count(u64::from(capacity) + 1),
            4 => capacity / 3,
            _ => 1,
        };
        Counter { cost, ..counter }
    }

    fn ask(&mut self) -> Ask {
        let kind = if self.dice.below(6) == 0 { AskKind::Peek } else { AskKind::Check };
        Ask {
            counters: [self.counter()].into_iter().collect(),
            count: 1 + self.dice.count(5),
            kind,
        }
    }
}

fn at(now: Nanos, counter: &Counter) -> Counter {
    Counter { at: Some(now), ..counter.clone() }
}

#[test]
fn every_history_by_the_servers_clock_ends_as_the_core_says() {
    let server = RedisServer::start();
    let mut link = connect(&server.socket_url());
    for seed in 0..300 {
        let (mut history, mut twin) = (History::new(seed), Twin::default());
        for _ in 0..20 {
            let asks: Vec<Ask> = (0..=history.dice.below(5)).map(|_| history.ask()).collect();
            for (ask, reply) in asks.iter().zip(exchange(&mut link, &asks)) {
                let reply = reply.unwrap();
                let dated = Ask {
                    counters: ask.counters.iter().map(|it| at(reply.now, it)).collect(),
                    ..ask.clone()
                };
                let (granted, decisions) = twin.ask(&dated);
                assert_eq!(reply.granted, granted, "history {seed}: {ask:#?} at {}", reply.now.0);
                assert_eq!(reply.decisions(ask), decisions, "history {seed}: {ask:#?}");
            }
            if history.dice.below(4) == 0 {
                // Dated, so that both make it at the same time.
                let counter = at(link.time(soon()).unwrap(), &history.counter());
                let change = fix(&counter, Change::Debit { cost: counter.cost });
                link.adjust(std::slice::from_ref(&change), soon()).unwrap();
                twin.fix(&change);
            }
        }
    }
}

#[test]
fn usual_and_other_asks_of_one_counter_count_alike() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    let usual = counter("api", "ana", &program(Kind::Gcra, 5, DAY));
    let other = counter("other", "ana", &program(Kind::FixedWindow, 5, DAY));
    let take = |counters: &[Counter]| Ask {
        counters: counters.iter().cloned().collect(),
        count: 1,
        kind: AskKind::Check,
    };

    let alone = take(std::slice::from_ref(&usual));
    let together = take(&[usual.clone(), other.clone()]);
    for (ask, left) in [(&alone, 4), (&together, 3), (&alone, 2)] {
        let reply = one(&mut link, ask);
        assert_eq!(reply.decisions(ask)[0][0].remaining, left);
    }
    // In one exchange, the usual ones are decided as the others are.
    let mixed = [alone, take(&[other])];
    let replies = exchange(&mut link, &mixed);
    assert_eq!(replies[0].as_ref().unwrap().decisions(&mixed[0])[0][0].remaining, 1);
    assert_eq!(replies[1].as_ref().unwrap().decisions(&mixed[1])[0][0].remaining, 3);
}

#[test]
fn what_is_no_time_is_told_and_the_rest_decided() {
    let server = RedisServer::start();
    let mut link = connect(&server.url());
    let by = program(Kind::Gcra, 5, DAY);
    let asks = ["text", "list", "small", "none"].map(|subject| {
        let counters = [counter("api", subject, &by)].into_iter().collect();
        Ask { counters, count: 1, kind: AskKind::Check }
    });
    let key = |index: usize| format!("tidegate:{}", asks[index].counters[0].name);
    for (command, index, value) in
        [("SET", 0, "0x1234567890abcdef123"), ("LPUSH", 1, "1"), ("SET", 2, "12")]
    {
        let answer = server.ask(&[command, &key(index), value]).text();
        assert!(matches!(answer.as_str(), "OK" | "1"), "{answer}");
    }

    let replies = exchange(&mut link, &asks);

    let text = replies[0].as_ref().unwrap_err().to_string();
    assert!(text.contains("not a time") && text.contains("{text}"), "{text}");
    let list = replies[1].as_ref().unwrap_err().to_string();
    assert!(list.contains("WRONGTYPE") && list.contains("{list}"), "{list}");
    assert_eq!(replies[2].as_ref().unwrap().granted, 1);
    assert_eq!(replies[3].as_ref().unwrap().granted, 1);
}
