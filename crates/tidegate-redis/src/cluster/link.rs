//! Connections to the nodes of a cluster, and what is put to one of them at a time.

use std::{collections::HashMap, sync::Arc, thread, time::Duration};

use redis::{ServerError, Value};
use tidegate_core::Nanos;
use tidegate_remote::{Ask, Fix, Listed, Page, RemoteError, Reply};

use super::{
    Cluster,
    map::{Map, only_slot, redirect, slot_of},
};
use crate::{
    RedisUrl, STORE, decode,
    due::Due,
    encode,
    error::refused,
    list,
    packer::Packer,
    script::By,
    single::adjusted,
    url::Host,
    wire::{Address, Net, Wire},
};

/// How often one thing is tried when nodes send it on.
pub(super) const TRIES: usize = 8;
/// How long to wait for a cluster that is busy with itself.
const PAUSE: Duration = Duration::from_millis(5);

/// A connection to each node that was needed so far.
pub(crate) struct ClusterLink {
    cluster: Cluster,
    seeds: Vec<Host>,
    url: RedisUrl,
    net: Net,
    wires: HashMap<Host, Wire>,
    pub(super) map: Arc<Map>,
    pub(super) packer: Packer,
}

/// What to do about a node's refusal.
pub(super) enum Next {
    /// The script has to come along.
    Teach,
    /// The slot lives elsewhere for good; whoever says so knows where.
    Moved,
    /// The slot is on its way there, and this part of it has gone ahead.
    Ask(Host),
    /// The cluster is busy with itself; what is known of it may be out of date.
    Wait(RemoteError),
    /// Nothing: that is the answer.
    Fail(RemoteError),
}

impl ClusterLink {
    /// Connects to the first node that answers, and learns which slots are where unless
    /// another link has.
    pub(crate) fn connect(
        cluster: &Cluster,
        seeds: &[Host],
        url: &RedisUrl,
        net: &Net,
        due: &Due,
    ) -> Result<Self, RemoteError> {
        let mut link = Self {
            cluster: cluster.clone(),
            seeds: seeds.to_vec(),
            url: url.clone(),
            net: net.clone(),
            wires: HashMap::new(),
            map: cluster.map().unwrap_or_default(),
            packer: Packer::default(),
        };
        // Even when the map is known: so that a link which connects is one that works.
        link.refresh(None, due)?;
        Ok(link)
    }

    pub(super) fn prefix(&self) -> &str {
        &self.url.prefix
    }

    /// The connection to `host`, made when there is none.
    pub(super) fn wire(&mut self, host: &Host, due: &Due) -> Result<&mut Wire, RemoteError> {
        if !self.wires.contains_key(host) {
            let address = Address::Host(host.clone());
            let wire = Wire::open(&address, &self.url.login, &self.net, due)?;
            self.wires.insert(host.clone(), wire);
        }
        self.wires.get_mut(host).ok_or_else(|| unavailable("the connection was lost"))
    }

    pub(super) fn forget(&mut self, host: &Host) {
        self.wires.remove(host);
    }

    /// Asks the first node that answers which slots are where; `knowing` before others.
    pub(super) fn refresh(&mut self, knowing: Option<&Host>, due: &Due) -> Result<(), RemoteError> {
        let mut hosts: Vec<Host> = Vec::new();
        let known = knowing
            .into_iter()
            .chain(self.wires.keys())
            .chain(self.map.masters())
            .chain(&self.seeds);
        for host in known {
            if !hosts.contains(host) {
                hosts.push(host.clone());
            }
        }
        let mut last = unavailable("no nodes to ask");
        for (index, host) in hosts.iter().enumerate() {
            let share = due.share(hosts.len() - index)?;
            let asked = self
                .wire(host, &share)
                .and_then(|wire| wire.ask_list(&[b"CLUSTER", b"SLOTS"], &share));
            match asked.and_then(|ranges| Map::read(&ranges, host)) {
                Ok(map) if !map.masters().is_empty() => {
                    self.map = Arc::new(map);
                    self.cluster.set_map(Arc::clone(&self.map));
                    let masters = self.map.masters();
                    self.wires.retain(|host, _| masters.contains(host));
                    return Ok(());
                }
                Ok(_) => last = unavailable("no slots are served"),
                Err(error @ RemoteError::Access { .. }) => return Err(error),
                Err(error) => {
                    self.forget(host);
                    last = error;
                }
            }
        }
        Err(last)
    }

    /// Sees what `error`, which `asked` answered, asks for.
    pub(super) fn next(error: &ServerError, asked: &Host) -> Next {
        match error.code() {
            "NOSCRIPT" => Next::Teach,
            "MOVED" => Next::Moved,
            "ASK" => redirect(error.details().unwrap_or_default(), asked)
                .map_or_else(|| Next::Wait(refused(error)), Next::Ask),
            _ => match refused(error) {
                error @ RemoteError::Unavailable { .. } => Next::Wait(error),
                error if crate::error::is_demoted(&error) => Next::Wait(error),
                error => Next::Fail(error),
            },
        }
    }

