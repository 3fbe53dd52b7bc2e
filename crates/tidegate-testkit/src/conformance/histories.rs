//! Random histories, the same in every run.

use tidegate_core::{Change, Charge, Decision, Nanos};

use super::{
    random::Random,
    reference::{self, Reference},
    scene::{START, Scene},
    sort,
};
use crate::models::{Log, Model, Queue, TokenBucket, WeightedWindows, WindowCount};

const SEEDS: u64 = 6;
const EVENTS: u32 = 80;

/// The reference steps of the core, applied to a state in a local variable. Clocks may go
/// back, and what is given back may never have been taken.
pub(super) fn any_history_agrees_with_the_core(scene: &Scene<'_>) {
    for seed in 0..SEEDS {
        let (mut random, user) = (Random::new(seed), scene.user(format!("seed {seed}")));
        let mut expected = reference::unseen(scene.limit());
        let (mut now, mut charged) = (START, (START, 1));
        for event in 0..EVENTS {
            now = step(&mut random, now, scene.sort().rest);
            if random.one_in(4) {
                let change = change(&mut random, charged, scene.sort().capacity);
                user.adjust(now, change);
                expected.adjust(now, change);
            } else {
                let cost = random.up_to(scene.sort().capacity + 1);
                let decision = user.check(now, cost);
                assert_eq!(decision, expected.check(now, cost), "seed {seed}, event {event}");
                charged = (now.saturating_add(decision.delay), cost);
            }
            let cost = random.up_to(2);
            let (peeked, right) = (user.peek(now, cost), expected.peek(now, cost));
            assert_eq!(peeked, right, "seed {seed}, event {event}");
        }
    }
}

fn step(random: &mut Random, now: Nanos, rest: u64) -> Nanos {
    let wait = random.wait(rest);
    if random.one_in(9) { now.saturating_sub(wait) } else { now.saturating_add(wait) }
}

fn change(random: &mut Random, (charged_at, cost): (Nanos, u32), capacity: u32) -> Change {
    match random.up_to(9) {
        0 => Change::Reset,
        1 | 2 => Change::Debit { cost: random.up_to(2 * capacity) },
        3 => Change::Refund { cost: random.up_to(capacity), charged_at },
        4..=6 => Change::Settle { reserved: cost, charged_at, actual: random.up_to(capacity + 2) },
        _ => Change::Refund { cost, charged_at },
    }
}

/// The model of a sort of limit, made from its definition and not from what the core made of
/// it.
fn model(scene: &Scene<'_>) -> Box<dyn Model> {
    const SECOND: u128 = 1_000_000_000;
    let text = scene.sort().text;
    match text {
        _ if text == sort::GCRA.text => Box::new(TokenBucket::new(5, 12 * SECOND)),
        _ if text == sort::TOKEN_BUCKET.text => Box::new(TokenBucket::new(8, 12 * SECOND)),
        _ if text == sort::METER.text => Box::new(TokenBucket::new(2, 12 * SECOND)),
        _ if text == sort::STRICT.text => Box::new(TokenBucket::new(5, 10 * SECOND)),
        _ if text == sort::QUEUE.text => Box::new(Queue::new(12 * SECOND, 48 * SECOND)),
        _ if text == sort::FIXED.text => Box::new(WindowCount::new(5, 60 * SECOND)),
        _ if text == sort::CALENDAR.text => Box::new(WindowCount::new(5, 90_000 * SECOND)),
        _ if text == sort::COUNTER.text => Box::new(WeightedWindows::new(5, 2_520 * SECOND)),
        _ if text == sort::LOG.text => Box::new(Log::new(5, 60 * SECOND)),
        _ => panic!("{text} has no model"),
    }
}

/// The slow models, which share no formula with the core. Their time never goes back, and
/// charges are given back whole, and once.
pub(super) fn any_history_agrees_with_the_model(scene: &Scene<'_>) {
    let capacity = scene.sort().capacity;
    for seed in 0..SEEDS {
        let (mut random, user) = (Random::new(seed), scene.user(format!("seed {seed}")));
        let (mut model, mut now, mut charges) = (model(scene), START, Vec::new());
        for event in 0..EVENTS {
            now = now.saturating_add(random.wait(scene.sort().rest));
            let at = u128::from(now.0);
            let cost = random.up_to(capacity + 1);
            match random.up_to(9) {
                0 => {
                    user.debit(now, 2 * cost);
                    model.force(at, u128::from(2 * cost));
                }
                1 | 2 if !charges.is_empty() => {
                    let (charged_at, cost) = charges.swap_remove(random.index(charges.len()));
                    user.refund(now, charged_at, cost);
                    model.give_back(at, charged_at.0.into(), cost.into());
                }
                _ => {
                    let decision = user.check(now, cost);
                    let taken = cost <= capacity && model.take(at, cost.into());
                    assert_eq!(decision.is_allowed(), taken, "seed {seed}, event {event}");
                    if taken {
                        charges.push((now.saturating_add(decision.delay), cost));
                    }
                }
            }
            let stands = user.peek(now, 1);
            let told = (u128::from(stands.remaining), u128::from(stands.reset_after.0));
            assert_eq!(told, (model.left(at), model.full_after(at)), "seed {seed}, event {event}");
        }
    }
}

/// Requests of one to eight charges, on keys that they share.
pub(super) fn any_history_of_several_charges_agrees(scene: &Scene<'_>) {
    let (mut random, mut now) = (Random::new(77), START);
    let subjects = ["ana", "ben", "cem"];
    let users: Vec<_> = subjects.iter().flat_map(|subject| scene.everywhere(subject)).collect();
    let mut expected: Vec<_> = users.iter().map(|user| reference::unseen(user.limit)).collect();
    for event in 0..400 {
        now = step(&mut random, now, 30);
        let chosen = choose(&mut random, users.len());
        let costs: Vec<u32> = chosen.iter().map(|_| random.up_to(20).saturating_sub(17)).collect();
        let charges: Vec<Charge<'_>> =
            chosen.iter().zip(&costs).map(|(&who, &cost)| users[who].charge(now, cost)).collect();

        let decisions = scene.subject.check(&charges);

        assert_eq!(decisions, all_or_none(&mut expected, &chosen, &costs, now), "event {event}");
    }
}

/// One to eight different indexes below `length`.
fn choose(random: &mut Random, length: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..length).collect();
    let count = 1 + random.index(8);
    (0..count).map(|_| left.swap_remove(random.index(left.len()))).collect()
}

fn all_or_none(
    keys: &mut [Box<dyn Reference>],
    chosen: &[usize],
    costs: &[u32],
    now: Nanos,
) -> Vec<Decision> {
    let charges = || chosen.iter().copied().zip(costs.iter().copied());
    let looks: Vec<_> = charges().map(|(who, cost)| keys[who].peek(now, cost)).collect();
    if looks.iter().all(Decision::is_allowed) {
        charges().map(|(who, cost)| keys[who].check(now, cost)).collect()
    } else {
        looks
    }
}
