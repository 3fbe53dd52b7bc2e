//! Which node owns which slot.

use redis::Value;
use tidegate_remote::{Ask, Name, RemoteError};

use crate::{error::nonsense, url::Host};

/// Slots of a cluster.
const SLOTS: u16 = 16_384;
/// Stands for no node in [`Map`].
const NOBODY: u16 = u16::MAX;

/// The masters, and their slots.
#[derive(Clone, Debug)]
pub(crate) struct Map {
    masters: Vec<Host>,
    /// For each slot the position of its master, or [`NOBODY`].
    owners: Vec<u16>,
}

impl Default for Map {
    fn default() -> Self {
        Self { masters: Vec::new(), owners: vec![NOBODY; SLOTS.into()] }
    }
}

impl Map {
    /// Reads the answer to CLUSTER SLOTS, which `asked` gave. A node that does not know its
    /// own host is where it was asked.
    pub(super) fn read(ranges: &[Value], asked: &Host) -> Result<Self, RemoteError> {
        let mut map = Self::default();
        for range in ranges {
            let wrong = || nonsense("ranges of slots");
            let Value::Array(range) = range else { return Err(wrong()) };
            let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = range.as_slice()
            else {
                return Err(wrong());
            };
            let [name, Value::Int(port), ..] = master.as_slice() else { return Err(wrong()) };
            let name = match name {
                Value::BulkString(name) if !name.is_empty() && name != b"?" => {
                    String::from_utf8_lossy(name).into_owned()
                }
                _ => asked.name.clone(),
            };
            let port = u16::try_from(*port).map_err(|_| wrong())?;
            let slot = |slot: i64| u16::try_from(slot).ok().filter(|slot| *slot < SLOTS);
            let (first, last) = slot(*first).zip(slot(*last)).ok_or_else(wrong)?;
            let owner = map.position(&Host { name, port });
            for slot in first..=last {
                map.owners[usize::from(slot)] = owner;
            }
        }
        Ok(map)
    }

    fn position(&mut self, host: &Host) -> u16 {
        let known = self.masters.iter().position(|known| known == host);
        let position = known.unwrap_or_else(|| {
            self.masters.push(host.clone());
            self.masters.len() - 1
        });
        // A cluster has at most as many masters as slots.
        u16::try_from(position).unwrap_or(NOBODY)
    }

    pub(super) fn masters(&self) -> &[Host] {
        &self.masters
    }

    pub(super) fn owner(&self, slot: u16) -> Option<&Host> {
        let position = self.owners.get(usize::from(slot))?;
        self.masters.get(usize::from(*position))
    }
}

/// The slot of a counter. A prefix holds no brace, so it is the name that decides.
pub(super) fn slot_of(name: &Name) -> u16 {
    crc16(name.hash_tag().as_bytes()) % SLOTS
}

/// The slot of all counters of `ask`, if it is one.
pub(super) fn only_slot(ask: &Ask) -> Option<u16> {
    let mut slots = ask.counters.iter().map(|counter| slot_of(&counter.name));
    let first = slots.next()?;
    slots.all(|slot| slot == first).then_some(first)
}

/// CRC-16 with the polynomial 0x1021 and nothing reflected, as the cluster specification of
/// Redis has it (XMODEM).
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// Reads the host of `SLOT HOST:PORT`, which `asked` answered; an empty one is its own.
pub(super) fn redirect(detail: &str, asked: &Host) -> Option<Host> {
    let (_, place) = detail.split_once(' ')?;
    let (name, port) = place.trim().rsplit_once(':')?;
    let name = if name.is_empty() { asked.name.as_str() } else { name };
    Some(Host { name: name.to_owned(), port: port.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use tidegate_core::Key;

    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        // As `CLUSTER KEYSLOT` says.
        assert_eq!(slot_of(&Name::new(&Key::new("api", 1, b"foo"))), 12_182);
    }

    #[test]
    fn a_redirect_without_a_host_leads_to_the_same_host() {
        let asked = Host { name: "::1".to_owned(), port: 7000 };
        let host = |name: &str, port| Host { name: name.to_owned(), port };

        let read = |text| redirect(text, &asked);
        assert_eq!(read("3999 127.0.0.1:6381"), Some(host("127.0.0.1", 6381)));
        assert_eq!(read("3999 :6381"), Some(host("::1", 6381)));
        assert_eq!(read("3999 fe80::1:6381"), Some(host("fe80::1", 6381)));
        assert_eq!(read("3999"), None);
    }

    #[test]
    fn a_map_is_read_from_ranges() {
        let node =
            |port| Value::Array(vec![Value::BulkString(b"10.0.0.1".to_vec()), Value::Int(port)]);
        let range = |first, last, port| {
            Value::Array(vec![Value::Int(first), Value::Int(last), node(port), node(9)])
        };
        let asked = Host { name: "h".to_owned(), port: 1 };
        let map = Map::read(&[range(0, 99, 1), range(200, 16_383, 2)], &asked).unwrap();

        assert_eq!(map.owner(99).map(|host| host.port), Some(1));
        assert_eq!(map.owner(100), None);
        assert_eq!(map.owner(16_383).map(|host| host.port), Some(2));
        assert_eq!(map.masters().len(), 2);
        assert!(Map::read(&[range(0, 16_384, 1)], &asked).is_err());
    }
}
