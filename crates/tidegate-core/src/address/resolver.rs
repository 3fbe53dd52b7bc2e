//! The walk through a forwarding header field.

use core::{fmt, net::IpAddr, ops::RangeInclusive};

use super::{
    Client, ClientAddress, ForwardedHeader, Source, Trust,
    list::{self, Element},
};

/// Finds the client of a request, and says by which prefix it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolver {
    trust: Trust,
    header: ForwardedHeader,
    ipv4_prefix: u8,
    ipv6_prefix: u8,
}

/// A prefix by which no addresses can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixError {
    /// An IPv4 prefix out of [`Resolver::IPV4_PREFIXES`].
    Ipv4(u8),
    /// An IPv6 prefix out of [`Resolver::IPV6_PREFIXES`].
    Ipv6(u8),
}

impl Default for Resolver {
    /// Believes nobody; counts IPv4 by address and IPv6 by 64 bits.
    fn default() -> Self {
        Self::new(Trust::Nobody)
    }
}

impl Resolver {
    /// How many elements of the header are looked at, empty ones included. What lies further
    /// left is as if it weren't there. As many as [`Trust::Hops`] can ask for.
    pub const MAX_ELEMENTS: u8 = u8::MAX;
    /// Bits of an IPv4 address by which it may be counted.
    pub const IPV4_PREFIXES: RangeInclusive<u8> = 8..=32;
    /// Bits of an IPv6 address by which it may be counted.
    pub const IPV6_PREFIXES: RangeInclusive<u8> = 32..=128;

    /// Believes `trust` about `X-Forwarded-For`; counts IPv4 by address and IPv6 by 64 bits,
    /// which is the least that one customer of a provider gets.
    #[must_use]
    pub const fn new(trust: Trust) -> Self {
        Self { trust, header: ForwardedHeader::XForwardedFor, ipv4_prefix: 32, ipv6_prefix: 64 }
    }

    /// The same, reading another header field.
    #[must_use]
    pub fn with_header(self, header: ForwardedHeader) -> Self {
        Self { header, ..self }
    }

    /// The same, counting IPv4 addresses by their first `bits` bits.
    ///
    /// # Errors
    ///
    /// [`PrefixError`] outside [`Self::IPV4_PREFIXES`].
    pub fn with_ipv4_prefix(self, bits: u8) -> Result<Self, PrefixError> {
        if !Self::IPV4_PREFIXES.contains(&bits) {
            return Err(PrefixError::Ipv4(bits));
        }
        Ok(Self { ipv4_prefix: bits, ..self })
    }

    /// The same, counting IPv6 addresses by their first `bits` bits.
    ///
    /// # Errors
    ///
    /// [`PrefixError`] outside [`Self::IPV6_PREFIXES`].
    pub fn with_ipv6_prefix(self, bits: u8) -> Result<Self, PrefixError> {
        if !Self::IPV6_PREFIXES.contains(&bits) {
            return Err(PrefixError::Ipv6(bits));
        }
        Ok(Self { ipv6_prefix: bits, ..self })
    }

    /// Who is believed.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The header field whose lines [`resolve`](Self::resolve) wants.
    #[must_use]
    pub const fn header(&self) -> ForwardedHeader {
        self.header
    }

    /// Bits of `address` by which it is counted.
    #[must_use]
    pub const fn prefix_for(&self, address: IpAddr) -> u8 {
        match address {
            IpAddr::V4(_) => self.ipv4_prefix,
            IpAddr::V6(_) => self.ipv6_prefix,
        }
    }

