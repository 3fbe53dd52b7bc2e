//! Many threads on one key, while time stands still: whatever the order, the bound holds to
//! the unit.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU32, Ordering::AcqRel},
    },
    thread,
};

use tidegate_core::{Change, Charge, Decision, Limit};

use super::{
    Subject,
    scene::{User, at},
};

/// How hard to press.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Threads, at least 2.
    pub threads: u32,
    /// Requests of each thread. A quarter of all requests fits the limits.
    pub requests: u32,
    /// How often each thread takes units and gives them back.
    pub turns: u32,
}

/// Presses every sort of limit with requests of one charge, then with several charges; and at
/// last lets units be taken and given back that are too few for all.
///
/// Returns the limits that the store does not support, as they were written.
///
/// # Panics
///
/// When more or less was admitted than the limit, or a refusal left something behind.
#[must_use]
pub fn stress(subject: &dyn Subject, load: Load) -> Vec<String> {
    let units = load.threads * load.requests / 4;
    assert!((100..10_000).contains(&units), "a load of {units} units says nothing, or too much");
    let mut unsupported = Vec::new();
    for text in texts(units) {
        match users(subject, "alone", &[&text]) {
            Ok(users) => press(&users, 1, units, load),
            Err(limit) => unsupported.push(limit),
        }
    }
    for [first, second, third] in triples(units) {
        for cost in [1, 3] {
            let rule = format!("three at cost {cost}");
            match users(subject, &rule, &[&first, &second, &third]) {
                Ok(users) => press(&users, cost, units, load),
                Err(limit) => unsupported.push(limit),
            }
        }
    }
    for texts in SCARCE {
        match users(subject, "scarce", texts) {
            Ok(users) => churn(&users, load),
            Err(limit) => unsupported.push(limit),
        }
    }
    unsupported.sort_unstable();
    unsupported.dedup();
    unsupported
}

/// Every sort of limit, for a capacity of `units`.
fn texts(units: u32) -> [String; 9] {
    [
        format!("gcra: {units}/hour"),
        format!("token_bucket: 1/minute burst {units}"),
        format!("leaky_bucket: {units}/hour"),
        format!("leaky_bucket: {units}/{units}s queue {}s", units - 1),
        format!("gcra: {}/hour strict", 2 * units),
        format!("fixed_window: {units}/hour"),
        format!("fixed_window: {units}/calendar-day"),
        format!("sliding_window_counter: {units}/hour"),
        format!("sliding_window_log: {units}/hour"),
    ]
}

/// Limits to be charged together; one of them, in each place, has the fewest units.
fn triples(units: u32) -> [[String; 3]; 3] {
    let gcra = |more| format!("gcra: {}/hour", units + more);
    let fixed = |more| format!("fixed_window: {}/hour", units + more);
    let counter = |more| format!("sliding_window_counter: {}/hour", units + more);
    let log = |more| format!("sliding_window_log: {}/hour", units + more);
    [[gcra(0), fixed(7), counter(4)], [counter(9), gcra(5), fixed(0)], [gcra(9), log(0), fixed(8)]]
}

/// Limits that threads get in each other's way about. The first is the smallest.
const SCARCE: [&[&str]; 5] = [
    &["gcra: 2/hour"],
    &["fixed_window: 1/hour", "gcra: 1/hour"],
    &["gcra: 2/hour", "sliding_window_counter: 2/hour", "fixed_window: 3/hour"],
    &["sliding_window_log: 1/hour", "gcra: 1/hour"],
    &["gcra: 2/hour", "sliding_window_log: 2/hour", "sliding_window_log: 3/hour"],
];

/// One key under each limit, or the first limit that is not supported.
fn users<'a>(
    subject: &'a dyn Subject,
    rule: &str,
    texts: &[&str],
) -> Result<Vec<User<'a>>, String> {
    let mut users = Vec::new();
    for (position, text) in (0..).zip(texts) {
        let limit: Limit = text.parse().expect("the suite's limits make sense");
        if !subject.supports(&limit) {
            return Err((*text).to_owned());
        }
        users.push(User {
            store: subject,
            rule: format!("stress, {rule}: {}", texts.join("; ")),
            // A few limits for the length of a test.
            limit: Box::leak(Box::new(limit)),
            position,
            subject: b"hot".to_vec(),
        });
    }
    Ok(users)
}

fn charges<'a>(users: &'a [User<'_>], cost: u32) -> Vec<Charge<'a>> {
    users.iter().map(|user| user.charge(at(0), cost)).collect()
}

fn passes(subject: &dyn Subject, charges: &[Charge<'_>]) -> bool {
    let decisions = subject.check(charges);
    assert_eq!(decisions.len(), charges.len());
    decisions.iter().all(Decision::is_allowed)
}

/// Lets all threads take a unit of all of `users` and give it back, again and again. No more
/// may ever hold one than there are, and none may be lost.
fn churn(users: &[User<'_>], load: Load) {
    let (store, most) = (users[0].store, users[0].limit.capacity());
    let (holders, barrier) = (AtomicU32::new(0), Barrier::new(load.threads as usize));
    let refund = Change::Refund { cost: 1, charged_at: at(0) };
    let work = |thread: u32| {
        let mut charges = charges(users, 1);
        let mut refunds: Vec<_> = users.iter().map(|user| user.adjustment(at(0), refund)).collect();
        if thread % 2 == 1 {
            charges.reverse();
            refunds.reverse();
        }
        barrier.wait();
        for _ in 0..load.turns {
            if passes(store, &charges) {
                // AcqRel: who comes after the store's refund must see that this one has left.
                let others = holders.fetch_add(1, AcqRel);
                holders.fetch_sub(1, AcqRel);
                assert!(others < most, "{others} others hold one of {most}: {}", users[0].rule);
                store.adjust(&refunds);
            }
        }
    };
    thread::scope(|scope| {
        for thread in 0..load.threads {
            let work = &work;
            scope.spawn(move || work(thread));
        }
    });
    for user in users {
        let left = user.peek(at(0), 1).remaining;
        assert_eq!(left, user.limit.capacity(), "a refusal was paid for: {}", user.rule);
    }
}

/// Lets all threads take `cost` units of all of `users` at once, as often as they can.
fn press(users: &[User<'_>], cost: u32, units: u32, load: Load) {
    let store = users[0].store;
    let barrier = Barrier::new(load.threads as usize);
    let work = |thread: u32| {
        let mut charges = charges(users, cost);
        // Half of the threads name their keys in the opposite order.
        if thread % 2 == 1 {
            charges.reverse();
        }
        barrier.wait();
        (0..load.requests).map(|_| u32::from(passes(store, &charges))).sum::<u32>()
    };
    let mut admitted: u32 = thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> =
            (0..load.threads).map(|thread| scope.spawn(move || work(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).sum()
    });
    let all = units / cost;
    if users.len() == 1 {
        assert_eq!(admitted, all, "{}", users[0].rule);
    }
    // With several charges the last requests may refuse each other; what they left is there.
    while admitted <= all && passes(store, &charges(users, cost)) {
        admitted += 1;
    }
    assert_eq!(admitted, all, "{}", users[0].rule);
    for user in users {
        let left = user.limit.capacity() - all * cost;
        assert_eq!(user.peek(at(0), 1).remaining, left, "a refusal was paid for: {}", user.rule);
    }
}
