//! Changes to counters, as `adjust` in `migrations/0001_adjust.sql` takes them.

use tidegate_core::{Change, Nanos, Program};
use tidegate_remote::Fix;

use crate::program::{Numbers, moment, signed};

/// A change in numbers: what, and the two that go with it.
type Op = [i64; 3];

/// A change that the database can make.
#[derive(Debug, Default)]
pub(crate) struct Fixes<'a> {
    pub(crate) names: Vec<&'a str>,
    pub(crate) numbers: Vec<i64>,
}

impl<'a> Fixes<'a> {
    /// `fixes` in the order of names, those on one counter in their own; without those that
    /// cannot change anything.
    ///
    /// # Errors
    ///
    /// Why one of them cannot be made here.
    pub(crate) fn new(fixes: &'a [Fix]) -> Result<Self, String> {
        let mut sorted: Vec<&Fix> = fixes.iter().collect();
        sorted.sort_by_key(|fix| &fix.name);
        let mut all = Self::default();
        for fix in sorted {
            let Some([what, x, y]) = op(&fix.program, fix.change) else { continue };
            let Numbers { kind, a, b } = Numbers::new(&fix.program)?;
            all.names.push(fix.name.as_str());
            all.numbers.extend([what, kind, a, b, moment(fix.at)?, x, y]);
        }
        Ok(all)
    }
}

/// `None` for what cannot change anything.
fn op(program: &Program, change: Change) -> Option<Op> {
    match change {
        Change::Refund { cost, charged_at } => give_back(program, cost, charged_at, 0),
        Change::Debit { cost } => take(program, cost),
        Change::Settle { reserved, actual, .. } if actual >= reserved => {
            take(program, actual - reserved)
        }
        Change::Settle { reserved, charged_at, actual } => {
            give_back(program, reserved - actual, charged_at, actual)
        }
        Change::Reset => Some([3, 0, 0]),
    }
}

/// Gives back `cost` of `cost + kept` units that were taken at `charged_at`.
fn give_back(program: &Program, cost: u32, charged_at: Nanos, kept: u32) -> Option<Op> {
    let units = i64::from(cost);
    match program {
        Program::DenyAll => None,
        Program::Gcra(by) => {
            Some([1, signed(price(by.emission_interval(), cost).0), signed(charged_at.0)])
        }
        // As in `tidegate-core`, where even nothing pulls back a time that is too far ahead.
        Program::LeakyQueue(_) if cost == 0 => take(program, 0),
        Program::LeakyQueue(by) => {
            // Its place in the queue, if nobody stands behind it.
            let end = |units| charged_at.saturating_add(price(by.emission_interval(), units));
            let (last, freed) = (end(cost.saturating_add(kept)), end(kept));
            i64::try_from(last.0).ok().map(|last| [4, last, signed(freed.0)])
        }
        Program::FixedWindow(_)
        | Program::SlidingWindowCounter(_)
        | Program::SlidingWindowLog(_) => Some([1, units, signed(charged_at.0)]),
    }
}

/// Takes `cost` units, up to the most that may be owed.
fn take(program: &Program, cost: u32) -> Option<Op> {
    let units = i64::from(cost);
    let most = i64::from(program.capacity()) * 2;
    match program {
        Program::DenyAll => None,
        Program::Gcra(by) => Some([
            2,
            signed(price(by.emission_interval(), cost).0),
            signed(by.fill_time().saturating_mul(2).0),
        ]),
        Program::LeakyQueue(by) => Some([
            2,
            signed(price(by.emission_interval(), cost).0),
            signed(by.fill_time().saturating_mul(2).0),
        ]),
        Program::SlidingWindowCounter(_) => Some([2, units, most.min(i64::from(u32::MAX))]),
        Program::FixedWindow(_) | Program::SlidingWindowLog(_) => Some([2, units, most]),
    }
}

fn price(emission_interval: Nanos, cost: u32) -> Nanos {
    emission_interval.saturating_mul(u64::from(cost))
}
