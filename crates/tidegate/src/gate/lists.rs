//! Who is let in whatever the rules say, and who is kept out.

use std::net::IpAddr;

use tidegate_core::address::NetworkSet;

use crate::Error;

/// Addresses that need no rules. Where both lists hold an address, the smaller network counts,
/// and of two alike the one that keeps it out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    allow: NetworkSet,
    deny: NetworkSet,
}

/// What the lists say about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    Allowed,
    Denied,
    Neither,
}

impl Lists {
    /// # Errors
    ///
    /// [`Error::List`] that names the list and the word that is no address.
    pub(super) fn new(allow: &[String], deny: &[String]) -> Result<Self, Error> {
        Ok(Self { allow: named("allow", allow)?, deny: named("deny", deny)? })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    pub(super) fn find(&self, address: IpAddr) -> Listed {
        match (self.allow.longest_prefix(address), self.deny.longest_prefix(address)) {
            (None, None) => Listed::Neither,
            (allow, deny) if allow > deny => Listed::Allowed,
            _ => Listed::Denied,
        }
    }
}

fn named(list: &'static str, words: &[String]) -> Result<NetworkSet, Error> {
    let words = words.iter().map(String::as_str);
    NetworkSet::from_words(words).map_err(|source| Error::List { list, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_network_counts() -> Result<(), Error> {
        let words = |words: &[&str]| words.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        let allow = words(&["10.0.0.0/8", "192.0.2.1"]);
        let deny = words(&["10.1.0.0/16", "192.0.2.1", "198.51.100.0/24"]);
        let lists = Lists::new(&allow, &deny)?;

        let find = |address: &str| lists.find(address.parse().unwrap());

        assert_eq!(find("10.2.0.1"), Listed::Allowed);
        assert_eq!(find("10.1.0.1"), Listed::Denied);
        assert_eq!(find("192.0.2.1"), Listed::Denied);
        assert_eq!(find("198.51.100.9"), Listed::Denied);
        assert_eq!(find("203.0.113.1"), Listed::Neither);
        Ok(())
    }

    #[test]
    fn a_list_with_a_mistake_is_named() {
        assert!(Lists::default().is_empty());
        let error = Lists::new(&[], &["10.0.0.0/33".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("`deny`") && error.contains("10.0.0.0/33"), "{error}");
    }
}
