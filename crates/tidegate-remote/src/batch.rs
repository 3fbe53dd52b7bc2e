//! Questions that go to the server together, and the same question asked by many as one.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
};

use smallvec::SmallVec;
use tidegate_core::Nanos;

use crate::{
    Ask, RemoteError, Reply,
    ticket::{Answer, Asker, Decisions, Outcome, Ticket},
};

/// Asks for one exchange, and who asked each.
pub(crate) struct Batch {
    pub(crate) asks: Vec<Ask>,
    askers: Vec<SmallVec<[Asker; 1]>>,
}

impl Batch {
    /// Makes one ask of those that are alike: their requests are decided one after the other,
    /// in the order in which they came, and as many as fit are admitted.
    pub(crate) fn of(tickets: Vec<Ticket>) -> Self {
        let count = tickets.len();
        let is_single = count == 1;
        let mut batch = Self { asks: Vec::with_capacity(count), askers: Vec::with_capacity(count) };
        let mut alike: HashMap<u64, usize, BuildHasherDefault<Itself>> = HashMap::default();
        if !is_single {
            alike.reserve(count);
        }
        for Ticket { ask, asker } in tickets {
            let hash = asker.hashes.iter().fold(0, |all, hash| hash ^ u64::rotate_left(all, 7));
            let place = match alike.entry(hash) {
                // No need to remember what a batch of one is like.
                _ if is_single => None,
                Entry::Vacant(place) => {
                    place.insert(batch.asks.len());
                    None
                }
                // Compared as a whole: costs and kinds may differ, and hashes be the same.
                Entry::Occupied(place) => Some(*place.get()).filter(|&place| {
                    let other = &batch.asks[place];
                    other.kind == ask.kind && other.counters == ask.counters
                }),
            };
            if let Some(place) = place {
                let count = &mut batch.asks[place].count;
                *count = count.saturating_add(ask.count);
                batch.askers[place].push(asker);
            } else {
                batch.asks.push(ask);
                batch.askers.push(smallvec::smallvec![asker]);
            }
        }
        batch
    }

    /// How many askers' questions went into those of others.
    pub(crate) fn coalesced(&self) -> usize {
        self.askers.iter().map(|askers| askers.len() - 1).sum()
    }

    /// Delivers to everybody who asked: `replies` are of the first asks, and those without one
    /// get the `error`. `seen` is shown every counter's newest decision.
    pub(crate) fn finish(
        self,
        store: &'static str,
        replies: Vec<Result<Reply, RemoteError>>,
        error: Option<&RemoteError>,
        mut seen: impl FnMut(u64, u32, &tidegate_core::Decision),
    ) {
        let mut replies = replies.into_iter();
        for (ask, askers) in self.asks.iter().zip(self.askers) {
            let decided = replies.next().unwrap_or_else(|| Err(missing(store, error)));
            let decided = decided.and_then(|reply| match reply.decisions(ask) {
                decisions if decisions.len() == ask.count as usize => Ok((reply.now, decisions)),
                _ => Err(RemoteError::Failed {
                    store,
                    reason: "the answer does not fit the question".to_owned(),
                }),
            });
            if let (Ok((_, decisions)), Some(asker)) = (&decided, askers.first()) {
                let newest = decisions.last().into_iter().flatten();
                for ((hash, counter), decision) in
                    asker.hashes.iter().zip(&ask.counters).zip(newest)
                {
                    seen(*hash, counter.cost, decision);
                }
            }
            hand_out(askers, decided);
        }
    }
}

/// The hash of a number that is one already, and that nobody outside can aim.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// Gives every asker the decisions on his own requests.
fn hand_out(askers: SmallVec<[Asker; 1]>, decided: Result<(Nanos, Vec<Decisions>), RemoteError>) {
    match decided {
        Ok((at, decisions)) => {
            let mut decisions = decisions.into_iter();
            for asker in askers {
                let requests = decisions.by_ref().take(asker.count as usize).collect();
                asker.finish(Ok(Answer { at, requests }));
            }
        }
        Err(error) => {
            for asker in askers {
                let outcome: Outcome = Err(error.clone());
                asker.finish(outcome);
            }
        }
    }
}

fn missing(store: &'static str, error: Option<&RemoteError>) -> RemoteError {
    error
        .cloned()
        .unwrap_or_else(|| RemoteError::Failed { store, reason: "an answer is missing".to_owned() })
}
