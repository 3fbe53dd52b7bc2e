//! A charge, a look or a change against the flat table, whatever the algorithm.
//!
//! The one place that knows which algorithm keeps which state. Decides nothing itself.

use tidegate_core::{
    Adjustment, Change, Charge, Decision, Limit, Nanos, Program, Verdict,
    algorithm::{Algorithm, Counts},
};

use crate::{
    cells::Cells,
    flat::Toll,
    slot::{Owner, State},
};

/// A key of a limit that the flat table can hold.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) cells: &'a Cells,
    pub(crate) hash: u64,
    pub(crate) limit: &'a Limit,
    /// The time on the table's timeline, by which slots are found idle.
    pub(crate) now: Nanos,
}

/// As much of a decision as somebody wants to know. What is not wanted is not worked out.
pub(crate) trait Answer {
    fn of(decision: Decision) -> Self;
}

impl Answer for Decision {
    #[inline]
    fn of(decision: Decision) -> Self {
        decision
    }
}

impl Answer for Verdict {
    #[inline]
    fn of(decision: Decision) -> Self {
        decision.verdict
    }
}

/// The units that are used, of a key that stands so.
pub(crate) fn used_of(charge: &Charge<'_>, stands: Decision) -> u32 {
    charge.limit.capacity().saturating_sub(stands.remaining)
}

/// Does `$body` with `$algorithm` bound to the algorithm of `$program`.
macro_rules! with_algorithm {
    ($program:expr, $algorithm:ident => $body:expr) => {
        match $program {
            Program::Gcra($algorithm) => $body,
            Program::LeakyQueue($algorithm) => $body,
            Program::FixedWindow($algorithm) => $body,
            Program::SlidingWindowCounter($algorithm) => $body,
            Program::DenyAll | Program::SlidingWindowLog(_) => {
                unreachable!("has no class, so it is never in the flat table")
            }
        }
    };
}

/// What changes a key answers `None` when the table has no class left for its limit; it then
/// has changed nothing.
impl Target<'_> {
    /// Asks the memory for the key's set ahead of its use.
    pub(crate) fn prefetch(self) {
        let flat = self.cells.flat();
        match self.limit.program() {
            Program::SlidingWindowCounter(_) => flat.prefetch::<Counts>(self.hash),
            _ => flat.prefetch::<Nanos>(self.hash),
        }
    }

    /// Decides a charge, takes it if it is allowed, and writes as much of the answer as is
    /// wanted.
    #[inline]
    pub(crate) fn charge<A: Answer>(self, charge: &Charge<'_>, answer: &mut A) -> Option<Toll> {
        with_algorithm!(self.limit.program(), algorithm => self.update(algorithm, |state| {
            let step = algorithm.check(state, charge.at, charge.cost);
            *answer = A::of(step.decision);
            step.next
        }))
    }

    /// Decides a charge, and takes nothing.
    pub(crate) fn check(self, charge: &Charge<'_>) -> Decision {
        with_algorithm!(self.limit.program(), algorithm => {
            let state = self.read(algorithm);
            algorithm.check(state, charge.at, charge.cost).decision
        })
    }

    /// How things stand.
    pub(crate) fn peek(self, charge: &Charge<'_>) -> Decision {
        with_algorithm!(self.limit.program(), algorithm => {
            let state = self.read(algorithm);
            algorithm.peek(state, charge.at, charge.cost)
        })
    }

    /// Applies a change that is not a request.
    pub(crate) fn adjust(self, adjustment: &Adjustment<'_>) -> Option<Toll> {
        with_algorithm!(self.limit.program(), algorithm => self.adjust_by(algorithm, adjustment))
    }

    /// Forgets the key, and tells how many units were used.
    pub(crate) fn drain(self, charge: &Charge<'_>) -> (u32, Toll) {
        with_algorithm!(self.limit.program(), algorithm => {
            let mut used = 0;
            let toll = self.update(algorithm, |state| {
                used = used_of(charge, algorithm.peek(state, charge.at, 0));
                (used > 0).then(Default::default)
            });
            (used, toll.unwrap_or_default())
        })
    }

    fn adjust_by<A>(self, algorithm: &A, adjustment: &Adjustment<'_>) -> Option<Toll>
    where
        A: Algorithm,
        A::State: State,
    {
        let at = adjustment.at;
        let change = |state| match adjustment.change {
            Change::Refund { cost, charged_at } => algorithm.refund(state, at, charged_at, cost),
            Change::Debit { cost } => algorithm.debit(state, at, cost),
            Change::Settle { reserved, charged_at, actual } => {
                algorithm.settle(state, at, charged_at, reserved, actual)
            }
            Change::Reset => A::State::default(),
        };
        if adjustment.change == Change::Reset {
            self.cells.flat().forget::<A::State>(self.hash, Owner::new::<A::State>(self.hash));
            return Some(Toll::default());
        }
        self.update(algorithm, |state: A::State| {
            let next = change(state);
            (next != state).then_some(next)
        })
    }

    #[inline]
    fn update<A>(self, _: &A, decide: impl FnMut(A::State) -> Option<A::State>) -> Option<Toll>
    where
        A: Algorithm,
        A::State: State,
    {
        let owner = Owner::new::<A::State>(self.hash);
        let class = || self.cells.page().class_of(self.limit.program());
        let debt = |word| self.cells.page().debt(word, self.now);
        self.cells.flat().update(self.hash, owner, class, debt, decide)
    }

    fn read<A>(self, _: &A) -> A::State
    where
        A: Algorithm,
        A::State: State,
    {
        self.cells.flat().read(self.hash, Owner::new::<A::State>(self.hash))
    }
}
