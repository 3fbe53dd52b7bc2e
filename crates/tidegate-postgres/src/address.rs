//! Looking up the names of servers before connecting, so that a name server that is silent
//! costs no more than the deadline.

use std::{io, net::IpAddr, time::Instant};

use tidegate_remote::{Lookup, RemoteError};
use tokio_postgres::{Config, config::Host};

use crate::{
    PostgresUrl,
    error::{STORE, unavailable},
};

/// How to connect to the servers of `url`, with the addresses of their names filled in.
///
/// A name that is not found is left out as long as another is.
///
/// # Errors
///
/// [`RemoteError`] when none is found, at the latest at `deadline`.
pub(crate) fn resolve(
    url: &PostgresUrl,
    lookup: &Lookup,
    deadline: Instant,
) -> Result<Config, RemoteError> {
    let (hosts, ports) = (url.config.get_hosts(), url.config.get_ports());
    if hosts.iter().any(|host| !matches!(host, Host::Tcp(_))) {
        // Sockets have no addresses; the client takes those of all hosts, or of none.
        return Ok(url.config.clone());
    }
    let mut config = url.without_hosts.clone();
    let mut last = None;
    for (index, host) in hosts.iter().enumerate() {
        let Host::Tcp(name) = host else { continue };
        let port = ports.get(index).or_else(|| ports.first()).copied().unwrap_or(5432);
        match lookup.find(name, share(deadline, hosts.len() - index + 1)) {
            Ok(found) => add(&mut config, name, &found, port),
            Err(error) => last = Some(failed(name, &error, deadline)),
        }
    }
    match last {
        Some(error) if config.get_hosts().is_empty() => Err(error),
        _ => Ok(config),
    }
}

fn add(config: &mut Config, name: &str, addresses: &[IpAddr], port: u16) {
    for address in addresses {
        // The name is what a certificate is made out for.
        config.host(name).hostaddr(*address).port(port);
    }
}

/// The end of one of `parts` equal shares of the time left: others come after it.
fn share(deadline: Instant, parts: usize) -> Instant {
    let now = Instant::now();
    let left = deadline.saturating_duration_since(now);
    now + left / u32::try_from(parts).unwrap_or(u32::MAX)
}

fn failed(name: &str, error: &io::Error, deadline: Instant) -> RemoteError {
    if error.kind() == io::ErrorKind::TimedOut && Instant::now() >= deadline {
        return RemoteError::Timeout { store: STORE, after: std::time::Duration::ZERO };
    }
    unavailable(format!("looking up {name}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;

    const SOON: Duration = Duration::from_millis(200);

    /// Knows `a` and `b`, and hangs at others.
    fn lookup() -> Lookup {
        Lookup::by(|name| match name {
            "a" => Ok(vec!["10.0.0.1".parse().unwrap(), "::1".parse().unwrap()]),
            "b" => Ok(vec!["10.0.0.2".parse().unwrap()]),
            "nobody" => Err(io::Error::other("unknown")),
            _ => loop {
                thread::park();
            },
        })
    }

    fn resolved(url: &str) -> Result<Config, RemoteError> {
        resolve(&url.parse().unwrap(), &lookup(), Instant::now() + SOON)
    }

    #[test]
    fn every_address_of_a_name_is_tried_with_its_port() {
        let config = resolved("postgresql://ana:secret@a:7,b:8/app").unwrap();

        let addresses: Vec<_> = config.get_hostaddrs().iter().map(IpAddr::to_string).collect();
        assert_eq!(addresses, ["10.0.0.1", "::1", "10.0.0.2"]);
        assert_eq!(config.get_ports(), [7, 7, 8]);
        let names = ["a", "a", "b"].map(|name| Host::Tcp(name.to_owned()));
        assert_eq!(config.get_hosts(), names);
        assert_eq!((config.get_user(), config.get_dbname()), (Some("ana"), Some("app")));
    }

    #[test]
    fn a_look_up_that_hangs_leaves_time_for_other_hosts() {
        let config = resolved("postgresql://hangs,nobody,b/app").unwrap();
        assert_eq!(config.get_hosts(), [Host::Tcp("b".to_owned())]);
    }

    #[test]
    fn a_name_that_is_not_found_is_told() {
        let unknown = resolved("postgresql://nobody/app").unwrap_err().to_string();
        assert!(unknown.contains("looking up nobody: unknown"), "{unknown}");
        let hangs = resolved("postgresql://hangs/app").unwrap_err();
        assert!(matches!(hangs, RemoteError::Unavailable { .. }), "{hangs:?}");
    }

    #[test]
    fn a_socket_has_no_name() {
        let config = resolved("postgresql:///app?host=/run/postgresql").unwrap();
        assert!(config.get_hostaddrs().is_empty());
    }
}
