//! What follows a breach: a key is kept out for a while, for longer each time.

use std::time::Duration;

use crate::Error;

/// How long a strike is remembered, unless a rule says otherwise.
const DECAY: Duration = Duration::from_secs(86_400);

/// The most tiers that a block can have.
const MOST_TIERS: usize = 16;

/// How long a key is kept out once it has gone over a rule's limit.
///
/// Every breach is a strike. The first strike blocks for the first tier, the second for the
/// second, and so on; further ones for the last. One strike is forgotten after each
/// [`decay`](Self::decay).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub(crate) tiers: Vec<Duration>,
    pub(crate) decay: Duration,
    pub(crate) extend_on_attempt: bool,
}

impl Block {
    /// Blocks for `tiers`, each longer than the one before or as long.
    ///
    /// # Errors
    ///
    /// [`Error::Block`] when there is no tier, more than 16, one of no length, or one that is
    /// shorter than the one before.
    pub fn new(tiers: Vec<Duration>) -> Result<Self, Error> {
        let wrong = |problem| Err(Error::Block { problem });
        if tiers.is_empty() {
            return wrong("it has no tier; give at least one length of time");
        }
        if tiers.len() > MOST_TIERS {
            return wrong("it has more than 16 tiers");
        }
        if tiers.iter().any(Duration::is_zero) {
            return wrong("a tier must be longer than 0 seconds");
        }
        if tiers.windows(2).any(|pair| pair[1] < pair[0]) {
            return wrong("a tier is shorter than the one before; give them in rising order");
        }
        Ok(Self { tiers, decay: DECAY, extend_on_attempt: false })
    }

    /// How long until one strike is forgotten; 24 hours unless said otherwise.
    ///
    /// # Errors
    ///
    /// [`Error::Block`] when it is no time at all.
    pub fn decay(self, decay: Duration) -> Result<Self, Error> {
        if decay.is_zero() {
            return Err(Error::Block { problem: "its decay must be longer than 0 seconds" });
        }
        Ok(Self { decay, ..self })
    }

    /// Starts the block anew with every attempt during it. Off unless said otherwise: it lets
    /// others keep a key locked out for ever, when they can make requests in its name.
    #[must_use]
    pub fn extend_on_attempt(self, extend: bool) -> Self {
        Self { extend_on_attempt: extend, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(tiers: &[u64]) -> Result<Block, Error> {
        Block::new(tiers.iter().copied().map(Duration::from_secs).collect())
    }

    #[test]
    fn tiers_that_make_no_sense_are_refused() {
        assert!(seconds(&[1]).is_ok() && seconds(&[1, 1, 60]).is_ok());
        for tiers in [&[][..], &[0], &[60, 1], &[1; 17]] {
            assert!(seconds(tiers).is_err(), "{tiers:?}");
        }
        assert!(seconds(&[1]).unwrap().decay(Duration::ZERO).is_err());
    }
}
