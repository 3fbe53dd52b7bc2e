//! Who is counted, as the bytes that stores hash.

/// One counter's identity: the rule, which of the rule's limits, and the subject.
///
/// A store must keep two keys apart whenever any part differs. [`Key::feed`] is the one
/// encoding to hash, so that every store does; a store in memory may take `scope` for all of
/// it but the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key<'a> {
    /// Name of the rule. Rules of the same name share their counts.
    pub rule: &'a str,
    /// Which of the rule's limits this is; see `Limit::tag`.
    pub limit: u64,
    /// [`Key::scope_of`] the rule and the limit, worked out once for many subjects.
    pub scope: u64,
    /// Whom the units are counted against: an address, a user, an API key … Any bytes.
    pub subject: &'a [u8],
}

impl<'a> Key<'a> {
    /// The counter of `subject` under one limit of a rule.
    #[must_use]
    pub const fn new(rule: &'a str, limit: u64, subject: &'a [u8]) -> Self {
        Self { rule, limit, scope: Self::scope_of(rule, limit), subject }
    }

    /// A digest of the rule's name, with its length, and the limit: 64-bit FNV-1a. Rules are
    /// named by those who run tidegate, so it need not resist anybody.
    #[must_use]
    pub const fn scope_of(rule: &str, limit: u64) -> u64 {
        let mut digest = digest_of(&(rule.len() as u64).to_le_bytes(), FNV_BASIS);
        digest = digest_of(rule.as_bytes(), digest);
        digest_of(&limit.to_le_bytes(), digest)
    }

    /// Hands the key's bytes to `sink`, every part preceded by its length.
    ///
    /// The lengths keep ("a/b", "c") and ("a", "b/c") apart, which joining with a
    /// separator would not.
    pub fn feed(&self, mut sink: impl FnMut(&[u8])) {
        sink(&(self.rule.len() as u64).to_le_bytes());
        sink(self.rule.as_bytes());
        sink(&self.limit.to_le_bytes());
        sink(&(self.subject.len() as u64).to_le_bytes());
        sink(self.subject);
    }
}

/// Where a 64-bit FNV-1a begins.
pub(crate) const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// Continues a 64-bit FNV-1a over `bytes`.
pub(crate) const fn digest_of(bytes: &[u8], mut digest: u64) -> u64 {
    let mut index = 0;
    while index < bytes.len() {
        digest = (digest ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    digest
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn bytes(rule: &str, limit: u64, subject: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        Key::new(rule, limit, subject).feed(|part| all.extend_from_slice(part));
        all
    }

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        assert_ne!(bytes("a/b", 0, b"c"), bytes("a", 0, b"b/c"));
        assert_ne!(bytes("ab", 0, b""), bytes("a", 0, b"b"));
        assert_ne!(bytes("a", 1, b"x"), bytes("a", 2, b"x"));
        assert_ne!(Key::scope_of("a", 1), Key::scope_of("a", 2));
        assert_ne!(Key::scope_of("ab", 1), Key::scope_of("a", 1));
    }
}
