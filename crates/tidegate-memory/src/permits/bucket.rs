//! One page of records: which process has how many requests of which key in flight.
//!
//! ```text
//! record := digest (16 bytes) owner (4) count (4) nothing (8)
//! ```
//!
//! A record whose count is zero is vacant. Knows no file and no process.

use super::Digest;

/// Bytes of a bucket.
pub(super) const BUCKET: usize = 4096;
/// Bytes of a record.
const RECORD: usize = 32;

/// The requests of one key that one process has in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: Digest,
    pub(super) owner: i32,
    pub(super) count: u32,
}

/// What keeps records.
pub(super) struct Bucket(pub(super) [u8; BUCKET]);

impl Bucket {
    /// The records that are not vacant, each with its place.
    pub(super) fn records(&self) -> impl Iterator<Item = (usize, Record)> {
        let all = self.0.as_chunks::<RECORD>().0.iter().map(Record::decode).enumerate();
        all.filter(|(_, record)| record.count > 0)
    }

    /// Requests of `key` in flight, whoever has them.
    pub(super) fn in_flight(&self, key: Digest) -> u32 {
        let of_key = self.records().filter(|(_, record)| record.key == key);
        of_key.fold(0, |sum, (_, record)| sum.saturating_add(record.count))
    }

    /// The record of `key` and `owner`, and its place.
    pub(super) fn find(&self, key: Digest, owner: i32) -> Option<(usize, Record)> {
        self.records().find(|(_, record)| (record.key, record.owner) == (key, owner))
    }

    /// The first place without a record.
    pub(super) fn vacant(&self) -> Option<usize> {
        let mut counts =
            self.0.as_chunks::<RECORD>().0.iter().map(|bytes| Record::decode(bytes).count);
        counts.position(|count| count == 0)
    }

    /// Puts `record` in its place, and gives the bytes to be written and where in the bucket.
    pub(super) fn put(&mut self, place: usize, record: Record) -> (usize, [u8; RECORD]) {
        let (at, bytes) = (place * RECORD, record.encode());
        self.0[at..at + RECORD].copy_from_slice(&bytes);
        (at, bytes)
    }
}

impl Record {
    fn decode(bytes: &[u8; RECORD]) -> Self {
        let word = |at: usize| u64::from_ne_bytes(part(bytes, at));
        Self {
            key: [word(0), word(8)],
            owner: i32::from_ne_bytes(part(bytes, 16)),
            count: u32::from_ne_bytes(part(bytes, 20)),
        }
    }

    /// All zeros when the count is.
    fn encode(&self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        if self.count > 0 {
            bytes[..8].copy_from_slice(&self.key[0].to_ne_bytes());
            bytes[8..16].copy_from_slice(&self.key[1].to_ne_bytes());
            bytes[16..20].copy_from_slice(&self.owner.to_ne_bytes());
            bytes[20..24].copy_from_slice(&self.count.to_ne_bytes());
        }
        bytes
    }
}

fn part<const N: usize>(bytes: &[u8; RECORD], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: Digest = [1, 2];
    const BEN: Digest = [1, 3];

    fn record(key: Digest, owner: i32, count: u32) -> Record {
        Record { key, owner, count }
    }

    #[test]
    fn the_requests_of_all_processes_are_in_flight() {
        let mut bucket = Bucket([0; BUCKET]);
        for (place, record) in
            [(0, record(ANA, 1, 2)), (2, record(BEN, 1, 5)), (5, record(ANA, 2, 3))]
        {
            bucket.put(place, record);
        }

        assert_eq!((bucket.in_flight(ANA), bucket.in_flight(BEN)), (5, 5));
        assert_eq!(bucket.in_flight([9, 9]), 0);
        assert_eq!(bucket.find(ANA, 2), Some((5, record(ANA, 2, 3))));
        assert_eq!(bucket.find(BEN, 2), None);
        assert_eq!(bucket.vacant(), Some(1));
    }

    #[test]
    fn a_record_of_nothing_is_vacant() {
        const RECORDS: usize = BUCKET / RECORD;
        let mut bucket = Bucket([0; BUCKET]);
        for place in 0..RECORDS {
            bucket.put(place, record(ANA, 7, u32::MAX));
        }
        assert_eq!((bucket.vacant(), bucket.in_flight(ANA)), (None, u32::MAX));

        bucket.put(RECORDS - 1, record(ANA, 7, 0));

        assert_eq!(bucket.vacant(), Some(RECORDS - 1));
        assert_eq!(bucket.records().count(), RECORDS - 1);
        assert!(bucket.0[BUCKET - RECORD..].iter().all(|&byte| byte == 0));
    }
}
