//! Many asks at once, to all nodes that they concern.

use std::collections::{HashMap, HashSet};

use redis::Value;
use tidegate_remote::{Ask, RemoteError, Reply};

use super::{
    link::{ClusterLink, Next, TRIES, unavailable},
    map::only_slot,
};
use crate::{
    due::Due,
    encode,
    script::By,
    single::{Outcome, PER_CALL, receive},
    url::Host,
};

type Answer = Result<Reply, RemoteError>;

/// One call: asks of one slot, by their positions, in order.
struct Call {
    host: Host,
    /// Whether the slot is on its way to `host`.
    asking: bool,
    asks: Vec<usize>,
}

/// What is still to be decided, and what was learned about it.
struct Run<'a> {
    asks: &'a [&'a Ask],
    answers: Vec<Option<Answer>>,
    /// Where an ask was sent on to, for one try.
    sent_on: HashMap<usize, Host>,
    /// Nodes that lack the script.
    untaught: HashSet<Host>,
    /// Nodes that could not be connected to.
    dead: HashMap<Host, RemoteError>,
    /// Why the last try decided nothing.
    trouble: Option<RemoteError>,
    /// Whether the map is out of date.
    stale: bool,
    /// Who knows better.
    knowing: Option<Host>,
}

impl ClusterLink {
    /// Decides `asks`, each of which has one slot; answers in the same order.
    ///
    /// All nodes are written to before any is read from. What a node refuses without deciding
    /// it is put to the right one; what may have been decided is not put again.
    pub(super) fn run(&mut self, asks: &[&Ask], due: &Due) -> Vec<Answer> {
        let mut run = Run::new(asks);
        for _ in 0..TRIES {
            let calls = run.calls(self);
            if calls.is_empty() {
                break;
            }
            let sent = run.send(self, calls, due);
            for (host, calls) in sent {
                run.receive(self, &host, &calls, due);
            }
            if run.is_done() {
                break;
            }
            let learned = match (run.trouble.is_some(), run.stale) {
                (true, _) => self.pause(due),
                (false, true) => self.refresh(run.knowing.take().as_ref(), due),
                (false, false) => Ok(()),
            };
            if let Err(error) = learned {
                run.trouble = run.trouble.take().or(Some(error));
                break;
            }
            run.stale = false;
        }
        run.finish()
    }
}