    pub(crate) fn exchange(
        &mut self,
        asks: &[Ask],
        replies: &mut Vec<Result<Reply, RemoteError>>,
        due: &Due,
    ) -> Result<(), RemoteError> {
        let first = replies.len();
        let mut rest = asks;
        while let Some(ask) = rest.first() {
            let plain = rest.iter().take_while(|ask| only_slot(ask).is_some()).count();
            if plain == 0 {
                let reply = self.ask_spanning(ask, due);
                replies.push(reply);
                rest = &rest[1..];
            } else {
                let run: Vec<&Ask> = rest[..plain].iter().collect();
                replies.extend(self.run(&run, due));
                rest = &rest[plain..];
            }
        }
        // A node that fails is the trouble of its own slots; all of them are the link's.
        match &replies[first..] {
            [Err(error), more @ ..] if error.is_outage() && more.iter().all(Result::is_err) => {
                let error = error.clone();
                replies.truncate(first);
                Err(error)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn adjust(&mut self, fixes: &[Fix], due: &Due) -> Result<(), RemoteError> {
        let made: Vec<_> = fixes.iter().map(|fix| self.fix(fix, due)).collect();
        made.into_iter().collect()
    }

    fn fix(&mut self, fix: &Fix, due: &Due) -> Result<(), RemoteError> {
        let slot = slot_of(&fix.name);
        let (mut by, mut target, mut asking) = (By::Digest, None, false);
        let mut last = unavailable("the slot moves too often");
        for _ in 0..TRIES {
            let host = target.take().or_else(|| self.map.owner(slot).cloned());
            let host = host.ok_or_else(|| unavailable("nobody serves the slot"))?;
            let mut packer = Packer::default();
            if asking {
                packer.command(&[b"ASKING"]);
            }
            if !encode::adjust(&mut packer, by, self.prefix(), fix) {
                return Ok(());
            }
            let wire = match self.wire(&host, due) {
                Ok(wire) => wire,
                Err(error) => {
                    self.refresh(None, due)?;
                    if self.map.owner(slot) == Some(&host) {
                        return Err(error);
                    }
                    continue;
                }
            };
            let sent = wire.send(&packer, due);
            let skipped =
                sent.and_then(|()| if asking { wire.receive(due).map(|_| ()) } else { Ok(()) });
            let answer = skipped.and_then(|()| wire.receive(due));
            let answer = answer.inspect_err(|_| self.forget(&host))?;
            let Value::ServerError(error) = &answer else {
                return adjusted(answer, fix).map(|_| ());
            };
            asking = false;
            match Self::next(error, &host) {
                Next::Teach => by = By::Source,
                Next::Moved => self.refresh(Some(&host), due)?,
                Next::Ask(host) => (target, asking) = (Some(host), true),
                Next::Wait(error) => {
                    last = error;
                    self.pause(due)?;
                }
                Next::Fail(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Gives the cluster a moment, and then learns anew which slots are where.
    pub(super) fn pause(&mut self, due: &Due) -> Result<(), RemoteError> {
        thread::sleep(PAUSE.min(due.left()?));
        self.refresh(None, due)
    }

    pub(crate) fn time(&mut self, due: &Due) -> Result<Nanos, RemoteError> {
        let host = self.map.masters().first().cloned();
        let host = host.ok_or_else(|| unavailable("no nodes to ask"))?;
        decode::clock(&self.wire(&host, due)?.ask_list(&[b"TIME"], due)?)
    }

    /// Lists the counters of one master after the other, in the order of their addresses. A
    /// page ends at `HOST:PORT/CURSOR`.
    pub(crate) fn list(&mut self, page: &Page, due: &Due) -> Result<Listed, RemoteError> {
        let mut masters = self.map.masters().to_vec();
        masters.sort();
        let (mut index, mut cursor) = (0, 0);
        if let Some((host, after)) = page.after.as_deref().and_then(|at| at.rsplit_once('/')) {
            cursor = list::cursor(after)?;
            let same = masters.iter().position(|master| master.to_string() == host);
            // Of a master that is gone, what others have taken over is listed there.
            (index, cursor) = same.map_or((0, 0), |index| (index, cursor));
        }
        let Some(host) = masters.get(index) else { return Ok(Listed::default()) };
        let prefix = self.prefix().to_owned();
        let (counters, cursor) = list::scan(self.wire(host, due)?, &prefix, page, cursor, due)?;
        let next = if cursor == 0 { masters.get(index + 1) } else { Some(host) };
        Ok(Listed { counters, next: next.map(|host| format!("{host}/{cursor}")) })
    }
}

pub(super) fn unavailable(reason: &str) -> RemoteError {
    RemoteError::Unavailable { store: STORE, reason: format!("the cluster: {reason}") }
}
