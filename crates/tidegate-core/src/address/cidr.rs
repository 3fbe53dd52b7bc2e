//! Networks in CIDR notation.

use alloc::string::String;
use core::{fmt, net::IpAddr, str::FromStr};

use super::prefix;

/// A network: an address and how many of its leading bits count.
///
/// Written `10.0.0.0/8` or `2001:db8::/32`; an address alone is the network of only that
/// address, and is how such a network is printed. A network of IPv4-mapped addresses
/// (`::ffff:10.0.0.0/104`) is the IPv4 network itself.
///
/// # Examples
///
/// ```
/// use tidegate_core::address::Network;
///
/// let private: Network = "10.0.0.0/8".parse()?;
/// assert!(private.contains("10.1.2.3".parse().unwrap()));
///
/// let wrong = "10.1.2.3/8".parse::<Network>().unwrap_err();
/// assert_eq!(
///     wrong.to_string(),
///     "\"10.1.2.3/8\" has bits set behind its prefix; \
///      write 10.0.0.0/8 for the network, or 10.1.2.3 for the one address",
/// );
/// # Ok::<(), tidegate_core::address::NetworkError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    /// The lowest address; all bits behind the prefix are zero.
    first: IpAddr,
    /// How many leading bits count: at most 32 for IPv4 and 128 for IPv6.
    prefix: u8,
}

/// Why a text is no [`Network`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// What stands before the slash, or the whole text, is no address.
    Address {
        /// The whole text.
        text: String,
    },
    /// What stands behind the slash is no prefix length.
    Prefix {
        /// The whole text.
        text: String,
        /// The longest prefix that addresses of this family have.
        longest: u8,
    },
    /// The address has bits set that the prefix leaves out, so that one of the two is wrong.
    HostBits {
        /// The whole text.
        text: String,
        /// The address alone.
        address: IpAddr,
        /// The network of that prefix in which the address lies.
        network: Network,
    },
}

impl Network {
    /// The network of the leading `prefix` bits that `address` lies in.
    ///
    /// A prefix longer than the address is taken as the whole address.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        let prefix = prefix.min(prefix::width(address));
        Self { first: prefix::first_of(address, prefix), prefix }
    }

    /// The lowest address of the network.
    #[must_use]
    pub const fn first(&self) -> IpAddr {
        self.first
    }

    /// How many leading bits count.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// True when `address` lies in the network.
    ///
    /// An IPv4-mapped IPv6 address is looked up as the IPv4 address that it is, so it is in
    /// `0.0.0.0/0` and not in `::/0`.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4()
            && prefix::first_of(address, self.prefix) == self.first
    }

    /// True for `0.0.0.0/0` and `::/0`, which hold every address of their family.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.prefix == 0
    }

    /// An IPv4-mapped network as the IPv4 network it is.
    fn canonical(self) -> Self {
        match (self.first.to_canonical(), self.prefix.checked_sub(96)) {
            (first @ IpAddr::V4(_), Some(prefix)) if self.first.is_ipv6() => Self { first, prefix },
            _ => self,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return Err(NetworkError::Address { text: text.into() });
        };
        let longest = prefix::width(address);
        let Some(prefix) = length.map_or(Some(longest), |digits| prefix_length(digits, longest))
        else {
            return Err(NetworkError::Prefix { text: text.into(), longest });
        };
        let network = Self::around(address, prefix);
        if network.first != address {
            return Err(NetworkError::HostBits { text: text.into(), address, network });
        }
        Ok(network.canonical())
    }
}

/// The number that `digits` spell, if it is at most `longest`. Unlike `u8::from_str`, takes no
/// sign, and no leading zeros, which some programs read as octal.
fn prefix_length(digits: &str, longest: u8) -> Option<u8> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let padded = digits.len() > 1 && digits.starts_with('0');
    let length = digits.parse().ok()?;
    (plain && !padded && length <= longest).then_some(length)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == prefix::width(self.first) {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { text } => write!(
                f,
                "{text:?} is neither an IP address nor a network; write one such as 10.0.0.0/8 or 2001:db8::/32"
            ),
            Self::Prefix { text, longest } => write!(
                f,
                "{text:?} has no valid prefix length; write a whole number from 0 to {longest} behind the slash"
            ),
            Self::HostBits { text, address, network } => write!(
                f,
                "{text:?} has bits set behind its prefix; write {network} for the network, or {address} for the one address"
            ),
        }
    }
}

impl core::error::Error for NetworkError {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_prints_as_it_is_written() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1", "2001:db8::/32", "::1", "::/0"] {
            assert_eq!(network(text).to_string(), text);
        }
        assert_eq!(network("192.0.2.1/32").to_string(), "192.0.2.1");
        assert_eq!(network("::1/128").to_string(), "::1");
    }

    #[test]
    fn its_first_and_last_address_are_in_and_the_neighbours_out() {
        let net = network("172.16.0.0/12");
        assert!(net.contains(ip("172.16.0.0")));
        assert!(net.contains(ip("172.31.255.255")));
        assert!(!net.contains(ip("172.15.255.255")));
        assert!(!net.contains(ip("172.32.0.0")));

        let net = network("2001:db8::/33");
        assert!(net.contains(ip("2001:db8:7fff:ffff:ffff:ffff:ffff:ffff")));
        assert!(!net.contains(ip("2001:db8:8000::")));
    }

    #[test]
    fn families_are_apart_but_mapped_addresses_are_ipv4() {
        assert!(network("10.0.0.0/8").contains(ip("::ffff:10.0.0.1")));
        assert!(network("::ffff:10.0.0.0/104").contains(ip("10.255.0.1")));
        assert!(network("::ffff:10.0.0.1").contains(ip("10.0.0.1")));
        assert_eq!(network("::ffff:0:0/96").to_string(), "0.0.0.0/0");
        assert!(!network("::/0").contains(ip("10.0.0.1")));
        assert!(!network("0.0.0.0/0").contains(ip("2001:db8::1")));
    }

    #[test]
    fn host_bits_are_refused_with_both_right_spellings() {
        let error = "2001:db8::1/64".parse::<Network>().unwrap_err();

        let NetworkError::HostBits { address, network, .. } = error else {
            panic!("expected host bits, got {error:?}");
        };
        assert_eq!(address, ip("2001:db8::1"));
        assert_eq!(network.to_string(), "2001:db8::/64");
    }

    #[test]
    fn junk_is_refused() {
        for text in ["", "/8", "10.0.0/8", "010.0.0.0/8", "example.com", "fe80::1%eth0", " ::1"] {
            let error = text.parse::<Network>().unwrap_err();
            assert_eq!(error, NetworkError::Address { text: text.into() });
        }
        for text in ["10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8"] {
            let error = text.parse::<Network>().unwrap_err();
            assert_eq!(error, NetworkError::Prefix { text: text.into(), longest: 32 });
        }
        assert!("::/129".parse::<Network>().is_err());
        assert!("10.0.0.0/255.0.0.0".parse::<Network>().is_err());
    }
}
