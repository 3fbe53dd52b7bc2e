//! From a key to 64 bits that nobody outside can aim.

use std::hash::{BuildHasher, RandomState};

use siphasher::sip::SipHasher13;
use tidegate_core::Key;

/// Keys of up to this many bytes, lengths included, are hashed from the stack in one go.
const SHORT: usize = 192;

/// A pseudo-random function of keys, under a secret.
///
/// Clients choose keys. Without the secret they can neither find two that share a slot nor
/// push a certain key out of the table.
#[derive(Clone, Copy)]
pub(crate) struct Secret {
    sip: SipHasher13,
}

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
    pub(crate) fn from_words([first, second]: [u64; 2]) -> Self {
        Self { sip: SipHasher13::new_with_keys(first, second) }
    }

    /// The hash of a key.
    #[inline]
    pub(crate) fn hash(&self, key: &Key<'_>) -> u64 {
        let mut buffer = [0; SHORT];
        let mut length = 0;
        let mut fits = true;
        key.feed(|part| match buffer.get_mut(length..length + part.len()) {
            Some(place) => {
                place.copy_from_slice(part);
                length += part.len();
            }
            None => fits = false,
        });
        if fits { self.sip.hash(&buffer[..length]) } else { self.hash_long(key) }
    }

    #[cold]
    fn hash_long(&self, key: &Key<'_>) -> u64 {
        let mut bytes = Vec::new();
        key.feed(|part| bytes.extend_from_slice(part));
        self.sip.hash(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_hash_however_long_it_is() {
        let secret = Secret::from_words([1, 2]);
        for length in [0, 1, 100, SHORT, 5_000] {
            let subject = vec![7; length];
            let key = Key { rule: "rule", limit: 3, subject: &subject };

            assert_eq!(secret.hash(&key), secret.hash_long(&key), "{length} bytes");
        }
    }

    #[test]
    fn secrets_give_hashes_of_their_own() {
        let key = Key { rule: "rule", limit: 3, subject: b"user:42" };

        assert_ne!(Secret::random().hash(&key), Secret::random().hash(&key));
    }
}
