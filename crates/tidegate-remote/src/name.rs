//! What a counter is called on a server: readable, unambiguous, bounded.

use std::fmt::{self, Write as _};

use sha2::{Digest as _, Sha256};
use tidegate_core::Key;

/// Subjects that take more bytes than this when written out are kept as a digest.
const LONGEST: usize = 128;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The name of a counter: `{SUBJECT}:RULE:TAG`.
///
/// The braces are what Redis Cluster calls a hash tag: all counters of a subject live on one
/// node. Bytes of a subject that are not plain ASCII, and `%`, `{`, `}`, are written as `%`
/// and two digits; an empty one as `%`; a long one as `%#` and a digest, so that nobody can
/// fill the server with long names. `TAG` is the limit's tag in hexadecimal.
///
/// A store puts its own prefix before it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

/// A subject as a name tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The subject itself.
    Plain(Vec<u8>),
    /// The first 128 bits of its SHA-256: it was too long to be kept.
    Digest([u8; 16]),
}

impl Name {
    /// The name of the counter that `key` means.
    #[must_use]
    pub fn new(key: &Key<'_>) -> Self {
        let length = written_length(key.subject);
        let digits = 16 - (key.limit | 1).leading_zeros() / 4;
        // Room for just that: a name is made for every check.
        let room = length.clamp(1, LONGEST) + key.rule.len() + 4 + digits as usize;
        let mut name = String::with_capacity(room);
        name.push('{');
        write_subject(&mut name, key.subject, length);
        name.push_str("}:");
        name.push_str(key.rule);
        name.push(':');
        for digit in (0..digits).rev() {
            name.push(char::from(HEX[((key.limit >> (4 * digit)) & 15) as usize]));
        }
        Self(name.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part that decides on which node of a cluster the counter lives.
    #[must_use]
    pub fn hash_tag(&self) -> &str {
        let end = self.0.find('}').unwrap_or(self.0.len());
        &self.0[1..end]
    }

    /// How the names of all subjects begin that begin with `prefix`, but for those that are kept
    /// as a digest. Empty when nothing is asked for.
    #[must_use]
    pub fn begins(prefix: &[u8]) -> String {
        let mut begins = String::with_capacity(prefix.len() + 1);
        if !prefix.is_empty() {
            begins.push('{');
            write_plain(&mut begins, prefix);
        }
        begins
    }

    /// Rule, tag and subject of what [`new`](Self::new) wrote; `None` for other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<(&str, u64, Subject)> {
        let (subject, rest) = text.strip_prefix('{')?.split_once("}:")?;
        let (rule, tag) = rest.rsplit_once(':')?;
        Some((rule, u64::from_str_radix(tag, 16).ok()?, read_subject(subject)?))
    }
}

impl AsRef<[u8]> for Name {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'%' | b'{' | b'}')
}

/// How long a subject is when written out.
fn written_length(subject: &[u8]) -> usize {
    subject.iter().map(|&byte| if is_plain(byte) { 1 } else { 3 }).sum()
}

/// Writes a subject, which is of this `length` when written out.
fn write_subject(name: &mut String, subject: &[u8], length: usize) {
    if length == 0 {
        name.push('%');
    } else if length == subject.len() && length <= LONGEST {
        // All plain, as most are.
        name.push_str(&String::from_utf8_lossy(subject));
    } else if length > LONGEST {
        name.push_str("%#");
        for byte in &Sha256::digest(subject)[..16] {
            let _ = write!(name, "{byte:02x}");
        }
    } else {
        write_plain(name, subject);
    }
}

fn write_plain(name: &mut String, subject: &[u8]) {
    for &byte in subject {
        if is_plain(byte) {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02x}");
        }
    }
}

fn read_subject(text: &str) -> Option<Subject> {
    if text == "%" {
        return Some(Subject::Plain(Vec::new()));
    }
    if let Some(digits) = text.strip_prefix("%#") {
        let mut digest = [0; 16];
        if digits.len() != 32 {
            return None;
        }
        for (index, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        return Some(Subject::Digest(digest));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &tail[2..];
    }
    Some(Subject::Plain(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(rule: &str, limit: u64, subject: &[u8]) -> String {
        Name::new(&Key::new(rule, limit, subject)).to_string()
    }

    #[test]
    fn a_name_tells_what_it_was_made_of() {
        let long = "x".repeat(129);
        for (rule, tag, subject) in [
            ("api", 0x1_0000_0000, b"203.0.113.7".as_slice()),
            ("a:b", 7, b"user:42"),
            ("}:{", 7, b"}:{%\0\xff "),
            ("api", 0, b""),
            ("api", 0, b"%"),
        ] {
            let text = name(rule, tag, subject);
            let parsed = Name::parse(&text);
            assert_eq!(parsed, Some((rule, tag, Subject::Plain(subject.to_vec()))), "{text}");
        }
        let text = name("api", 3, long.as_bytes());
        assert!(matches!(Name::parse(&text), Some(("api", 3, Subject::Digest(_)))), "{text}");
        assert!(text.len() < 60, "{text}");
    }

    #[test]
    fn names_differ_when_any_part_does() {
        let long = "x".repeat(500);
        let names = [
            name("a", 0, b"b:c"),
            name("a:b", 0, b"c"),
            name("a", 1, b"b:c"),
            name("a", 0, b""),
            name("a", 0, b"%25"),
            name("a", 0, b"%"),
            name("a", 0, long.as_bytes()),
            name("a", 0, &long.as_bytes()[1..]),
        ];
        for (index, text) in names.iter().enumerate() {
            assert!(!names[..index].contains(text), "{text}");
        }
    }

    #[test]
    fn a_hash_tag_is_the_subject_and_never_empty() {
        assert_eq!(Name::new(&Key::new("r", 1, b"ana}b")).hash_tag(), "ana%7db");
        assert_eq!(Name::new(&Key::new("r", 1, b"")).hash_tag(), "%");
    }

    #[test]
    fn a_name_begins_as_its_subject_does() {
        for (prefix, subject) in [("us", "user:42"), ("a b", "a b c"), ("%", "%25"), ("}", "}:")] {
            let text = name("api", 1, subject.as_bytes());
            assert!(text.starts_with(&Name::begins(prefix.as_bytes())), "{text}");
        }
        assert_eq!(Name::begins(b""), "");
        assert!(!name("api", 1, b"").starts_with(&Name::begins(b"%")));
    }

    #[test]
    fn other_text_is_no_name() {
        for text in ["", "{a}", "{a}:b", "{a}:b:xyz", "a:b:1", "{%4}:b:1", "{%#12}:b:1"] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }
}
