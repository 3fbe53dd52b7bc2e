//! One key's state as two words, whatever the algorithm.
//!
//! Two words of zeros are a key that was never seen, for every algorithm.

use tidegate_core::{
    Adjustment, Change, Decision, Nanos,
    algorithm::{Algorithm, Counts},
};

/// The state of one key, as the table keeps it.
pub(crate) type Words = [u64; 2];

/// A state that fits in [`Words`].
pub(crate) trait Packed {
    /// The state in `words`.
    fn unpack(words: Words) -> Self;
    /// The words of this state.
    fn pack(self) -> Words;
}

impl Packed for Nanos {
    fn unpack(words: Words) -> Self {
        Self(words[0])
    }

    fn pack(self) -> Words {
        [self.0, 0]
    }
}

impl Packed for u64 {
    fn unpack(words: Words) -> Self {
        words[0]
    }

    fn pack(self) -> Words {
        [self, 0]
    }
}

impl Packed for Counts {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what was packed there")]
    fn unpack([window, counts]: Words) -> Self {
        Self { window, previous: (counts >> 32) as u32, current: counts as u32 }
    }

    fn pack(self) -> Words {
        [self.window, (u64::from(self.previous) << 32) | u64::from(self.current)]
    }
}

/// New words to keep, and when they will mean nothing any more, on the limit's timeline.
pub(crate) struct Next {
    pub(crate) words: Words,
    pub(crate) recovered_at: Nanos,
}

/// Decides one charge against the cell `words`.
pub(crate) fn check<A>(
    algorithm: &A,
    words: Words,
    at: Nanos,
    cost: u32,
) -> (Decision, Option<Next>)
where
    A: Algorithm,
    A::State: Packed,
{
    let step = algorithm.check(A::State::unpack(words), at, cost);
    let next = step
        .next
        .map(|state| Next { words: state.pack(), recovered_at: algorithm.recovered_at(state) });
    (step.decision, next)
}

/// Answers as [`check`] would, and takes nothing.
pub(crate) fn peek<A>(algorithm: &A, words: Words, at: Nanos, cost: u32) -> Decision
where
    A: Algorithm,
    A::State: Packed,
{
    algorithm.peek(A::State::unpack(words), at, cost)
}

/// Applies a change that is not a request; `None` forgets the key.
pub(crate) fn adjust<A>(algorithm: &A, words: Words, adjustment: &Adjustment<'_>) -> Option<Next>
where
    A: Algorithm,
    A::State: Packed,
{
    let (state, at) = (A::State::unpack(words), adjustment.at);
    let state = match adjustment.change {
        Change::Refund { cost, charged_at } => algorithm.refund(state, at, charged_at, cost),
        Change::Debit { cost } => algorithm.debit(state, at, cost),
        Change::Settle { reserved, charged_at, actual } => {
            algorithm.settle(state, at, charged_at, reserved, actual)
        }
        Change::Reset => return None,
    };
    Some(Next { words: state.pack(), recovered_at: algorithm.recovered_at(state) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_survive_packing() {
        let counts = Counts { window: u64::MAX, previous: u32::MAX - 1, current: 7 };

        assert_eq!(Counts::unpack(counts.pack()), counts);
        assert_eq!(Counts::unpack([0, 0]), Counts::default());
    }
}
