//! Random histories decide as `tidegate-core` does, to the nanosecond.

mod common;

use common::{Chance, NOON, counter, exchange, link, model::Model, name, programs, soon};
use tidegate_core::{Change, Decision, Nanos, Program};
use tidegate_remote::{Ask, AskKind, Fix, Link as _};

/// A counter on the server, beside the same one in memory.
struct History {
    subject: String,
    model: Model,
    now: u64,
    /// When units were last taken, and how many.
    taken: (u64, u32),
}

impl History {
    /// What the model says to an ask of one counter.
    fn expect(&mut self, ask: &Ask) -> (u32, Vec<Decision>) {
        let (at, cost) = (Nanos(self.now), ask.counters[0].cost);
        let mut decisions = Vec::new();
        if ask.kind == AskKind::Check {
            while decisions.len() < ask.count as usize {
                let decision = self.model.check(at, cost);
                if !decision.is_allowed() {
                    break;
                }
                decisions.push(decision);
            }
        }
        let granted = u32::try_from(decisions.len()).expect("at most the count");
        if granted > 0 {
            let delay = decisions.last().map_or(Nanos::ZERO, |decision| decision.delay);
            self.taken = (self.now + delay.0, cost);
        }
        decisions.resize(ask.count as usize, self.model.peek(at, cost));
        (granted, decisions)
    }

    fn step(&mut self, dice: &mut Chance, period: u64) {
        let far = match dice.below(8) {
            0 | 1 => 0,
            2 => 1,
            3 | 4 => dice.below(period / 4 + 1),
            5 => dice.below(period + 1),
            6 => dice.below(3 * period + 1),
            // Back.
            _ => dice.below(period + 1).wrapping_neg(),
        };
        self.now = self.now.saturating_add_signed(far.cast_signed());
    }

    fn ask(&self, dice: &mut Chance, limit: u32) -> Ask {
        let cost = if dice.below(4) == 0 { dice.small(limit + 4) } else { 1 };
        let kind = if dice.below(6) == 0 { AskKind::Peek } else { AskKind::Check };
        let counters = [counter(&self.subject, &self.model.program, cost, Some(self.now))]
            .into_iter()
            .collect();
        Ask { counters, count: 1 + dice.small(limit + 2), kind }
    }

    fn fix(&self, dice: &mut Chance, limit: u32) -> Fix {
        let charged_at = Nanos(match dice.below(3) {
            0 => self.now.saturating_sub(dice.below(1_000)),
            _ => self.taken.0,
        });
        let reserved = if dice.below(2) == 0 { self.taken.1 } else { dice.small(limit + 2) };
        let actual = dice.small(2 * limit + 2);
        let change = match dice.below(7) {
            0 | 1 => Change::Refund { cost: reserved, charged_at },
            2 | 3 => Change::Debit { cost: actual },
            4 | 5 => Change::Settle { reserved, charged_at, actual },
            _ => Change::Reset,
        };
        let at = Some(Nanos(self.now));
        Fix { name: name(&self.subject), program: self.model.program.clone(), at, change }
    }
}

fn histories(programs: &[Program], start: u64, round: usize) -> Vec<History> {
    let many = programs.iter().cycle().take(40).enumerate();
    let history = |(index, program): (usize, &Program)| History {
        // Not in the order in which they are asked.
        subject: format!("{}-{round}", (index * 7) % 40),
        model: Model::new(program),
        now: start,
        taken: (start, 1),
    };
    many.map(history).collect()
}

fn run(programs: &[Program], start: u64, limit: u32, period: u64, round: usize) {
    let (_server, mut link) = link(&format!("model{round}"));
    let mut dice = Chance(round as u64);
    let mut histories = histories(programs, start, round);
    for step in 0..60 {
        // Some counters twice in one exchange.
        let mut asked: Vec<usize> = (0..histories.len()).collect();
        asked.extend((0..10).map(|_| dice.small(40) as usize));
        let mut asks = Vec::new();
        let mut expected = Vec::new();
        for &index in &asked {
            let history = &mut histories[index];
            history.step(&mut dice, period);
            let ask = history.ask(&mut dice, limit);
            expected.push(history.expect(&ask));
            asks.push(ask);
        }
        let replies = exchange(&mut link, &asks);
        for ((ask, reply), (granted, decisions)) in asks.iter().zip(&replies).zip(expected) {
            let ours: Vec<_> = reply.decisions(ask).iter().map(|all| all[0]).collect();
            assert_eq!(reply.granted, granted, "step {step}: {ask:?} {reply:?}");
            assert_eq!(ours, decisions, "step {step}: {ask:?} {reply:?}");
        }
        let mut fixes = Vec::new();
        for history in &mut histories {
            if dice.below(4) == 0 {
                let fix = history.fix(&mut dice, limit);
                let takes = match fix.change {
                    Change::Debit { cost } => cost > 0,
                    Change::Settle { reserved, actual, .. } => actual > reserved,
                    Change::Refund { .. } | Change::Reset => false,
                };
                // To nothing, a server gives nothing back. The core remembers the time of it,
                // which shows when the clock goes back.
                if takes || !history.model.is_unseen() {
                    history.model.change(Nanos(history.now), fix.change);
                }
                fixes.push(fix);
            }
        }
        link.adjust(&fixes, soon()).expect("no counter is of another kind");
    }
}

#[test]
fn random_histories_decide_as_the_core_does() {
    for (round, (limit, period)) in
        [(5, 1_000_000_007), (1, 60_000_000_000), (3, 7), (12, 86_400_000_000_000)]
            .into_iter()
            .enumerate()
    {
        run(&programs(limit, Nanos(period)), NOON, limit, period, round);
    }
}

#[test]
fn histories_near_the_beginning_of_time_decide_as_the_core_does() {
    run(&programs(4, Nanos(1_000)), 0, 4, 1_000, 10);
}

#[test]
fn the_longest_limits_and_the_last_moments_decide_as_the_core_does() {
    // With a queue of 22 years, near 2116: sums come near 63 bits.
    let year = 365 * 86_400 * 1_000_000_000;
    run(&programs(4, Nanos(11 * year)), (1 << 62) - 20 * year, 4, year / 4, 20);
}

#[test]
fn large_limits_decide_as_the_core_does() {
    let limit = 3_000;
    run(&programs(limit, Nanos(60_000_000_000)), NOON, limit, 60_000_000_000, 30);
}
