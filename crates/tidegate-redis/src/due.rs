//! How long a call may still take.

use std::time::{Duration, Instant};

use tidegate_remote::RemoteError;

use crate::STORE;

/// What may be read after a deadline, at the most, for that it is there already.
const GRACE: Duration = Duration::from_millis(5);

/// When a call has to be over, and when it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    began: Instant,
    deadline: Instant,
}

impl Due {
    pub(crate) fn new(deadline: Instant) -> Self {
        Self { began: Instant::now(), deadline }
    }

    /// The time left, more than zero; or that there is none.
    pub(crate) fn left(&self) -> Result<Duration, RemoteError> {
        match self.deadline.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => Err(self.missed()),
        }
    }

    /// The error for a deadline that was missed. Its duration is what the call was given.
    pub(crate) fn missed(&self) -> RemoteError {
        let given = self.deadline.saturating_duration_since(self.began);
        RemoteError::Timeout { store: STORE, after: given }
    }

    /// One of `parts` equal shares of the time left: for a try after which others remain.
    pub(crate) fn share(&self, parts: usize) -> Result<Self, RemoteError> {
        let share = self.left()? / u32::try_from(parts.max(1)).unwrap_or(u32::MAX);
        let began = Instant::now();
        Ok(Self { began, deadline: began + share })
    }

    /// The same, with a millisecond left to read what must have arrived already; but never
    /// later than a few of them after the deadline, however many nodes there are to read from.
    pub(crate) fn or_a_moment(&self) -> Self {
        let moment = Instant::now() + Duration::from_millis(1);
        let deadline = self.deadline.max(moment.min(self.deadline + GRACE));
        Self { deadline, ..*self }
    }

    /// When the time is over.
    pub(crate) const fn end(&self) -> Instant {
        self.deadline
    }

    /// True when half of the time is over.
    pub(crate) fn half_gone(&self) -> bool {
        let given = self.deadline.saturating_duration_since(self.began);
        self.began.elapsed() >= given / 2
    }
}
