//! Who is counted, as the bytes that stores hash.

/// One counter's identity: the rule, which of the rule's limits, and the subject.
///
/// A store must keep two keys apart whenever any part differs. [`Key::feed`] is the one
/// encoding to hash, so that every store does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key<'a> {
    /// Name of the rule. Rules of the same name share their counts.
    pub rule: &'a str,
    /// Which of the rule's limits this is; see `Limit::tag`.
    pub limit: u64,
    /// Whom the units are counted against: an address, a user, an API key … Any bytes.
    pub subject: &'a [u8],
}

impl Key<'_> {
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn bytes(rule: &str, limit: u64, subject: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        Key { rule, limit, subject }.feed(|part| all.extend_from_slice(part));
        all
    }

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        assert_ne!(bytes("a/b", 0, b"c"), bytes("a", 0, b"b/c"));
        assert_ne!(bytes("ab", 0, b""), bytes("a", 0, b"b"));
        assert_ne!(bytes("a", 1, b"x"), bytes("a", 2, b"x"));
    }
}
