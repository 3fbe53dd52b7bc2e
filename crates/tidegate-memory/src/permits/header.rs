//! What a file of permits says of itself: one page, of which all but the next owner's number is
//! written once.

use crate::{
    hash::Secret,
    shared::header::{HeaderError, check_sum},
};

use super::Digester;

/// Bytes before the buckets.
pub(super) const HEADER: usize = 4096;
/// Where the number stands that the next process is to take.
pub(super) const NEXT_OWNER: u64 = 2048;

/// The layout of the header and of a bucket. Counts up whenever one of them changes.
pub(super) const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"TIDEPERM";
/// Reads back as another number on a machine with the other order of bytes.
const ORDER: u32 = 0x0102_0304;
/// Bytes of the header that mean something, the check sum at their end included.
const LENGTH: usize = 56;

/// What every process must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    secret: [u64; 4],
}

impl Header {
    pub(super) fn draw() -> Self {
        let ([a, b], [c, d]) = (Secret::draw(), Secret::draw());
        Self { secret: [a, b, c, d] }
    }

    pub(super) fn digester(&self) -> Digester {
        let [a, b, c, d] = self.secret;
        Digester([Secret::from_words([a, b]), Secret::from_words([c, d])])
    }

    pub(super) fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_ne_bytes());
        bytes[12..16].copy_from_slice(&ORDER.to_ne_bytes());
        for (place, word) in bytes[16..48].chunks_exact_mut(8).zip(self.secret) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        let sum = check_sum(&bytes[..LENGTH - 8]);
        bytes[LENGTH - 8..].copy_from_slice(&sum.to_ne_bytes());
        bytes
    }

    /// Reads the beginning of a file, which may be shorter than a header.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        if bytes.iter().all(|&byte| byte == 0) {
            return Err(HeaderError::Unfinished);
        }
        let Some(bytes) = bytes.first_chunk::<LENGTH>() else {
            return Err(HeaderError::Corrupt("it is too short"));
        };
        let (words, _) = bytes.as_chunks::<8>();
        let word = |index: usize| u64::from_ne_bytes(words[index]);
        let half = |at: usize| u32::from_ne_bytes([0, 1, 2, 3].map(|index| bytes[at + index]));
        let (version, order) = (half(8), half(12));
        if words[0] != MAGIC {
            return Err(HeaderError::Corrupt("it does not begin as one"));
        }
        if order != ORDER {
            return Err(HeaderError::Corrupt("it was made on another kind of machine"));
        }
        if version != VERSION {
            return Err(HeaderError::Version(version));
        }
        if word(6) != check_sum(&bytes[..LENGTH - 8]) {
            return Err(HeaderError::Corrupt("its header was damaged"));
        }
        Ok(Self { secret: [word(2), word(3), word(4), word(5)] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header { secret: [1, 2, 3, u64::MAX] };

    #[test]
    fn a_header_reads_as_it_was_written() {
        assert_eq!(Header::decode(&HEADER.encode()), Ok(HEADER));
    }

    #[test]
    fn every_single_damaged_byte_is_noticed() {
        for index in 0..LENGTH {
            let mut bytes = HEADER.encode();
            bytes[index] ^= 0x10;
            assert!(Header::decode(&bytes).is_err(), "byte {index}");
        }
    }

    #[test]
    fn the_reason_is_told() {
        let mut newer = HEADER.encode();
        newer[8..12].copy_from_slice(&9_u32.to_ne_bytes());

        assert_eq!(Header::decode(&newer), Err(HeaderError::Version(9)));
        assert_eq!(Header::decode(&[]), Err(HeaderError::Unfinished));
        assert_eq!(Header::decode(&[0; 4096]), Err(HeaderError::Unfinished));
        assert!(matches!(Header::decode(b"{}"), Err(HeaderError::Corrupt(_))));
        assert!(matches!(Header::decode(&[b'x'; 4096]), Err(HeaderError::Corrupt(_))));
    }
}
