//! Which peers are believed when they say whose request they bring.

use alloc::{string::String, vec::Vec};
use core::{fmt, net::IpAddr, num::NonZeroU8, str::FromStr};

use super::{ClientAddress, Network, NetworkError};

/// The proxies in front, whose forwarding header field is believed.
///
/// # Examples
///
/// ```
/// use tidegate_core::address::Trust;
///
/// let trust: Trust = "10.0.0.0/8, loopback".parse()?;
/// assert!(matches!(trust, Trust::Networks { unix: false, .. }));
/// assert_eq!("".parse(), Ok(Trust::Nobody));
/// assert_eq!("2".parse(), Ok(Trust::hops(2)));
/// # Ok::<(), tidegate_core::address::TrustError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// There are no proxies: the peer is the client.
    #[default]
    Nobody,
    /// Peers with certain addresses.
    Networks {
        /// Where the proxies are.
        networks: Vec<Network>,
        /// Whether a peer without an address, such as one on a Unix socket, is a proxy.
        unix: bool,
    },
    /// Exactly so many proxies, whatever their addresses. Right only when no request can
    /// come in past any of them: one that does chooses its address.
    Hops(NonZeroU8),
}

/// Why a text names no [`Trust`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustError {
    /// An address or network is wrong.
    Network(NetworkError),
    /// Not a name that stands for networks.
    Name {
        /// The name.
        name: String,
    },
    /// Every client would be taken for a proxy, and could choose its address.
    Everyone {
        /// The word that says so.
        word: String,
    },
}

const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1"];
/// RFC 1918 and RFC 4193.
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

impl Trust {
    /// Exactly `count` proxies in front; zero is nobody.
    #[must_use]
    pub fn hops(count: u8) -> Self {
        NonZeroU8::new(count).map_or(Self::Nobody, Self::Hops)
    }

    /// Reads networks, addresses and the names `loopback`, `private` and `unix`. Nothing at
    /// all is [`Trust::Nobody`].
    ///
    /// `loopback` is `127.0.0.0/8` and `::1`; `private` is `10.0.0.0/8`, `172.16.0.0/12`,
    /// `192.168.0.0/16` and `fc00::/7`; `unix` is a peer without an address.
    ///
    /// # Errors
    ///
    /// [`TrustError`] for anything else, and for networks that hold every address.
    pub fn from_words<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Self, TrustError> {
        let (mut networks, mut unix) = (Vec::new(), false);
        for word in words {
            match word {
                "loopback" => extend(&mut networks, &LOOPBACK)?,
                "private" => extend(&mut networks, &PRIVATE)?,
                "unix" => unix = true,
                _ => extend(&mut networks, &[word])?,
            }
        }
        if networks.is_empty() && !unix {
            return Ok(Self::Nobody);
        }
        Ok(Self::Networks { networks, unix })
    }

    /// True when the header field that this peer brings is believed.
    #[must_use]
    pub fn believes(&self, peer: &ClientAddress<'_>) -> bool {
        match (self, peer) {
            (Self::Hops(_), _) => true,
            (Self::Networks { unix, .. }, ClientAddress::Unknown) => *unix,
            (Self::Networks { .. }, ClientAddress::Ip(address)) => self.includes(*address),
            (Self::Networks { .. }, ClientAddress::Name(_)) | (Self::Nobody, _) => false,
        }
    }

    /// True when `address` is in one of the trusted networks.
    pub(super) fn includes(&self, address: IpAddr) -> bool {
        match self {
            Self::Networks { networks, .. } => networks.iter().any(|net| net.contains(address)),
            Self::Nobody | Self::Hops(_) => false,
        }
    }
}

fn extend(networks: &mut Vec<Network>, words: &[&str]) -> Result<(), TrustError> {
    for &word in words {
        if word == "*" {
            return Err(TrustError::Everyone { word: word.into() });
        }
        if !word.contains(['.', ':', '/']) {
            return Err(TrustError::Name { name: word.into() });
        }
        let network = word.parse::<Network>().map_err(TrustError::Network)?;
        if network.is_everything() {
            return Err(TrustError::Everyone { word: word.into() });
        }
        networks.push(network);
    }
    Ok(())
}

impl FromStr for Trust {
    type Err = TrustError;

    /// Reads a number of hops up to 255, or words as [`Trust::from_words`] does, separated by
    /// commas or white space.
    fn from_str(text: &str) -> Result<Self, TrustError> {
        let text = text.trim();
        if text.bytes().all(|b| b.is_ascii_digit())
            && let Ok(count) = text.parse()
        {
            return Ok(Self::hops(count));
        }
        let separator = |c: char| c == ',' || c.is_whitespace();
        Self::from_words(text.split(separator).filter(|word| !word.is_empty()))
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(error) => error.fmt(f),
            Self::Name { name } => write!(
                f,
                "{name:?} names no proxies; write networks such as 10.0.0.0/8, or loopback, private or unix, or only a number of hops from 0 to 255"
            ),
            Self::Everyone { word } => write!(
                f,
                "{word:?} would take every client for a proxy and let it choose its address; name the proxies' networks, or give the number of hops"
            ),
        }
    }
}

impl core::error::Error for TrustError {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn trust(text: &str) -> Trust {
        text.parse().unwrap()
    }

    fn peer(text: &str) -> ClientAddress<'_> {
        ClientAddress::Ip(text.parse().unwrap())
    }

    #[test]
    fn names_stand_for_their_networks() {
        let local = trust("loopback private");
        for inside in ["127.3.2.1", "::1", "10.0.0.1", "172.31.0.1", "192.168.9.9", "fd00::1"] {
            assert!(local.believes(&peer(inside)), "{inside}");
        }
        for outside in ["172.32.0.1", "100.64.0.1", "169.254.0.1", "fe80::1", "8.8.8.8"] {
            assert!(!local.believes(&peer(outside)), "{outside}");
        }
    }

    #[test]
    fn only_the_word_unix_believes_a_peer_without_an_address() {
        assert!(trust("unix").believes(&ClientAddress::Unknown));
        assert!(!trust("unix").believes(&peer("127.0.0.1")));
        assert!(!trust("loopback").believes(&ClientAddress::Unknown));
        assert!(!trust("unix, loopback").believes(&ClientAddress::Name("testclient")));
    }

    #[test]
    fn a_number_alone_is_a_number_of_hops() {
        assert_eq!(trust(" 3 "), Trust::hops(3));
        assert_eq!(trust("0"), Trust::Nobody);
        assert_eq!("256".parse::<Trust>(), Err(TrustError::Name { name: "256".into() }));
        assert_eq!("2, unix".parse::<Trust>(), Err(TrustError::Name { name: "2".into() }));
    }

    #[test]
    fn nothing_is_nobody() {
        assert_eq!(trust(" , "), Trust::Nobody);
        assert_eq!(Trust::from_words([]), Ok(Trust::Nobody));
        assert!(!Trust::Nobody.believes(&peer("127.0.0.1")));
    }

    #[test]
    fn believing_everyone_is_refused() {
        for text in ["*", "0.0.0.0/0", "10.0.0.0/8, ::/0", "::ffff:0:0/96"] {
            let error = text.parse::<Trust>().unwrap_err();
            assert!(matches!(error, TrustError::Everyone { .. }), "{text}: {error}");
        }
    }

    #[test]
    fn a_wrong_network_keeps_its_own_message() {
        let error = "10.0.0.1/8".parse::<Trust>().unwrap_err();
        assert!(error.to_string().contains("write 10.0.0.0/8"), "{error}");
        assert!("lan".parse::<Trust>().unwrap_err().to_string().contains("loopback"));
    }
}