    /// Finds the client of a request from `peer`.
    ///
    /// `peer` is the other end of the connection as the server names it, `None` when it has
    /// no address. `lines` are the values of [`header`](Self::header)'s field lines, in the
    /// order in which they came.
    ///
    /// The header of a peer that isn't trusted is ignored. Otherwise elements are passed from
    /// the right, past those in trusted networks, or past one less than the number of hops;
    /// the next is the client. So:
    ///
    /// * When all are trusted, or there are fewer than the hops, it is the leftmost.
    /// * An element that is no address ends the walk: the client is the last hop before it.
    ///   What stands further left can't be ascribed to anybody.
    /// * Without elements it is the peer.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidegate_core::address::{Resolver, Source, Trust};
    ///
    /// let resolver = Resolver::new("10.0.0.0/8".parse::<Trust>()?);
    /// let lines: [&[u8]; 1] = [b"1.2.3.4, 198.51.100.7, 10.0.0.2"];
    ///
    /// let client = resolver.resolve(Some("10.0.0.1"), lines.into_iter());
    ///
    /// assert_eq!(client.address.to_string(), "198.51.100.7");
    /// assert_eq!(client.source, Source::Forwarded { hops: 2 });
    /// # Ok::<(), tidegate_core::address::TrustError>(())
    /// ```
    #[must_use]
    pub fn resolve<'p, 'h>(
        &self,
        peer: Option<&'p str>,
        mut lines: impl DoubleEndedIterator<Item = &'h [u8]>,
    ) -> Client<'p> {
        let peer = ClientAddress::from_peer(peer);
        if !self.trust.believes(&peer) {
            // Whatever the lines say, so that this doesn't depend on their content at all.
            let ignored = lines.next().is_some();
            return Client { address: peer, source: Source::Peer, ignored };
        }
        let elements = list::from_right(self.header, lines);
        match self.header {
            ForwardedHeader::Provider(_) => Self::take_only(peer, elements),
            _ => self.walk(peer, elements),
        }
    }

    /// The one address that a provider's edge names. It sets the field anew, so a second element
    /// means that somebody else had a hand in it.
    fn take_only(peer: ClientAddress<'_>, elements: impl Iterator<Item = Element>) -> Client<'_> {
        let mut elements = elements.filter(|element| *element != Element::Empty);
        let (address, source) = match (elements.next(), elements.next()) {
            (None, _) => (peer, Source::Peer),
            (Some(Element::Address(address)), None) => {
                (ClientAddress::Ip(address), Source::Forwarded { hops: 1 })
            }
            _ => (peer, Source::Interrupted { hops: 0 }),
        };
        Client { address, source, ignored: false }
    }

    fn walk<'p>(
        &self,
        peer: ClientAddress<'p>,
        elements: impl Iterator<Item = Element>,
    ) -> Client<'p> {
        let mut client = Client { address: peer, source: Source::Peer, ignored: false };
        let mut hops = 0;
        for element in elements.take(usize::from(Self::MAX_ELEMENTS)) {
            let address = match element {
                Element::Empty => continue,
                Element::Address(address) => address,
                Element::Garbage => {
                    client.source = Source::Interrupted { hops };
                    break;
                }
            };
            hops += 1;
            client.address = ClientAddress::Ip(address);
            client.source = Source::Forwarded { hops };
            if !self.passes(address, hops) {
                break;
            }
        }
        client
    }

    /// True when the hop at position `hops` from the right is a proxy of ours.
    fn passes(&self, address: IpAddr, hops: u8) -> bool {
        match &self.trust {
            Trust::Hops(count) => hops < count.get(),
            Trust::Networks { .. } | Trust::Nobody => self.trust.includes(address),
        }
    }
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (family, bits, range) = match self {
            Self::Ipv4(bits) => ("IPv4", bits, Resolver::IPV4_PREFIXES),
            Self::Ipv6(bits) => ("IPv6", bits, Resolver::IPV6_PREFIXES),
        };
        let (least, most) = (range.start(), range.end());
        write!(f, "{family} addresses cannot be counted by {bits} bits; give {least} to {most}")
    }
}

impl core::error::Error for PrefixError {}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;

    #[test]
    fn prefixes_out_of_range_are_refused() {
        let resolver = Resolver::default();
        assert!(resolver.clone().with_ipv4_prefix(8).is_ok());
        assert_eq!(resolver.clone().with_ipv4_prefix(33), Err(PrefixError::Ipv4(33)));
        assert!(resolver.clone().with_ipv6_prefix(32).is_ok());

        let error = resolver.with_ipv6_prefix(31).unwrap_err();
        assert_eq!(
            error.to_string(),
            "IPv6 addresses cannot be counted by 31 bits; give 32 to 128"
        );
    }

    #[test]
    fn only_so_many_elements_are_looked_at() {
        let resolver = Resolver::new("10.0.0.0/8".parse().unwrap());
        let trusted = vec!["10.0.0.2"; 254].join(",");
        let reached = alloc::format!("192.0.2.1,{trusted}");
        let beyond = alloc::format!("192.0.2.1,,{trusted}");
        let resolve =
            |line: &str| resolver.resolve(Some("10.0.0.1"), [line.as_bytes()].into_iter());

        let client = resolve(&reached);
        assert_eq!(client.source, Source::Forwarded { hops: 255 });
        assert_eq!(client.address.to_string(), "192.0.2.1");

        let client = resolve(&beyond);
        assert_eq!(client.source, Source::Forwarded { hops: 254 });
        assert_eq!(client.address.to_string(), "10.0.0.2");
    }
}
