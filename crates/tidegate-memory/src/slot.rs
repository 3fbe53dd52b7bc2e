//! One slot of the table: whose it is and how things stand, in 128 bits that change as a whole.
//!
//! ```text
//! bits 127..64   state: a time, a window's count, or the counts of two windows; or a claim's
//!                mark
//! bits  63..9    fingerprint of the key; its low 16 bits are the state's, for two windows
//! bit   8        claimed: the slot is being given to the key, and is not in use yet
//! bits   7..0    class: under which limit the state is to be read; 0 is an empty slot, or a claim
//! ```
//!
//! An empty slot is all zeros, which is how the kernel hands memory out. Knows no table.

use tidegate_core::Nanos;
use tidegate_core::algorithm::Counts;

/// The 128 bits of a slot.
pub(crate) type Word = u128;

/// A slot that nobody uses.
pub(crate) const EMPTY: Word = 0;

const CLAIMED: u64 = 1 << 8;
const FINGERPRINT: u64 = !0x1ff;
/// The part of the fingerprint's place that the counts of two windows need for themselves.
const WIDE_STATE: u64 = 0xffff << 9;

/// The largest limit whose counts fit: a debt doubles the count.
pub(crate) const MAX_COUNTED: u32 = (1 << 21) - 1;

/// What a slot says about whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The fingerprint, in its place. Never zero, or an empty slot would be its own.
    bits: u64,
    /// Which bits of a slot's low half are the fingerprint.
    mask: u64,
}

impl Owner {
    /// The key of this hash, whose state is read as an `S`.
    #[inline]
    pub(crate) fn new<S: State>(hash: u64) -> Self {
        let mask = FINGERPRINT & !S::BORROWED;
        let bits = hash & mask;
        Self { bits: if bits == 0 { 1 << 63 } else { bits }, mask }
    }

    /// Whether `word` is this key's, in use or claimed.
    pub(crate) fn has(self, word: Word) -> bool {
        low(word) & self.mask == self.bits
    }

    /// Whether `word` is this key's and in use.
    #[inline]
    pub(crate) fn uses(self, word: Word) -> bool {
        low(word) & (self.mask | CLAIMED) == self.bits
    }

    /// A slot that this key uses under a limit of this class.
    #[inline]
    pub(crate) fn holding<S: State>(self, state: S, class: u8) -> Word {
        let (high, borrowed) = state.pack();
        (u128::from(high) << 64) | u128::from(self.bits | borrowed | u64::from(class))
    }

    /// A slot that is being given to this key. No two claims have the same mark.
    pub(crate) fn claim(self, mark: u64) -> Word {
        (u128::from(mark) << 64) | u128::from(self.bits | CLAIMED)
    }
}

/// The hash with the bits at the top that are in no fingerprint of an `S`: they choose the
/// set, so that set and fingerprint together tell keys apart by as many bits as there are.
#[inline]
pub(crate) const fn spread<S: State>(hash: u64) -> u64 {
    hash.rotate_right((FINGERPRINT & !S::BORROWED).trailing_zeros())
}

/// Whether a slot is being given to a key and is not in use yet.
pub(crate) const fn is_claim(word: Word) -> bool {
    low(word) & CLAIMED != 0
}

/// Under which limit a slot's state is to be read; 0 for an empty one.
#[expect(clippy::cast_possible_truncation, reason = "the low byte is what is wanted")]
pub(crate) const fn class(word: Word) -> u8 {
    word as u8
}

/// The state in a slot.
pub(crate) fn state<S: State>(word: Word) -> S {
    S::unpack((word >> 64) as u64, low(word) & S::BORROWED)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn low(word: Word) -> u64 {
    word as u64
}

/// A state that fits into a slot.
pub(crate) trait State: Copy {
    /// Bits of the low half that it needs besides the high half.
    const BORROWED: u64 = 0;

    /// The high half, and the borrowed bits of the low half.
    fn pack(self) -> (u64, u64);

    /// The reverse of [`pack`](Self::pack).
    fn unpack(high: u64, borrowed: u64) -> Self;
}

impl State for Nanos {
    fn pack(self) -> (u64, u64) {
        (self.0, 0)
    }

    fn unpack(high: u64, _: u64) -> Self {
        Self(high)
    }
}

impl State for u64 {
    fn pack(self) -> (u64, u64) {
        (self, 0)
    }

    fn unpack(high: u64, _: u64) -> Self {
        high
    }
}

/// 22 bits for each count, and 36 for the window: enough for 2000 years of seconds.
impl State for Counts {
    const BORROWED: u64 = WIDE_STATE;

    fn pack(self) -> (u64, u64) {
        let counts = (u64::from(self.previous) << 22) | u64::from(self.current);
        ((self.window << 44) | counts, (self.window >> 20 << 9) & WIDE_STATE)
    }

    fn unpack(high: u64, borrowed: u64) -> Self {
        const COUNT: u64 = (1 << 22) - 1;
        Self {
            window: (borrowed >> 9 << 20) | (high >> 44),
            previous: (high >> 22 & COUNT) as u32,
            current: (high & COUNT) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: u64 = 0x0123_4567_89ab_cdef;

    #[test]
    fn a_state_survives_its_slot() {
        let counts = Counts {
            window: (1 << 36) - 2,
            previous: 2 * MAX_COUNTED,
            current: 2 * MAX_COUNTED - 1,
        };
        let owner = Owner::new::<Counts>(HASH);
        let word = owner.holding(counts, 7);

        assert_eq!(state::<Counts>(word), counts);
        assert_eq!(class(word), 7);
        assert!(owner.has(word) && owner.uses(word) && !is_claim(word));

        let owner = Owner::new::<Nanos>(HASH);
        assert_eq!(state::<Nanos>(owner.holding(Nanos::MAX, 255)), Nanos::MAX);
        assert!(owner.uses(owner.holding(Nanos(0), 1)));
    }

    #[test]
    fn keys_are_told_apart() {
        let owner = Owner::new::<Nanos>(HASH);

        assert!(!Owner::new::<Nanos>(HASH ^ (1 << 9)).has(owner.holding(Nanos(5), 1)));
        assert!(!owner.has(EMPTY));
        assert!(!Owner::new::<Nanos>(0).has(EMPTY));
        assert!(!Owner::new::<Counts>(0x1ff_ffff).has(EMPTY));
    }

    #[test]
    fn what_a_fingerprint_lacks_chooses_the_set() {
        assert_eq!(spread::<Nanos>(0x1ff), 0x1ff << 55);
        assert_eq!(spread::<Counts>(0x1ff_ffff), 0x1ff_ffff << 39);
    }

    #[test]
    fn a_claim_is_its_keys_and_like_no_other() {
        let owner = Owner::new::<u64>(HASH);

        assert!(owner.has(owner.claim(3)) && is_claim(owner.claim(3)));
        assert!(!owner.uses(owner.claim(3)));
        assert!(!Owner::new::<u64>(HASH ^ (1 << 9)).has(owner.claim(3)));
        assert_ne!(owner.claim(3), owner.claim(4));
    }
}
