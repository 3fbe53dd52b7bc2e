//! Who is calling, as a decision remembers it.

use std::{fmt, net::IpAddr};

use tidegate_core::address::{self, ClientAddress, Source};

/// Who is calling, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address.
    pub address: Address,
    /// How it was found.
    pub source: Source,
    /// True when a forwarding header field was there and was not believed, because nobody
    /// said that the peer is to be trusted.
    pub ignored: bool,
}

/// A client's address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An internet address.
    Ip(IpAddr),
    /// What the server calls its peer, if that is no internet address.
    Name(Box<str>),
    /// The peer has no address, as on a Unix socket.
    Unknown,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl From<address::Client<'_>> for Client {
    fn from(found: address::Client<'_>) -> Self {
        let address = match found.address {
            ClientAddress::Ip(address) => Address::Ip(address),
            ClientAddress::Name(name) => Address::Name(name.into()),
            ClientAddress::Unknown => Address::Unknown,
        };
        Self { address, source: found.source, ignored: found.ignored }
    }
}