impl<'a> Run<'a> {
    fn new(asks: &'a [&'a Ask]) -> Self {
        Self {
            asks,
            answers: vec![None; asks.len()],
            sent_on: HashMap::new(),
            untaught: HashSet::new(),
            dead: HashMap::new(),
            trouble: None,
            stale: false,
            knowing: None,
        }
    }

    fn is_done(&self) -> bool {
        self.answers.iter().all(Option::is_some)
    }

    /// Groups what is undecided by node and slot.
    fn calls(&mut self, link: &ClusterLink) -> Vec<Call> {
        let mut calls: Vec<Call> = Vec::new();
        let mut open: HashMap<(Host, u16, bool), usize> = HashMap::new();
        for index in 0..self.asks.len() {
            if self.answers[index].is_some() {
                continue;
            }
            let Some(slot) = only_slot(self.asks[index]) else {
                self.answers[index] = Some(Err(unavailable("an ask without a slot")));
                continue;
            };
            let sent_on = self.sent_on.remove(&index);
            let asking = sent_on.is_some();
            let Some(host) = sent_on.or_else(|| link.map.owner(slot).cloned()) else {
                self.answers[index] = Some(Err(unavailable("nobody serves the slot")));
                continue;
            };
            if let Some(error) = self.dead.get(&host) {
                self.answers[index] = Some(Err(error.clone()));
                continue;
            }
            let call = open.get(&(host.clone(), slot, asking)).copied();
            if let Some(call) = call.filter(|call| calls[*call].asks.len() < PER_CALL) {
                calls[call].asks.push(index);
            } else {
                open.insert((host.clone(), slot, asking), calls.len());
                calls.push(Call { host, asking, asks: vec![index] });
            }
        }
        calls
    }

    /// Writes to every node what concerns it, and returns what was written.
    fn send(
        &mut self,
        link: &mut ClusterLink,
        calls: Vec<Call>,
        due: &Due,
    ) -> Vec<(Host, Vec<Call>)> {
        let mut by_host: Vec<(Host, Vec<Call>)> = Vec::new();
        for call in calls {
            match by_host.iter_mut().find(|(host, _)| *host == call.host) {
                Some((_, calls)) => calls.push(call),
                None => by_host.push((call.host.clone(), vec![call])),
            }
        }
        by_host.retain(|(host, calls)| {
            if let Err(error) = link.wire(host, due) {
                // Nothing was sent; another node may have taken over.
                self.dead.insert(host.clone(), error);
                self.stale = true;
                return false;
            }
            let mut packer = std::mem::take(&mut link.packer);
            packer.clear();
            let mut by = if self.untaught.remove(host) { By::Source } else { By::Digest };
            for call in calls {
                if call.asking {
                    packer.command(&[b"ASKING"]);
                }
                let asks = call.asks.iter().map(|index| self.asks[*index]);
                encode::check(&mut packer, by, link.prefix(), asks);
                by = By::Digest;
            }
            let sent = link.wire(host, due).and_then(|wire| wire.send(&packer, due));
            link.packer = packer;
            match sent {
                Ok(()) => true,
                Err(error) => {
                    self.lose(link, host, calls, &error);
                    false
                }
            }
        });
        by_host
    }

    /// Gives up on calls that may have been decided.
    fn lose(&mut self, link: &mut ClusterLink, host: &Host, calls: &[Call], error: &RemoteError) {
        link.forget(host);
        self.stale = true;
        for index in calls.iter().flat_map(|call| &call.asks) {
            self.answers[*index].get_or_insert_with(|| Err(error.clone()));
        }
    }

    fn receive(&mut self, link: &mut ClusterLink, host: &Host, calls: &[Call], due: &Due) {
        // What other nodes have answered while one did not is there to be read.
        let due = due.or_a_moment();
        for (position, call) in calls.iter().enumerate() {
            let asks = call.asks.iter().map(|index| self.asks[*index]);
            let outcome = link.wire(host, &due).and_then(|wire| {
                if call.asking {
                    let _: Value = wire.receive(&due)?;
                }
                receive(wire, asks, &due)
            });
            match outcome {
                Ok(Outcome::Decided(answers)) => {
                    for (index, answer) in call.asks.iter().zip(answers) {
                        self.answers[*index] = Some(answer);
                    }
                }
                Ok(Outcome::Refused(error)) => {
                    let next = ClusterLink::next(&error, host);
                    self.follow(host, call, next);
                }
                Err(error) => return self.lose(link, host, &calls[position..], &error),
            }
        }
    }

    fn follow(&mut self, host: &Host, call: &Call, next: Next) {
        match next {
            Next::Teach => {
                self.untaught.insert(host.clone());
                if call.asking {
                    // It is still there that the slot is on its way to.
                    let again = call.asks.iter().map(|index| (*index, host.clone()));
                    self.sent_on.extend(again);
                }
            }
            Next::Moved => {
                self.knowing = Some(host.clone());
                self.stale = true;
            }
            Next::Ask(host) => {
                let on = call.asks.iter().map(|index| (*index, host.clone()));
                self.sent_on.extend(on);
            }
            Next::Wait(error) => {
                self.trouble = Some(error);
                self.stale = true;
            }
            Next::Fail(error) => {
                for index in &call.asks {
                    self.answers[*index] = Some(Err(error.clone()));
                }
            }
        }
    }

    fn finish(self) -> Vec<Answer> {
        let trouble = self.trouble.unwrap_or_else(|| unavailable("the slot moves too often"));
        self.answers.into_iter().map(|answer| answer.unwrap_or(Err(trouble.clone()))).collect()
    }
}
