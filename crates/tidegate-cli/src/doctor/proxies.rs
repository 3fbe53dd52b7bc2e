//! Whether `trusted_proxies` fits the peers that an access log shows.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    net::IpAddr,
    path::Path,
};

use tidegate::{
    address::{ClientAddress, Trust},
    config::Loaded,
};

use super::finding::Findings;
use crate::{
    exit::{Exit, Failure},
    rules,
};

const ABOUT: &str = "trusted_proxies";

/// How much of a log is a sample, in bytes and in lines.
const SAMPLE_BYTES: u64 = 16 * 1024 * 1024;
const SAMPLE_LINES: usize = 50_000;

/// Holds the configuration against a log, if there is one.
pub(super) fn look(
    loaded: &Loaded,
    log: Option<&Path>,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let resolver = rules::resolver(loaded)?;
    let Some(log) = log else {
        match resolver.trust() {
            Trust::Nobody => findings.skip(ABOUT, NOBODY),
            _ => findings.skip(ABOUT, "not held against anything; give --log FILE"),
        }
        return Ok(());
    };
    let peers = peers(log)?;
    let all: usize = peers.values().sum();
    if all == 0 {
        findings.skip(ABOUT, format!("no line of {} has an address", log.display()));
        return Ok(());
    }
    let believed = |address: &IpAddr| resolver.trust().believes(&ClientAddress::Ip(*address));
    let trusted: usize =
        peers.iter().filter(|(peer, _)| believed(peer)).map(|(_, number)| number).sum();
    match resolver.trust() {
        Trust::Nobody => nobody(&peers, all, findings),
        Trust::Hops(hops) => findings.warn(
            ABOUT,
            format!("{hops} proxies in a row are believed, whoever they are"),
            "name their networks instead, unless nobody can reach the application past them",
        ),
        Trust::Networks { .. } if trusted == 0 => findings.problem(
            ABOUT,
            format!(
                "none of {all} requests came from one of them, so that their forwarding header \
                 fields were ignored; the most came from {}",
                busiest(&peers)
            ),
            "add that address, if it is your proxy's; otherwise leave trusted_proxies out",
        ),
        Trust::Networks { .. } if trusted < all => findings.warn(
            ABOUT,
            format!(
                "{} of {all} requests came past them, from {} and others",
                all - trusted,
                busiest(&peers.into_iter().filter(|(peer, _)| !believed(peer)).collect())
            ),
            "keep the application from being reached past its proxies",
        ),
        Trust::Networks { .. } => findings.ok(ABOUT, format!("all {all} requests came from them")),
    }
    Ok(())
}

const NOBODY: &str = "none: the peer is the client; give --log FILE to hold that against";

/// Judges peers where no proxy is trusted.
fn nobody(peers: &BTreeMap<IpAddr, usize>, all: usize, findings: &mut Findings) {
    let inside: usize =
        peers.iter().filter(|(peer, _)| is_inside(**peer)).map(|(_, number)| number).sum();
    if inside * 2 > all {
        findings.problem(
            ABOUT,
            format!(
                "none are set, and {inside} of {all} requests came from addresses inside, the most \
                 from {}: if that is a proxy, all its clients share one limit",
                busiest(peers)
            ),
            "set trusted_proxies to the networks of your proxies, such as [\"10.0.0.0/8\"]",
        );
    } else {
        findings.ok(ABOUT, format!("none, and {all} requests came from {} peers", peers.len()));
    }
}

/// Whether an address is one of a private network, or of this host.
fn is_inside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_private() || address.is_loopback() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

fn busiest(peers: &BTreeMap<IpAddr, usize>) -> String {
    let most = peers.iter().max_by_key(|(_, number)| **number);
    most.map(|(peer, _)| peer.to_string()).unwrap_or_default()
}

/// How many lines of a log have each address first. Whatever the format: the peer stands before
/// anything that a client chooses.
fn peers(log: &Path) -> Result<BTreeMap<IpAddr, usize>, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::new(Exit::Config, format!("cannot read `{}`: {error}", log.display()))
    };
    let file = File::open(log).map_err(cannot)?;
    let mut peers = BTreeMap::new();
    for line in BufReader::new(file.take(SAMPLE_BYTES)).split(b'\n').take(SAMPLE_LINES) {
        let line = line.map_err(cannot)?;
        if let Some(peer) = peer(&String::from_utf8_lossy(&line)) {
            *peers.entry(peer).or_insert(0) += 1;
        }
    }
    Ok(peers)
}

fn peer(line: &str) -> Option<IpAddr> {
    let mut words = line.split([' ', '\t', '"', ',', '\'']).filter(|word| word.len() > 2);
    words.find_map(|word| match ClientAddress::from_peer(Some(word)) {
        ClientAddress::Ip(address) => Some(address),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_found_in_lines_of_many_servers() {
        for line in [
            r#"203.0.113.7 - - [26/Nov/2026:12:00:00 +0000] "GET /10.0.0.1 HTTP/1.1" 200 5"#,
            r#"INFO:     203.0.113.7:54321 - "GET / HTTP/1.1" 200 OK"#,
            r#"{"time":"2026-11-26T12:00:00Z","remote_addr":"203.0.113.7","path":"/"}"#,
        ] {
            assert_eq!(peer(line), Some(IpAddr::from([203, 0, 113, 7])), "{line}");
        }
        assert_eq!(peer("Started server process [1]"), None);
    }
}
