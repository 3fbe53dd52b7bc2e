//! Asks as statements, and answers as replies.
//!
//! A statement locks the rows that it writes until it ends. So that two of them never wait for
//! each other, every statement locks rows in the order of their names. Asks whose order does
//! not matter, because they share no counter, are put in that order; an ask that would have to
//! lock out of order begins a statement of its own. All statements of an exchange are sent
//! together.

use std::collections::HashSet;

use smallvec::SmallVec;
use tidegate_remote::{Ask, AskKind, Counter, RemoteError, Reply};

use crate::{
    error::setup,
    program::{Numbers, moment},
};

/// Asks that one statement decides.
#[derive(Debug, Default)]
pub(crate) struct Batch<'a> {
    pub(crate) names: Vec<&'a str>,
    pub(crate) numbers: Vec<i64>,
    /// Their places in the exchange.
    pub(crate) asks: Vec<usize>,
}

/// An answer for every ask, as far as it is known.
pub(crate) type Replies = Vec<Option<Result<Reply, RemoteError>>>;

/// The places of an ask's counters, in the order of their names.
pub(crate) fn by_name(counters: &[Counter]) -> SmallVec<[usize; 4]> {
    let mut places: SmallVec<[usize; 4]> = (0..counters.len()).collect();
    if counters.len() > 1 {
        places.sort_by(|&one, &other| counters[one].name.cmp(&counters[other].name));
    }
    places
}

/// Statements for `asks`, in order; what cannot be asked is answered in `replies`.
pub(crate) fn plan<'a>(asks: &'a [Ask], replies: &mut Replies) -> Vec<Batch<'a>> {
    let mut order: Vec<usize> = (0..asks.len()).collect();
    let tied: HashSet<&str> = asks
        .iter()
        .filter(|ask| ask.counters.len() > 1)
        .flat_map(|ask| ask.counters.iter().map(|counter| counter.name.as_str()))
        .collect();
    // Asks that share no counter with one of several counters come first; the sort is stable,
    // so that those on one counter stay in order.
    order.sort_by_key(|&place| match asks[place].counters.as_slice() {
        [only] if !tied.contains(only.name.as_str()) => (0, only.name.as_str()),
        _ => (1, ""),
    });
    let mut batches = Vec::new();
    let mut current = Batch::default();
    let mut locks = Locks::default();
    for place in order {
        let ask = &asks[place];
        let counters = by_name(&ask.counters);
        let numbers = match numbers_of(ask, &counters) {
            Ok(numbers) => numbers,
            Err(reason) => {
                replies[place] = Some(Err(setup(reason)));
                continue;
            }
        };
        if !locks.take(locked(ask, &counters)) {
            batches.push(std::mem::take(&mut current));
            locks = Locks::default();
            locks.take(locked(ask, &counters));
        }
        let names = counters.iter().map(|&counter| ask.counters[counter].name.as_str());
        current.names.extend(names);
        current.numbers.extend(numbers);
        current.asks.push(place);
    }
    if !current.asks.is_empty() {
        batches.push(current);
    }
    batches
}

/// The names that a statement may lock: of each of its asks all, in order, or none.
#[derive(Default)]
struct Locks<'a> {
    asks: Vec<SmallVec<[&'a str; 4]>>,
    last: &'a str,
}

impl<'a> Locks<'a> {
    /// Adds the `names` of an ask, which are in order; false, and nothing is added, if one
    /// might be locked after a later one.
    ///
    /// A name that an earlier ask went beyond must be that ask's too: if it was admitted, the
    /// name is locked already, and if it was refused, nothing is. Who only looks has no names.
    fn take(&mut self, names: SmallVec<[&'a str; 4]>) -> bool {
        let (Some(first), Some(last)) = (names.first(), names.last()) else { return true };
        let in_order = *first >= self.last
            || self.asks.iter().all(|earlier| {
                let beyond = |name: &&str| earlier.last().is_some_and(|last| *last > *name);
                names.iter().all(|name| !beyond(name) || earlier.contains(name))
            });
        if in_order {
            self.last = self.last.max(last);
            self.asks.push(names);
        }
        in_order
    }
}

/// The names that `ask` locks if it is admitted, in order.
fn locked<'a>(ask: &'a Ask, counters: &[usize]) -> SmallVec<[&'a str; 4]> {
    if ask.kind == AskKind::Peek {
        return SmallVec::new();
    }
    let counters = counters.iter().map(|&place| &ask.counters[place]);
    counters.filter(|counter| counter.cost > 0).map(|counter| counter.name.as_str()).collect()
}

