//! The scripts decide as the core does, to the nanosecond, whatever the history.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::{
    Dice, SECOND, START, connect, exchange, fix, name, program, program_of, soon, twin::Twin,
};
use tidegate_core::{Change, Decision, LimitSpec, Nanos, Period, Program, algorithm::Kind};
use tidegate_redis::RedisLink;
use tidegate_remote::{Ask, AskKind, Counter, Link as _};
use tidegate_testkit::servers::RedisServer;

const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;
/// Keys are let expire by the server's own clock only beyond this.
const NEARLY_OVER: Nanos = Nanos(60 * SECOND);

/// Limits to draw from. All periods are long, so that no key expires while a test runs.
fn programs() -> Vec<Program> {
    let mut programs = Vec::new();
    for kind in Kind::ALL {
        for (limit, period) in [
            (1, HOUR),
            (5, HOUR + 1),
            (7, DAY + 1_001),
            (10, 30 * DAY),
            (3, 400 * DAY),
            (9, 30 * 365 * DAY),
        ] {
            programs.push(program(kind, limit, period));
        }
    }
    for (limit, period, max_wait) in
        [(5, HOUR, HOUR / 2), (1, HOUR, 0), (7, DAY, 3 * DAY + 7), (7, 300 * DAY, 300 * DAY + 11)]
    {
        let mut spec = LimitSpec::new(Kind::LeakyBucket, limit, Period::Span(Nanos(period)));
        spec.max_wait = Some(Nanos(max_wait));
        programs.push(program_of(spec));
    }
    programs.extend(large());
    programs
}

/// Limits for whose products a double is too short.
fn large() -> Vec<Program> {
    let mut burst = LimitSpec::new(Kind::Gcra, 100_000_007, Period::Span(Nanos(20 * DAY)));
    burst.burst = Some(1_000_000_000);
    vec![
        program_of(burst),
        program(Kind::SlidingWindowCounter, 4_000_000_000, 30 * DAY),
        program(Kind::SlidingWindowCounter, 3_999_999_999, 17 * DAY + 1_001),
        program(Kind::SlidingWindowCounter, 3_000_000_019, 49 * 365 * DAY),
    ]
}

/// A history of one subject, told to the server and to the core.
struct History<'a> {
    link: &'a mut RedisLink,
    twin: Twin,
    dice: Dice,
    counters: Vec<(Counter, u64)>,
    now: u64,
    /// When something was charged, lately.
    charges: Vec<u64>,
    /// What was denied last, and when it would pass.
    denied: Option<(Ask, u64)>,
}

impl<'a> History<'a> {
    fn new(link: &'a mut RedisLink, seed: u64, all: &[Program]) -> Self {
        let mut dice = Dice::new(seed);
        let counters = (0..4)
            .map(|index| {
                let program = all[dice.count(all.len() as u64) as usize].clone();
                let name = name(&format!("r{index}"), &format!("s{seed}"));
                let step = program.fill_time().0 / 4;
                (Counter { name, program, cost: 1, at: None }, step)
            })
            .collect();
        let now = START + dice.below(DAY);
        Self { link, twin: Twin::default(), dice, counters, now, charges: vec![now], denied: None }
    }

    fn advance(&mut self) {
        let longest = self.counters[self.dice.count(4) as usize].1;
        let step = match self.dice.below(6) {
            0 => 0,
            1 => self.dice.below(3),
            2 => self.dice.below(1_500),
            _ => self.dice.below(longest),
        };
        let backwards = self.dice.below(6) == 0;
        self.now = if backwards { self.now - step.min(self.now / 2) } else { self.now + step };
    }

    fn cost(&mut self, program: &Program) -> u32 {
        let capacity = u64::from(program.capacity());
        match self.dice.below(10) {
            0 => 0,
            1 => u32::try_from((capacity + 1).min(u32::MAX.into())).unwrap(),
            2..=4 => self.dice.count(capacity + 1),
            5 => u32::try_from(capacity / 3).unwrap(),
            _ => 1,
        }
    }

