//! Keys that a rule leaves alone, and keys that it refuses, whatever its limits say.

use std::{collections::HashSet, fmt, sync::Arc};

/// Keys as they are counted. The copies of a rule share them.
type Keys = Arc<HashSet<Box<[u8]>>>;

/// A rule's lists of keys. One look-up a list, however long it is.
#[derive(Clone, Default)]
pub(crate) struct KeyLists {
    exempt: Option<Keys>,
    deny: Option<Keys>,
}

/// What a rule's lists say about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListedKey {
    Exempt,
    Denied,
    Neither,
}

impl KeyLists {
    pub(crate) fn with_exempt(self, keys: impl Iterator<Item = Box<[u8]>>) -> Self {
        Self { exempt: gather(keys), ..self }
    }

    pub(crate) fn with_deny(self, keys: impl Iterator<Item = Box<[u8]>>) -> Self {
        Self { deny: gather(keys), ..self }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.exempt.is_none() && self.deny.is_none()
    }

    #[cfg(feature = "config")]
    pub(crate) const fn exempts(&self) -> bool {
        self.exempt.is_some()
    }

    pub(crate) const fn denies(&self) -> bool {
        self.deny.is_some()
    }

    /// A key on both lists is denied.
    pub(crate) fn find(&self, key: &[u8]) -> ListedKey {
        let holds = |keys: &Option<Keys>| keys.as_ref().is_some_and(|keys| keys.contains(key));
        if holds(&self.deny) {
            ListedKey::Denied
        } else if holds(&self.exempt) {
            ListedKey::Exempt
        } else {
            ListedKey::Neither
        }
    }
}

/// `None` for no keys, so that nothing is looked up.
fn gather(keys: impl Iterator<Item = Box<[u8]>>) -> Option<Keys> {
    let keys: HashSet<_> = keys.collect();
    (!keys.is_empty()).then(|| Arc::new(keys))
}

impl fmt::Debug for KeyLists {
    /// How many there are: a list may have millions, and some are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |keys: &Option<Keys>| keys.as_ref().map_or(0, |keys| keys.len());
        f.debug_struct("KeyLists")
            .field("exempt", &count(&self.exempt))
            .field("deny", &count(&self.deny))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(all: &[&'static str]) -> impl Iterator<Item = Box<[u8]>> {
        all.iter().map(|key| key.as_bytes().into())
    }

    #[test]
    fn a_key_on_both_lists_is_denied() {
        let lists = KeyLists::default().with_exempt(keys(&["a", "b"])).with_deny(keys(&["b", "c"]));

        assert_eq!(lists.find(b"a"), ListedKey::Exempt);
        assert_eq!(lists.find(b"b"), ListedKey::Denied);
        assert_eq!(lists.find(b"c"), ListedKey::Denied);
        assert_eq!(lists.find(b"ab"), ListedKey::Neither);
        assert_eq!(format!("{lists:?}"), "KeyLists { exempt: 2, deny: 2 }");
    }

    #[test]
    fn a_list_of_none_is_no_list() {
        let lists = KeyLists::default().with_exempt(keys(&[])).with_deny(keys(&[]));
        assert!(lists.is_empty() && !lists.denies());
    }
}
