//! From a key to 64 bits that nobody outside can aim.

use std::hash::{BuildHasher, RandomState};

use tidegate_core::{Key, Limit};

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

    /// The hash of a key under a limit.
    ///
    /// The scope and the limit go into the secret and the subject into the function: every
    /// limit of every rule has a function of its own, at no cost. Only the subject is chosen
    /// by others.
    #[inline]
    pub(crate) fn hash(self, key: &Key<'_>, limit: &Limit) -> u64 {
        let [first, second] = self.0;
        sip_hash_1_3(first ^ key.scope, second ^ limit.imprint(), key.subject)
    }

    /// The hash of a subject under a rule, whatever the limit.
    pub(crate) fn hash_subject(self, scope: u64, subject: &[u8]) -> u64 {
        let [first, second] = self.0;
        sip_hash_1_3(first ^ scope, second, subject)
    }
}

/// `SipHash` with one round for each word and three at the end.
///
/// Written out so that it becomes part of the check: its latency then overlaps with that of
/// the clock, and its state stays in registers.
///
/// Source: Aumasson and Bernstein, "`SipHash`: a fast short-input PRF", section 2; the variant 1-3 as
/// in the standard libraries of Rust and `CPython`.
#[expect(
    clippy::inline_always,
    reason = "to overlap with the clock, it must be in one piece with it"
)]
#[inline(always)]
fn sip_hash_1_3(first: u64, second: u64, bytes: &[u8]) -> u64 {
    let mut state = Sip([
        first ^ 0x736f_6d65_7073_6575,
        second ^ 0x646f_7261_6e64_6f6d,
        first ^ 0x6c79_6765_6e65_7261,
        second ^ 0x7465_6462_7974_6573,
    ]);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state.absorb(u64::from_le_bytes(*word));
    }
    state.absorb(last_word(rest, bytes.len()));
    state.finish()
}

/// The bytes that fill no word, and in its highest byte how many bytes there were in all.
#[inline]
fn last_word(rest: &[u8], length: usize) -> u64 {
    let mut word = (length as u64) << 56;
    let mut shift = 0;
    let mut rest = rest;
    // Halves of halves, which are read as they are, instead of bytes in a loop.
    if let Some((four, more)) = rest.split_first_chunk::<4>() {
        word |= u64::from(u32::from_le_bytes(*four));
        (shift, rest) = (32, more);
    }
    if let Some((two, more)) = rest.split_first_chunk::<2>() {
        word |= u64::from(u16::from_le_bytes(*two)) << shift;
        (shift, rest) = (shift + 16, more);
    }
    if let [one] = rest {
        word |= u64::from(*one) << shift;
    }
    word
}

struct Sip([u64; 4]);

impl Sip {
    #[inline]
    fn absorb(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.0[0] ^= word;
    }

    #[inline]
    fn round(&mut self) {
        let [a, b, c, d] = &mut self.0;
        *a = a.wrapping_add(*b);
        *c = c.wrapping_add(*d);
        *b = b.rotate_left(13) ^ *a;
        *d = d.rotate_left(16) ^ *c;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*b);
        *a = a.wrapping_add(*d);
        *b = b.rotate_left(17) ^ *c;
        *d = d.rotate_left(21) ^ *a;
        *c = c.rotate_left(32);
    }

    #[inline]
    fn finish(mut self) -> u64 {
        self.0[2] ^= 0xff;
        for _ in 0..3 {
            self.round();
        }
        self.0.into_iter().fold(0, |all, part| all ^ part)
    }
}

#[cfg(test)]
mod tests {
    use siphasher::sip::SipHasher13;

    use super::*;

    #[test]
    fn hashes_are_those_of_the_library_at_any_length() {
        let bytes: Vec<u8> = (0..=255).collect();
        for length in 0..=bytes.len() {
            let bytes = &bytes[..length];
            let (first, second) = (length as u64 ^ 0x0706_0504, u64::MAX / 3);
            let expected = SipHasher13::new_with_keys(first, second).hash(bytes);

            assert_eq!(sip_hash_1_3(first, second, bytes), expected, "{length} bytes");
        }
    }

    #[test]
    fn every_part_of_a_key_and_the_secret_count() {
        let secret = Secret::from_words([1, 2]);
        let hash = |secret: Secret, rule, limit, subject: &str, text: &str| {
            let text: Limit = text.parse().unwrap();
            secret.hash(&Key::new(rule, limit, subject.as_bytes()), &text)
        };
        let hashes = [
            hash(secret, "rule", 3, "user:42", "5/minute"),
            hash(secret, "rule", 3, "user:43", "5/minute"),
            hash(secret, "rule", 4, "user:42", "5/minute"),
            hash(secret, "rul", 3, "user:42", "5/minute"),
            hash(secret, "rule", 3, "user:42", "5/hour"),
            hash(secret, "rule", 3, "user:42", "fixed_window: 5/minute"),
            hash(Secret::from_words([1, 3]), "rule", 3, "user:42", "5/minute"),
            hash(Secret::random(), "rule", 3, "user:42", "5/minute"),
            hash(Secret::random(), "rule", 3, "user:42", "5/minute"),
        ];

        for (index, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(hash), "{index}");
        }
    }
}