/// What `decide` in `migrations/0001_exchange.sql` takes for one ask.
fn numbers_of(ask: &Ask, counters: &[usize]) -> Result<SmallVec<[i64; 12]>, String> {
    let mut numbers = SmallVec::new();
    numbers.push(i64::try_from(counters.len()).unwrap_or(i64::MAX));
    // What can never pass is not wanted.
    let never = ask.counters.iter().any(|counter| counter.cost > counter.program.capacity());
    let looks = ask.kind == AskKind::Peek || never;
    numbers.push(if looks { 0 } else { i64::from(ask.count) });
    for &place in counters {
        let counter = &ask.counters[place];
        let Numbers { kind, a, b } = Numbers::for_cost(&counter.program, counter.cost)?;
        numbers.extend([kind, i64::from(counter.cost), a, b, moment(counter.at)?]);
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use tidegate_core::{Key, Nanos, Program, algorithm::Gcra};
    use tidegate_remote::Name;

    use super::*;

    fn ask(kind: AskKind, subjects: &[&str]) -> Ask {
        let program = Program::Gcra(Gcra::new(NonZeroU32::MIN, Nanos::SECOND));
        let counters = subjects.iter().map(|subject| Counter {
            name: Name::new(&Key::new("rule", 1, subject.as_bytes())),
            program: program.clone(),
            cost: 1,
            at: None,
        });
        Ask { counters: counters.collect(), count: 1, kind }
    }

    /// Which asks share a statement.
    fn planned(asks: &[Ask]) -> Vec<Vec<usize>> {
        let mut replies = vec![None; asks.len()];
        plan(asks, &mut replies).into_iter().map(|batch| batch.asks).collect()
    }

    fn checks(asks: &[&[&str]]) -> Vec<Vec<usize>> {
        planned(&asks.iter().map(|names| ask(AskKind::Check, names)).collect::<Vec<_>>())
    }

    #[test]
    fn single_counters_share_a_statement_in_the_order_of_names() {
        assert_eq!(checks(&[&["c"], &["a"], &["b"], &["a"]]), [[1, 3, 2, 0]]);
        assert!(checks(&[]).is_empty());
    }

    #[test]
    fn a_statement_ends_before_it_would_lock_out_of_order() {
        assert_eq!(checks(&[&["a", "m"], &["m", "z"]]), [[0, 1]]);
        assert_eq!(checks(&[&["a", "z"], &["m", "z"]]), [[0], [1]]);
        assert_eq!(checks(&[&["z", "a"], &["a", "z"]]), [[0, 1]]);
        // The first may be refused, and then has not locked what the third wants.
        assert_eq!(checks(&[&["a", "m"], &["n", "o"], &["a", "q"]]), [vec![0, 1], vec![2]]);
        assert_eq!(checks(&[&["a", "z"], &["a", "m", "z"], &["a"]]), [vec![0], vec![1, 2]]);
        assert_eq!(checks(&[&["b", "c"], &["a"], &["b"], &["d"]]), [[1, 3], [0, 2]]);
    }

    #[test]
    fn who_only_looks_fits_anywhere() {
        let asks = [ask(AskKind::Check, &["m", "z"]), ask(AskKind::Peek, &["a", "b"])];
        assert_eq!(planned(&asks), [[0, 1]]);
    }
}
