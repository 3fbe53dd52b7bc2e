//! Sets of networks, for lists of who is let in and who is kept out.

use alloc::collections::{BTreeMap, BTreeSet};
use core::{cmp::Reverse, net::IpAddr};

use super::{Network, NetworkError};

/// A set of networks in which an address is looked up by the longest prefix.
///
/// A look-up takes time linear in the number of different prefix lengths, at most 33 for IPv4
/// and 129 for IPv6, and logarithmic in the number of networks.
///
/// # Examples
///
/// ```
/// use tidegate_core::address::NetworkSet;
///
/// let set = NetworkSet::from_words(["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"])?;
///
/// assert_eq!(set.longest_prefix("10.1.2.3".parse().unwrap()), Some(16));
/// assert_eq!(set.longest_prefix("10.2.2.3".parse().unwrap()), Some(8));
/// assert_eq!(set.longest_prefix("192.0.2.1".parse().unwrap()), None);
/// # Ok::<(), tidegate_core::address::NetworkError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSet {
    v4: Family,
    v6: Family,
}

/// The networks of one family, the longest prefixes first.
type Family = BTreeMap<Reverse<u8>, BTreeSet<IpAddr>>;

impl NetworkSet {
    /// Reads networks and addresses.
    ///
    /// # Errors
    ///
    /// [`NetworkError`] for the first word that is neither.
    pub fn from_words<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Self, NetworkError> {
        words.into_iter().map(str::parse).collect()
    }

    /// True when nothing is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// How many networks are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.v4.values().chain(self.v6.values()).map(BTreeSet::len).sum()
    }

    /// The prefix of the smallest network in the set that `address` lies in. An IPv4-mapped
    /// address is looked up as the IPv4 address that it is.
    #[must_use]
    pub fn longest_prefix(&self, address: IpAddr) -> Option<u8> {
        let address = address.to_canonical();
        let family = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        let is_in = |prefix: u8, firsts: &BTreeSet<IpAddr>| {
            firsts.contains(&Network::around(address, prefix).first())
        };
        family.iter().find(|(prefix, firsts)| is_in(prefix.0, firsts)).map(|(prefix, _)| prefix.0)
    }
}

impl FromIterator<Network> for NetworkSet {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        let mut set = Self::default();
        for network in networks {
            let family = if network.first().is_ipv4() { &mut set.v4 } else { &mut set.v6 };
            family.entry(Reverse(network.prefix())).or_default().insert(network.first());
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(set: &NetworkSet, address: &str) -> Option<u8> {
        set.longest_prefix(address.parse().unwrap())
    }

    #[test]
    fn the_smallest_network_is_found_in_either_family() {
        let words = ["0.0.0.0/0", "10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "2001:db8::1"];
        let set = NetworkSet::from_words(words).unwrap();

        assert_eq!(set.len(), 5);
        assert_eq!(prefix(&set, "10.1.2.3"), Some(32));
        assert_eq!(prefix(&set, "::ffff:10.1.2.4"), Some(8));
        assert_eq!(prefix(&set, "192.0.2.1"), Some(0));
        assert_eq!(prefix(&set, "2001:db8::1"), Some(128));
        assert_eq!(prefix(&set, "2001:db8::2"), Some(32));
        assert_eq!(prefix(&set, "2001:db9::2"), None);
    }

    #[test]
    fn the_word_that_is_wrong_is_named() {
        let error = NetworkSet::from_words(["10.0.0.0/8", "10.0.0.1/8"]).unwrap_err();
        assert!(matches!(error, NetworkError::HostBits { text, .. } if text == "10.0.0.1/8"));
        assert!(NetworkSet::default().is_empty());
    }
}
