//! From a key to 64 bits that nobody outside can aim.

use std::hash::{BuildHasher, RandomState};

use siphasher::sip::SipHasher13;
use tidegate_core::Key;

/// A pseudo-random function of keys, under a secret: SipHash-1-3.
///
/// Clients choose subjects. Without the secret they can neither find two that share a slot
/// nor push a certain key out of the table.
#[derive(Clone, Copy)]
pub(crate) struct Secret([u64; 2]);

impl Secret {
    /// Draws a secret from the operating system.
    pub(crate) fn random() -> Self {
        Self::from_words(Self::draw())
    }

    /// The words of a new secret.
    pub(crate) fn draw() -> [u64; 2] {
        // The standard library seeds each of these from the system's source.
        [RandomState::new().hash_one(0_u64), RandomState::new().hash_one(1_u64)]
    }

    /// The secret that these words are.
    pub(crate) const fn from_words(words: [u64; 2]) -> Self {
        Self(words)
    }

    /// The hash of a key.
    ///
    /// The scope goes into the secret and the subject into the function: every limit of every
    /// rule has a function of its own, at no cost. Only the subject is chosen by others.
    #[inline]
    pub(crate) fn hash(self, key: &Key<'_>) -> u64 {
        let [first, second] = self.0;
        SipHasher13::new_with_keys(first ^ key.scope, second).hash(key.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_key_and_the_secret_count() {
        let secret = Secret::from_words([1, 2]);
        let hashes = [
            secret.hash(&Key::new("rule", 3, b"user:42")),
            secret.hash(&Key::new("rule", 3, b"user:43")),
            secret.hash(&Key::new("rule", 4, b"user:42")),
            secret.hash(&Key::new("rul", 3, b"user:42")),
            Secret::from_words([1, 3]).hash(&Key::new("rule", 3, b"user:42")),
            Secret::random().hash(&Key::new("rule", 3, b"user:42")),
            Secret::random().hash(&Key::new("rule", 3, b"user:42")),
        ];

        for (index, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(hash), "{index}");
        }
    }
}
