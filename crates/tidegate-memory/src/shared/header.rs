//! What a shared table's file says of itself.
//!
//! One memory page at the beginning, written once by the process that makes the file and only
//! read afterwards.

use crate::region::Region;

/// Bytes before the table's words: one memory page.
pub(crate) const HEADER: usize = 4096;

/// The layout of header, page of classes, and slots. Counts up whenever one of them changes.
pub(crate) const VERSION: u32 = 2;

const MAGIC: [u8; 8] = *b"TIDEGATE";
/// Reads back as another number on a machine with the other order of bytes.
const ORDER: u32 = 0x0102_0304;
/// Bytes of the header that mean something, the check sum at their end included.
const LENGTH: usize = 72;

/// The boot that a table's times count from.
pub(crate) type BootId = [u8; 16];

/// What every process must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) slots: u64,
    pub(crate) boot: BootId,
    pub(crate) secret: [u64; 2],
}

/// Why bytes are no header of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// Nobody has written it yet, or whoever did was killed before the end.
    Unfinished,
    /// Another layout.
    Version(u32),
    /// Anything else.
    Corrupt(&'static str),
}

impl Header {
    /// How long the file is.
    pub(crate) fn file_length(&self) -> Option<usize> {
        Region::bytes(usize::try_from(self.slots).ok()?)?.checked_add(HEADER)
    }

    pub(crate) fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_ne_bytes());
        bytes[12..16].copy_from_slice(&ORDER.to_ne_bytes());
        bytes[16..24].copy_from_slice(&self.slots.to_ne_bytes());
        bytes[24..40].copy_from_slice(&self.boot);
        bytes[40..48].copy_from_slice(&self.secret[0].to_ne_bytes());
        bytes[48..56].copy_from_slice(&self.secret[1].to_ne_bytes());
        let sum = check_sum(&bytes[..LENGTH - 8]);
        bytes[LENGTH - 8..].copy_from_slice(&sum.to_ne_bytes());
        bytes
    }

    /// Reads the beginning of a file, which may be shorter than a header.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        if bytes.iter().all(|&byte| byte == 0) {
            return Err(HeaderError::Unfinished);
        }
        let Some(bytes) = bytes.first_chunk::<LENGTH>() else {
            return Err(HeaderError::Corrupt("it is too short"));
        };
        let word = |at: usize| u64::from_ne_bytes(part(bytes, at));
        let half = |at: usize| u32::from_ne_bytes(part(bytes, at));
        if part(bytes, 0) != MAGIC {
            return Err(HeaderError::Corrupt("it does not begin as one"));
        }
        if half(12) != ORDER {
            return Err(HeaderError::Corrupt("it was made on another kind of machine"));
        }
        if half(8) != VERSION {
            return Err(HeaderError::Version(half(8)));
        }
        if word(LENGTH - 8) != check_sum(&bytes[..LENGTH - 8]) {
            return Err(HeaderError::Corrupt("its header was damaged"));
        }
        let slots = word(16);
        if !slots.is_power_of_two() || slots < crate::set::WAYS as u64 {
            return Err(HeaderError::Corrupt("its capacity makes no sense"));
        }
        Ok(Self { slots, boot: part(bytes, 24), secret: [word(40), word(48)] })
    }
}

fn part<const N: usize>(bytes: &[u8; LENGTH], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

/// FNV-1a: finds damage, and is not meant to stop anybody who wants to forge.
pub(crate) fn check_sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header { slots: 1 << 18, boot: [7; 16], secret: [1, u64::MAX] };

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
