//! Reads what `decide` in `migrations/0001_exchange.sql` answers.

use smallvec::{SmallVec, smallvec};
use tidegate_core::{Nanos, Program, algorithm::Counts};
use tidegate_remote::{Ask, Counter, LogRecord, Record, RemoteError, Reply};

use crate::{
    batch::{Batch, Replies, by_name},
    error::{STORE, failed},
    program::unsigned,
};

/// Puts the replies to the asks of `batch` in their places.
///
/// # Errors
///
/// [`RemoteError::Failed`] for an answer that `decide` does not give.
pub(crate) fn read(
    answers: &[i64],
    batch: &Batch<'_>,
    asks: &[Ask],
    replies: &mut Replies,
) -> Result<(), RemoteError> {
    let mut numbers = answers.iter().copied();
    read_all(&mut numbers, batch, asks, replies)
        .filter(|()| numbers.next().is_none())
        .ok_or_else(|| failed("it answered in numbers that make no sense"))
}

/// `None` for an answer that `decide` does not give.
fn read_all(
    numbers: &mut impl Iterator<Item = i64>,
    batch: &Batch<'_>,
    asks: &[Ask],
    replies: &mut Replies,
) -> Option<()> {
    let now = Nanos(unsigned(numbers.next()?)?);
    for &place in &batch.asks {
        let ask = &asks[place];
        let order = by_name(&ask.counters);
        let first = numbers.next()?;
        replies[place] = Some(if let Ok(granted) = u32::try_from(first) {
            let mut found: SmallVec<[Option<Record>; 2]> = smallvec![None; order.len()];
            for &counter in &order {
                let record = read_record(numbers, &ask.counters[counter], granted)?;
                found[counter] = Some(record);
            }
            Ok(Reply { granted, now, found: found.into_iter().collect::<Option<_>>()? })
        } else {
            let position = usize::try_from(first.checked_neg()?.checked_sub(1)?).ok()?;
            Err(foreign(&ask.counters[*order.get(position)?]))
        });
    }
    Some(())
}

pub(crate) fn foreign(counter: &Counter) -> RemoteError {
    RemoteError::Foreign {
        store: STORE,
        name: counter.name.to_string(),
        reason: "a row of another kind, or with numbers that no limit leads to".into(),
    }
}

fn read_record(
    numbers: &mut impl Iterator<Item = i64>,
    counter: &Counter,
    granted: u32,
) -> Option<Record> {
    let state = unsigned(numbers.next()?)?;
    Some(match &counter.program {
        Program::Gcra(_) | Program::LeakyQueue(_) => Record::Time(Nanos(state)),
        Program::FixedWindow(_) => Record::Count(state),
        Program::SlidingWindowCounter(_) => Record::Counts(Counts {
            window: state,
            previous: u32::try_from(numbers.next()?).ok()?,
            current: u32::try_from(numbers.next()?).ok()?,
        }),
        Program::SlidingWindowLog(by) => {
            let live = i64::try_from(state).ok()?;
            let (limit, cost) = (i64::from(by.limit().get()), i64::from(counter.cost));
            let places = [
                (live - limit).max(0),
                live - 1,
                live + i64::from(granted) * cost - (limit - cost) - 1,
            ];
            let mut entries = SmallVec::new();
            for place in places {
                let time = numbers.next()?;
                if let (Ok(place), Ok(time)) = (u32::try_from(place), u64::try_from(time)) {
                    entries.push((place, Nanos(time)));
                }
            }
            Record::Log(LogRecord { live: u32::try_from(live).ok()?, entries })
        }
        Program::DenyAll => return None,
    })
}