    fn ask(&mut self) -> Ask {
        let first = self.dice.count(4) as usize;
        let number = 1 + usize::from(self.dice.below(10) >= 6);
        let counters = (0..number).map(|index| {
            let program = self.counters[(first + index) % 4].0.program.clone();
            let cost = self.cost(&program);
            let at = Some(Nanos(self.now));
            Counter { cost, at, ..self.counters[(first + index) % 4].0.clone() }
        });
        let counters = counters.collect();
        let kind = if self.dice.below(6) == 0 { AskKind::Peek } else { AskKind::Check };
        Ask { counters, count: 1 + self.dice.count(4), kind }
    }

    /// Asks again for what was denied: when it has to pass, a nanosecond before, or after.
    fn insist(&mut self, seed: u64) {
        let Some((mut ask, due)) = self.denied.take() else { return };
        self.now = due - 1 + self.dice.below(3);
        for counter in &mut ask.counters {
            counter.at = Some(Nanos(self.now));
        }
        ask.count = 1;
        self.put(&[ask], seed);
    }

    fn check(&mut self, seed: u64) {
        let asks: Vec<Ask> = (0..=self.dice.below(3)).map(|_| self.ask()).collect();
        self.put(&asks, seed);
    }

    fn put(&mut self, asks: &[Ask], seed: u64) {
        for (ask, reply) in asks.iter().zip(exchange(self.link, asks)) {
            let before = self.twin.clone();
            let (granted, decisions) = self.twin.ask(ask);
            let reply = reply.unwrap();
            assert_eq!(reply.granted, granted, "history {seed}: {ask:#?} on {before:#?}");
            assert_eq!(reply.decisions(ask), decisions, "history {seed}: {ask:#?} on {before:#?}");
            if granted > 0 {
                self.charges.push(self.now);
            }
            let waits = decisions.last().unwrap().iter().map(Decision::retry_after);
            if let Some(Nanos(wait)) = waits.flatten().max() {
                self.denied = Some((ask.clone(), self.now + wait));
            }
        }
    }

    fn adjust(&mut self) {
        let chosen = self.dice.count(4) as usize;
        let counter = Counter { at: Some(Nanos(self.now)), ..self.counters[chosen].0.clone() };
        let back = self.dice.count(self.charges.len().min(4) as u64) as usize;
        let charged_at = Nanos(self.charges[self.charges.len() - 1 - back]);
        let (cost, more) = (self.cost(&counter.program), self.cost(&counter.program));
        let change = match self.dice.below(4) {
            0 => Change::Debit { cost },
            1 => Change::Settle { reserved: cost, charged_at, actual: more },
            _ => Change::Refund { cost, charged_at },
        };
        let fix = fix(&counter, change);
        self.link.adjust(std::slice::from_ref(&fix), soon()).unwrap();
        self.twin.fix(&fix);
    }

    /// Forgets what the server may forget, by its own clock, before the history is told.
    fn tidy(&mut self) {
        for (counter, _) in self.counters.clone() {
            let recovered = self.twin.recovered_at(&counter.name, &counter.program);
            if recovered <= Nanos(self.now).saturating_add(NEARLY_OVER) {
                let reset = fix(&Counter { at: Some(Nanos(self.now)), ..counter }, Change::Reset);
                self.link.adjust(std::slice::from_ref(&reset), soon()).unwrap();
                self.twin.fix(&reset);
            }
        }
    }
}

fn tell_histories(programs: &[Program], number: u64) {
    let server = RedisServer::start();
    let mut link = connect(&server.socket_url());
    for seed in 0..number {
        let mut history = History::new(&mut link, seed, programs);
        for _ in 0..30 {
            history.advance();
            if history.dice.below(4) == 0 {
                history.adjust();
                history.tidy();
            } else {
                history.check(seed);
                if history.dice.below(3) == 0 {
                    history.insist(seed);
                }
                if history.dice.below(2) == 0 {
                    history.tidy();
                }
            }
        }
    }
}

#[test]
fn every_history_ends_as_the_core_says() {
    tell_histories(&programs(), 600);
}

#[test]
fn products_that_no_double_holds_are_exact() {
    tell_histories(&large(), 200);
}
