//! Asks whose counters live in several slots.
//!
//! No script may touch two slots, so such an ask is charged slot by slot; what one slot admitted
//! and a later one did not is given back. Between the two, others may be refused who would not
//! have been if the ask had never been made; nobody is admitted who should not be.

use smallvec::SmallVec;
use tidegate_core::{Change, Nanos, Program};
use tidegate_remote::{Ask, AskKind, Counter, Fix, Record, RemoteError, Reply};

use super::{link::ClusterLink, map::slot_of};
use crate::due::Due;

/// The part of an ask that lives in one slot.
struct Part {
    ask: Ask,
    /// Where its counters stand in the whole ask.
    positions: Vec<usize>,
    reply: Option<Reply>,
}

impl ClusterLink {
    /// Decides an ask whose counters live in several slots.
    pub(super) fn ask_spanning(&mut self, ask: &Ask, due: &Due) -> Result<Reply, RemoteError> {
        let mut parts = split(ask);
        let mut granted = ask.count;
        for index in 0..parts.len() {
            let part = &mut parts[index];
            match granted {
                // Only to tell how its counters stand.
                0 => part.ask.kind = AskKind::Peek,
                granted => part.ask.count = granted,
            }
            let mut answers = self.run(&[&part.ask], due);
            match answers.pop().unwrap_or_else(|| Err(super::link::unavailable("no answer"))) {
                Ok(reply) => {
                    granted = granted.min(reply.granted);
                    part.reply = Some(reply);
                }
                Err(error) => {
                    self.give_back(&parts, 0, due);
                    return Err(error);
                }
            }
        }
        self.give_back(&parts, granted, due);
        Ok(join(ask, parts, granted))
    }

    /// Gives back what was taken for more than `granted` requests.
    ///
    /// What cannot be given back comes back by itself in time.
    fn give_back(&mut self, parts: &[Part], granted: u32, due: &Due) {
        for part in parts {
            let Some(reply) = part.reply.as_ref().filter(|reply| reply.granted > granted) else {
                continue;
            };
            let counters = part.ask.counters.iter().zip(&reply.found);
            let fixes: Vec<_> =
                counters.map(|(counter, found)| refund(counter, found, reply, granted)).collect();
            // The ask is decided already; see above for what becomes of the rest.
            let _ = self.adjust(&fixes, &due.or_a_moment());
        }
    }
}

/// An ask that costs more than can ever pass is not to be charged anywhere.
fn split(ask: &Ask) -> Vec<Part> {
    let never = ask.counters.iter().any(|counter| counter.cost > counter.program.capacity());
    let kind = if never { AskKind::Peek } else { ask.kind };
    let mut parts: Vec<(u16, Part)> = Vec::new();
    for (position, counter) in ask.counters.iter().enumerate() {
        let slot = slot_of(&counter.name);
        let index = parts.iter().position(|(known, _)| *known == slot).unwrap_or_else(|| {
            let ask = Ask { counters: SmallVec::new(), count: ask.count, kind };
            parts.push((slot, Part { ask, positions: Vec::new(), reply: None }));
            parts.len() - 1
        });
        let part = &mut parts[index].1;
        part.ask.counters.push(counter.clone());
        part.positions.push(position);
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

fn join(ask: &Ask, parts: Vec<Part>, granted: u32) -> Reply {
    let mut now = Nanos::ZERO;
    let mut found: Vec<(usize, Record)> = Vec::with_capacity(ask.counters.len());
    for part in parts {
        let Some(reply) = part.reply else { continue };
        now = now.max(reply.now);
        found.extend(part.positions.into_iter().zip(reply.found));
    }
    found.sort_by_key(|(position, _)| *position);
    Reply { granted, now, found: found.into_iter().map(|(_, record)| record).collect() }
}

/// Makes good that `reply` charged `counter` for more than `granted` requests.
fn refund(counter: &Counter, found: &Record, reply: &Reply, granted: u32) -> Fix {
    let at = counter.at.unwrap_or(reply.now);
    let units = |requests: u32| requests.saturating_mul(counter.cost);
    let change = match (&counter.program, found) {
        // A place in a queue is given back as a whole, by when it would have been left.
        (Program::LeakyQueue(_), Record::Time(free)) => Change::Settle {
            reserved: units(reply.granted),
            charged_at: at.max(*free),
            actual: units(granted),
        },
        _ => Change::Refund { cost: units(reply.granted - granted), charged_at: at },
    };
    Fix { name: counter.name.clone(), program: counter.program.clone(), at: counter.at, change }
}
