//! Interleaved rounds: every contender runs for a moment, again and again, so that a machine
//! which slows down meanwhile slows all of them down alike.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use crate::{
    contenders::Contender,
    keys::{CHUNK, Keys},
    machine,
};

/// How often a disturbed round is repeated at most.
const ATTEMPTS: usize = 20;
/// The share of the time for which a thread must have had a core.
const UNDISTURBED: f64 = 0.9;

/// What to measure, and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Keys to draw from.
    pub keys: u64,
    /// Threads that check side by side.
    pub threads: usize,
    /// Whether every check must be allowed, or every one refused.
    pub allowed: bool,
    /// Rounds, each of which gives one figure for each contender.
    pub rounds: usize,
    /// Processor time for one contender in one round and thread.
    pub moment: Duration,
}

/// Nanoseconds for one check, by contender and then by round; with several threads, those of
/// all threads together. `None` for a contender of which a check did not come out as the
/// scenario says: fast and wrong is no figure.
pub fn run(contenders: &[Box<dyn Contender>], scenario: &Scenario) -> Vec<Option<Vec<f64>>> {
    let mut all = vec![Some(Vec::with_capacity(scenario.rounds)); contenders.len()];
    for round in 0..=scenario.rounds {
        for (contender, right) in contenders.iter().zip(&mut all) {
            let Some(figures) = right else { continue };
            let Some(figure) = side_by_side(contender.as_ref(), scenario, round) else {
                *right = None;
                continue;
            };
            // The first round warms up.
            if round > 0 {
                figures.push(figure);
            }
        }
    }
    all
}

/// Shows every key to every contender once.
pub fn fill(contenders: &[Box<dyn Contender>], keys: u64) {
    for contender in contenders {
        fill_one(contender.as_ref(), 0, keys);
    }
}

/// Shows the keys numbered from `first` up to, not including, `end` to a contender.
pub fn fill_one(contender: &dyn Contender, first: u64, end: u64) {
    let mut keys = Keys::new(end, 1);
    for start in (first..end).step_by(CHUNK) {
        let count = usize::try_from(end - start).unwrap_or(CHUNK).min(CHUNK);
        contender.check_all(keys.numbered(start, count));
    }
}

/// Repeats a round in which the threads could not run side by side because other programs had
/// the cores: it would show less contention than there is.
fn side_by_side(contender: &dyn Contender, scenario: &Scenario, round: usize) -> Option<f64> {
    // Other keys every time, or a few would be checked more often than their limit allows.
    let first = round * (ATTEMPTS + 1);
    let mut figure = together(contender, scenario, first)?;
    for attempt in 1..=ATTEMPTS {
        if scenario.threads == 1 || figure.undisturbed {
            break;
        }
        figure = together(contender, scenario, first + attempt)?;
    }
    Some(1.0 / figure.rate)
}

/// What one or several threads did in one round.
struct Figure {
    /// Checks per nanosecond.
    rate: f64,
    /// Whether every thread had a core for itself nearly all the time.
    undisturbed: bool,
}

fn together(contender: &dyn Contender, scenario: &Scenario, turn: usize) -> Option<Figure> {
    let threads = scenario.threads;
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let run = |index: usize| {
            let start = &start;
            move || {
                machine::pin(index);
                let seed = (turn * threads + index) as u64 + 1;
                let mut keys = Keys::new(scenario.keys, seed);
                start.wait();
                alone(contender, &mut keys, scenario)
            }
        };
        let running: Vec<_> = (0..threads).map(|index| scope.spawn(run(index))).collect();
        running.into_iter().try_fold(Figure { rate: 0.0, undisturbed: true }, |all, thread| {
            let one = thread.join().ok().flatten()?;
            let undisturbed = all.undisturbed && one.undisturbed;
            Some(Figure { rate: all.rate + one.rate, undisturbed })
        })
    })
}

/// Checks per nanosecond of this thread's processor time; writing the keys is not counted.
/// `None` if a check did not come out as the scenario says.
fn alone(contender: &dyn Contender, keys: &mut Keys, scenario: &Scenario) -> Option<Figure> {
    let (mut busy, mut checks) = (Duration::ZERO, 0_usize);
    let (begun, begun_thread) = (Instant::now(), machine::thread_time());
    let warm_up = scenario.moment / 10;
    while busy < scenario.moment {
        let chunk = if scenario.keys == 1 { keys.same() } else { keys.draw() };
        let times = CHUNK / chunk.len();
        let before = machine::thread_time();
        let passed: usize = (0..times).map(|_| contender.check_all(chunk)).sum();
        let took = machine::thread_time().saturating_sub(before);
        if passed != if scenario.allowed { CHUNK } else { 0 } {
            return None;
        }
        if begun.elapsed() > warm_up {
            busy += took;
            checks += CHUNK;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = checks as f64 / busy.as_nanos() as f64;
    let used = machine::thread_time().saturating_sub(begun_thread);
    let undisturbed = used.as_secs_f64() > UNDISTURBED * begun.elapsed().as_secs_f64();
    Some(Figure { rate, undisturbed })
}
