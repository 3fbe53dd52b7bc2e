//! Keys that are let in or kept out for a while, by somebody who watches.
//!
//! For what is no address: users, keys of an API. Looked up, so that a request pays the same for
//! one and for many.

use std::{collections::HashMap, time::Instant};

use arc_swap::ArcSwap;

/// The most exceptions at a time.
const MOST: usize = 1024;

/// A key that is let in or kept out, until when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExceptedKey {
    /// The rule that counts it.
    pub rule: String,
    /// The key.
    pub key: Box<[u8]>,
    /// Whether it is let in; kept out otherwise.
    pub lets_in: bool,
    /// When it ends.
    pub until: Instant,
}

/// Exceptions by rule and key, replaced as a whole.
#[derive(Debug, Default)]
pub(crate) struct ExceptedKeys(ArcSwap<HashMap<Box<[u8]>, ExceptedKey>>);

impl ExceptedKeys {
    pub(super) fn is_empty(&self) -> bool {
        self.0.load().is_empty()
    }

    /// Whether a key is let in (true) or kept out (false) for now.
    pub(crate) fn find(&self, rule: &str, key: &[u8]) -> Option<bool> {
        let all = self.0.load();
        let found = all.get(&*name(rule, key)).filter(|it| it.until > Instant::now())?;
        Some(found.lets_in)
    }

    /// Adds one, in place of one for the same key; false when there are too many.
    pub(super) fn add(&self, rule: &str, key: &[u8], lets_in: bool, until: Instant) -> bool {
        let new = ExceptedKey { rule: rule.to_owned(), key: key.into(), lets_in, until };
        let mut is_added = false;
        self.0.rcu(|all| {
            let mut all = current(all);
            all.remove(&*name(rule, key));
            is_added = all.len() < MOST;
            if is_added {
                all.insert(name(rule, key), new.clone());
            }
            all
        });
        is_added
    }

    /// Removes that of a key; false when there is none.
    pub(super) fn remove(&self, rule: &str, key: &[u8]) -> bool {
        let mut is_removed = false;
        self.0.rcu(|all| {
            let mut all = current(all);
            is_removed = all.remove(&*name(rule, key)).is_some();
            all
        });
        is_removed
    }

    /// Those that are not over. What is over is thrown away, so that no request looks for it.
    pub(super) fn all(&self) -> Vec<ExceptedKey> {
        let known = self.0.load().len();
        let now = current(&self.0.load());
        if now.len() < known {
            self.0.rcu(|all| current(all));
        }
        let mut all: Vec<_> = now.into_values().collect();
        all.sort_by(|a, b| (&a.rule, &a.key).cmp(&(&b.rule, &b.key)));
        all
    }
}

/// Those that are not over.
fn current(all: &HashMap<Box<[u8]>, ExceptedKey>) -> HashMap<Box<[u8]>, ExceptedKey> {
    let now = Instant::now();
    all.iter()
        .filter(|(_, it)| it.until > now)
        .map(|(name, it)| (name.clone(), it.clone()))
        .collect()
}

/// A rule and a key as one. Whatever stands in either, no other pair has the same.
fn name(rule: &str, key: &[u8]) -> Box<[u8]> {
    [&rule.len().to_le_bytes()[..], rule.as_bytes(), key].concat().into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn they_are_bounded_and_end() {
        let keys = ExceptedKeys::default();
        let later = Instant::now() + Duration::from_secs(60);
        assert!(keys.add("r", b"over", false, Instant::now()));
        assert_eq!(keys.find("r", b"over"), None);
        for number in 0..MOST {
            assert!(keys.add("r", &number.to_le_bytes(), false, later));
        }
        assert!(!keys.add("r", b"one more", false, later));
        assert!(keys.add("r", &7_usize.to_le_bytes(), true, later));
        assert_eq!(keys.find("r", &7_usize.to_le_bytes()), Some(true));
        assert_eq!(keys.find("r", &8_usize.to_le_bytes()), Some(false));
        assert_eq!(keys.find("s", &8_usize.to_le_bytes()), None);
        assert!(keys.remove("r", &7_usize.to_le_bytes()));
        assert!(!keys.remove("r", &7_usize.to_le_bytes()));
        assert_eq!(keys.all().len(), MOST - 1);

        let short = ExceptedKeys::default();
        assert!(short.add("r", b"over", true, Instant::now()) && !short.is_empty());
        assert!(short.all().is_empty() && short.is_empty());
    }

    #[test]
    fn no_two_pairs_have_one_name() {
        assert_ne!(name("a", b"bc"), name("ab", b"c"));
        assert_ne!(name("a\0b", b"c"), name("a", b"b\0c"));
    }
}
