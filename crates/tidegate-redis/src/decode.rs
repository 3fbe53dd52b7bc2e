//! What the scripts answer.

use std::slice;

use redis::Value;
use smallvec::SmallVec;
use tidegate_core::{Nanos, Program, algorithm::Counts};
use tidegate_remote::{Ask, Counter, LogRecord, Name, Record, RemoteError, Reply};

use crate::{STORE, error::nonsense, rights};

/// The answers to `asks`, in order, out of the flat list that a check returns.
pub(crate) fn replies<'a>(
    list: &[Value],
    asks: impl Iterator<Item = &'a Ask>,
) -> Result<Vec<Result<Reply, RemoteError>>, RemoteError> {
    let mut words = Words(list.iter());
    let now = words.clock()?;
    asks.map(|ask| words.reply(ask, now)).collect()
}

/// The server's time, as the command TIME tells it.
pub(crate) fn clock(list: &[Value]) -> Result<Nanos, RemoteError> {
    Words(list.iter()).clock()
}

struct Words<'a>(slice::Iter<'a, Value>);

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<&'a Value, RemoteError> {
        self.0.next().ok_or_else(|| nonsense("a longer list"))
    }

    fn integer(&mut self) -> Result<i64, RemoteError> {
        match self.next()? {
            Value::Int(number) => Ok(*number),
            _ => Err(nonsense("a number")),
        }
    }

    fn count(&mut self) -> Result<u32, RemoteError> {
        u32::try_from(self.integer()?).map_err(|_| nonsense("a count"))
    }

    fn text(&mut self) -> Result<Option<&'a str>, RemoteError> {
        match self.next()? {
            Value::BulkString(bytes) => {
                std::str::from_utf8(bytes).map(Some).map_err(|_| nonsense("text"))
            }
            Value::Nil => Ok(None),
            _ => Err(nonsense("text")),
        }
    }

    fn number(&mut self) -> Result<u64, RemoteError> {
        self.text()?.and_then(|text| text.parse().ok()).ok_or_else(|| nonsense("digits"))
    }

    fn clock(&mut self) -> Result<Nanos, RemoteError> {
        let (seconds, micros) = (self.number()?, self.number()?);
        Ok(Nanos::from_secs(seconds).saturating_add(Nanos(micros.saturating_mul(1_000))))
    }

    fn reply(&mut self, ask: &Ask, now: Nanos) -> Result<Result<Reply, RemoteError>, RemoteError> {
        let granted = self.integer()?;
        if granted < 0 {
            return Ok(Err(self.foreign(ask)?));
        }
        let granted = u32::try_from(granted).map_err(|_| nonsense("a count"))?;
        let records = ask.counters.iter().map(|counter| self.record(counter));
        let found = records.collect::<Result<SmallVec<_>, _>>()?;
        Ok(Ok(Reply { granted, now, found }))
    }

    fn foreign(&mut self, ask: &Ask) -> Result<RemoteError, RemoteError> {
        let position = self.count()? as usize;
        let reason = self.text()?.unwrap_or_default();
        let counter = position.checked_sub(1).and_then(|index| ask.counters.get(index));
        let counter = counter.ok_or_else(|| nonsense("a counter"))?;
        Ok(foreign(&counter.name, &counter.program, reason))
    }

    fn record(&mut self, counter: &Counter) -> Result<Record, RemoteError> {
        if let Program::SlidingWindowLog(_) = counter.program {
            return self.log().map(Record::Log);
        }
        let text = self.text()?;
        let record = match &counter.program {
            Program::FixedWindow(by) => window(text, by.limit().get()).map(Record::Count),
            Program::SlidingWindowCounter(_) => counts(text).map(Record::Counts),
            Program::DenyAll
            | Program::Gcra(_)
            | Program::LeakyQueue(_)
            | Program::SlidingWindowLog(_) => time(text).map(Record::Time),
        };
        record.ok_or_else(|| nonsense("a counter's state"))
    }

    fn log(&mut self) -> Result<LogRecord, RemoteError> {
        let live = self.count()?;
        let told = self.count()?;
        let mut entries = SmallVec::new();
        for _ in 0..told {
            entries.push((self.count()?, Nanos(self.number()?)));
        }
        Ok(LogRecord { live, entries })
    }
}

/// What it means that a script could not read a counter, for this reason.
pub(crate) fn foreign(name: &Name, program: &Program, reason: &str) -> RemoteError {
    // The first that a script runs; see `script/state.lua`.
    let command = if matches!(program, Program::SlidingWindowLog(_)) { "ZCARD" } else { "GET" };
    rights::missing(reason, Some(command)).unwrap_or_else(|| RemoteError::Foreign {
        store: STORE,
        name: name.to_string(),
        reason: reason.to_owned(),
    })
}

/// A point in time beyond the last one that [`Nanos`] can hold is that one.
fn time(text: Option<&str>) -> Option<Nanos> {
    let Some(text) = text else { return Some(Nanos::ZERO) };
    let time: u128 = text.parse().ok()?;
    Some(Nanos(u64::try_from(time).unwrap_or(u64::MAX)))
}

fn window(text: Option<&str>, limit: u32) -> Option<u64> {
    let Some(text) = text else { return Some(0) };
    let (index, used) = text.split_once(':')?;
    let (index, used): (u64, u64) = (index.parse().ok()?, used.parse().ok()?);
    Some(index.saturating_mul(limit.into()).saturating_add(used))
}

fn counts(text: Option<&str>) -> Option<Counts> {
    let Some(text) = text else { return Some(Counts::default()) };
    let mut parts = text.split(':');
    let window = parts.next()?.parse().ok()?;
    let previous = parts.next()?.parse().ok()?;
    let current = parts.next()?.parse().ok()?;
    Some(Counts { window, previous, current })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_they_were_written() {
        assert_eq!(time(Some("1764078629000000001")), Some(Nanos(1_764_078_629_000_000_001)));
        assert_eq!(time(Some("0000000005")), Some(Nanos(5)));
        assert_eq!(time(Some("99999999999999999999")), Some(Nanos::MAX));
        assert_eq!(window(Some("7:12"), 10), Some(82));
        assert_eq!(counts(Some("7:1:2")), Some(Counts { window: 7, previous: 1, current: 2 }));
    }

    #[test]
    fn an_unseen_counter_is_its_default() {
        assert_eq!(time(None), Some(Nanos::ZERO));
        assert_eq!(window(None, 10), Some(0));
        assert_eq!(counts(None), Some(Counts::default()));
    }

    #[test]
    fn an_answer_that_is_too_short_is_nonsense() {
        assert!(replies(&[], [].iter()).is_err());
        assert!(clock(&[Value::BulkString(b"17".to_vec())]).is_err());
    }
}
