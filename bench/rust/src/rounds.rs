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

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds, each of which gives one figure for each contender.
    pub rounds: usize,
    /// Processor time for one contender in one round and thread.
    pub moment: Duration,
}

/// Nanoseconds for one check, by contender and then by round; with several threads, those of
/// all threads together. An error if any check did not come out as `allowed` says.
pub fn run(
    contenders: &[Box<dyn Contender>],
    population: u64,
    threads: usize,
    allowed: bool,
    effort: Effort,
) -> Result<Vec<Vec<f64>>, String> {
    let mut figures = vec![Vec::with_capacity(effort.rounds); contenders.len()];
    for round in 0..=effort.rounds {
        for (contender, figures) in contenders.iter().zip(&mut figures) {
            let figure =
                together(contender.as_ref(), population, threads, round, allowed, effort.moment)
                    .ok_or_else(|| format!("{}: not every answer was right", contender.name()))?;
            // The first round warms up.
            if round > 0 {
                figures.push(figure);
            }
        }
    }
    Ok(figures)
}

/// Shows every key to every contender once.
pub fn fill(contenders: &[Box<dyn Contender>], population: u64) {
    for contender in contenders {
        fill_one(contender.as_ref(), 0, population);
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

fn together(
    contender: &dyn Contender,
    population: u64,
    threads: usize,
    round: usize,
    allowed: bool,
    moment: Duration,
) -> Option<f64> {
    let start = Barrier::new(threads);
    let rates: Option<f64> = thread::scope(|scope| {
        let alone = |index: usize| {
            let start = &start;
            move || {
                machine::pin(index);
                let seed = (round * threads + index) as u64 + 1;
                let mut keys = Keys::new(population, seed);
                start.wait();
                alone(contender, &mut keys, population, allowed, moment)
            }
        };
        let running: Vec<_> = (0..threads).map(|index| scope.spawn(alone(index))).collect();
        running.into_iter().map(|thread| thread.join().ok().flatten()).sum()
    });
    rates.map(|rates| 1.0 / rates)
}

/// Checks per nanosecond of this thread's processor time; writing the keys is not counted.
/// `None` if a check did not come out as `allowed` says.
fn alone(
    contender: &dyn Contender,
    keys: &mut Keys,
    population: u64,
    allowed: bool,
    moment: Duration,
) -> Option<f64> {
    let (mut busy, mut checks) = (Duration::ZERO, 0_usize);
    let begun = Instant::now();
    let warm_up = moment / 10;
    while busy < moment {
        let chunk = if population == 1 { keys.same() } else { keys.draw() };
        let times = CHUNK / chunk.len();
        let before = machine::thread_time();
        let passed: usize = (0..times).map(|_| contender.check_all(chunk)).sum();
        let took = machine::thread_time().saturating_sub(before);
        if passed != if allowed { CHUNK } else { 0 } {
            return None;
        }
        if begun.elapsed() > warm_up {
            busy += took;
            checks += CHUNK;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = checks as f64 / busy.as_nanos() as f64;
    Some(rate)
}
