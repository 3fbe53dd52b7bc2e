//! What a [`Resolver`](super::Resolver) finds: the client, and how it was found.

use core::{fmt, net::IpAddr};

use super::{Network, Resolver, element, prefix};

/// Whose request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client<'p> {
    /// The address, or what stands in for one.
    pub address: ClientAddress<'p>,
    /// How the address was found.
    pub source: Source,
    /// True when the peer sent the forwarding header field and isn't trusted to. Worth saying
    /// once in the log: either somebody tries to hide, or a proxy is missing in the
    /// configuration and all its clients are counted as one.
    pub ignored: bool,
}

/// A client's address, or what stands in for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAddress<'p> {
    /// An address; never an IPv4-mapped one.
    Ip(IpAddr),
    /// What the server calls a peer that has no address, such as `testclient`.
    Name(&'p str),
    /// The peer has no address and no name, as on a Unix socket.
    Unknown,
}

/// How a client's address was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// It is the peer's own.
    Peer,
    /// It stands in the header field.
    Forwarded {
        /// Its position, counted from the right, from 1.
        hops: u8,
    },
    /// The walk met an element that is no address, so this is the nearest hop before it.
    Interrupted {
        /// That hop's position, counted from the right, from 1; 0 for the peer.
        hops: u8,
    },
}

/// What a client is counted as; its text is canonical, so equal clients have equal text.
///
/// An IPv4 address counts by itself and an IPv6 address by its prefix (`2001:db8:1:2::/64`),
/// unless the resolver says otherwise. IPv4 addresses inside IPv6 ones count as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject<'p> {
    /// All addresses of a network; printed as the address when it holds only one.
    Network(Network),
    /// A peer with a name instead of an address.
    Name(&'p str),
    /// All peers with neither; printed as `unknown`.
    Unknown,
}

impl<'p> ClientAddress<'p> {
    /// Reads a peer as servers name it: an address, perhaps with a port or zone; nothing, or
    /// `unix:` and a path, for a peer without one; and anything else as a name.
    #[must_use]
    pub fn from_peer(peer: Option<&'p str>) -> Self {
        match peer {
            None | Some("") => Self::Unknown,
            Some(text) if text.starts_with("unix:") => Self::Unknown,
            Some(text) => element::address(text).map_or(Self::Name(text), Self::Ip),
        }
    }
}

impl<'p> Client<'p> {
    /// What this client is counted as, under the resolver's prefixes.
    #[must_use]
    pub fn subject(&self, resolver: &Resolver) -> Subject<'p> {
        match self.address {
            ClientAddress::Ip(address) => {
                let address = prefix::unwrap_ipv4(address);
                Subject::Network(Network::around(address, resolver.prefix_for(address)))
            }
            ClientAddress::Name(name) => Subject::Name(name),
            ClientAddress::Unknown => Subject::Unknown,
        }
    }
}

impl fmt::Display for ClientAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::*;

    #[test]
    fn peers_are_read_as_servers_write_them() {
        let ip = |text: &str| ClientAddress::Ip(text.parse().unwrap());
        for (peer, expected) in [
            (Some("203.0.113.7"), ip("203.0.113.7")),
            (Some("::ffff:203.0.113.7"), ip("203.0.113.7")),
            (Some("fe80::1%eth0"), ip("fe80::1")),
            (Some("[::1]:50000"), ip("::1")),
            (Some("127.0.0.1:50000"), ip("127.0.0.1")),
            (Some("testclient"), ClientAddress::Name("testclient")),
            (Some("unix:/run/app"), ClientAddress::Unknown),
            (Some(""), ClientAddress::Unknown),
            (None, ClientAddress::Unknown),
        ] {
            assert_eq!(ClientAddress::from_peer(peer), expected, "{peer:?}");
        }
    }

    fn subject(peer: &str, resolver: &Resolver) -> String {
        let address = ClientAddress::from_peer(Some(peer));
        Client { address, source: Source::Peer, ignored: false }.subject(resolver).to_string()
    }

    #[test]
    fn subjects_are_canonical_texts() {
        let resolver = Resolver::default();
        for (peer, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2002:cb00:7107:ffff::1", "203.0.113.7"),
            ("64:ff9b::203.0.113.7", "203.0.113.7"),
            ("2001:0DB8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("testclient", "testclient"),
            ("", "unknown"),
        ] {
            assert_eq!(subject(peer, &resolver), expected, "{peer}");
        }
    }

    #[test]
    fn prefixes_are_the_resolvers() {
        let wide = Resolver::default().with_ipv4_prefix(24).unwrap().with_ipv6_prefix(48).unwrap();
        let single = Resolver::default().with_ipv6_prefix(128).unwrap();

        assert_eq!(subject("203.0.113.7", &wide), "203.0.113.0/24");
        assert_eq!(subject("64:ff9b::203.0.113.7", &wide), "203.0.113.0/24");
        assert_eq!(subject("2001:db8:1:2::3", &wide), "2001:db8:1::/48");
        assert_eq!(subject("2001:db8:1:2::3", &single), "2001:db8:1:2::3");
    }
}
