//! Finding the master that sentinels agree on.

use redis::Value;
use tidegate_remote::RemoteError;

use crate::{
    RedisUrl, STORE,
    due::Due,
    url::{Host, Place},
    wire::{Address, Net, Wire},
};

/// Connects to the master that the first sentinel to answer names.
///
/// Asks the next one when a sentinel does not answer, does not know the master, or names one
/// that is none by now.
pub(crate) fn connect(url: &RedisUrl, net: &Net, due: &Due) -> Result<Wire, RemoteError> {
    let Place::Sentinel { sentinels, master, login } = &url.place else {
        return Err(unavailable("no sentinels".to_owned()));
    };
    let mut last = None;
    for (index, sentinel) in sentinels.iter().enumerate() {
        // A sentinel that hangs must leave time for the others, and for the master.
        let share = due.share(sentinels.len() - index + 1)?;
        let found = Wire::open(&Address::Host(sentinel.clone()), login, net, &share)
            .and_then(|mut wire| ask(&mut wire, master, &share))
            .and_then(|host| open_master(host, url, net, due));
        match found {
            Ok(wire) => return Ok(wire),
            Err(error @ (RemoteError::Access { .. } | RemoteError::Setup { .. })) => {
                return Err(error);
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| unavailable("no sentinels".to_owned())))
}

fn ask(wire: &mut Wire, master: &str, due: &Due) -> Result<Host, RemoteError> {
    let words: [&[u8]; 3] = [b"SENTINEL", b"get-master-addr-by-name", master.as_bytes()];
    let reason = format!("the sentinel at {} knows no master of this name", wire.place());
    let unknown = unavailable(reason);
    match wire.ask(&words, due)? {
        Value::Array(parts) => match parts.as_slice() {
            [Value::BulkString(name), Value::BulkString(port)] => {
                let name = String::from_utf8_lossy(name).into_owned();
                let port = std::str::from_utf8(port).ok().and_then(|port| port.parse().ok());
                port.map(|port| Host { name, port }).ok_or(unknown)
            }
            _ => Err(unknown),
        },
        _ => Err(unknown),
    }
}

fn open_master(host: Host, url: &RedisUrl, net: &Net, due: &Due) -> Result<Wire, RemoteError> {
    let mut wire = Wire::open(&Address::Host(host), &url.login, net, due)?;
    let role = wire.ask_list(&[b"ROLE"], due)?;
    match role.first() {
        Some(Value::BulkString(role)) if role == b"master" => Ok(wire),
        _ => Err(unavailable(format!("{} is not a master", wire.place()))),
    }
}

fn unavailable(reason: String) -> RemoteError {
    RemoteError::Unavailable { store: STORE, reason }
}
