//! Scripts: what happens to a key, second by second, and what it answers.
//!
//! The numbers are worked out by hand from the algorithms' definitions, so that a store and the
//! core cannot be wrong together.

use tidegate_core::{Change, Nanos, Verdict};

use super::scene::{Scene, User, at};

/// What is done to the key. Times are in seconds since the script's beginning.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// A request of that cost.
    Check(u32),
    /// A look, for that cost.
    Peek(u32),
    /// Units taken, then a look for one.
    Debit(u32),
    /// Units given back that were taken at that time, then a look for one.
    Refund(u32, u64),
    /// So many reserved at that time, so many used; then a look for one.
    Settle(u32, u64, u32),
    /// Everything forgotten, then a look for one.
    Reset,
}

/// What is answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// Admitted at once.
    Yes,
    /// Admitted after a delay of so many seconds.
    Queued(u64),
    /// Refused, and would be admitted after so many seconds.
    Wait(u64),
    /// Refused for ever.
    Never,
}

/// A row: when, what, the answer, remaining, seconds to reset, seconds to the next unit.
pub(super) type Row = (u64, Act, Answer, u32, u64, u64);

/// What a decision says, in the words of a row.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    verdict: Verdict,
    delay: Nanos,
    limit: u32,
    remaining: u32,
    reset_after: Nanos,
    next_unit_after: Nanos,
}

/// Plays a script, and compares every answer.
pub(super) fn play(scene: &Scene<'_>, rows: &[Row]) {
    let user = scene.user("ana");
    for (index, &row) in rows.iter().enumerate() {
        let (seconds, act, ..) = row;
        let decision = perform(&user, seconds, act);
        let told = Told {
            verdict: decision.verdict,
            delay: decision.delay,
            limit: decision.limit,
            remaining: decision.remaining,
            reset_after: decision.reset_after,
            next_unit_after: decision.next_unit_after,
        };
        assert_eq!(told, expected(scene, row), "row {index}: {row:?}");
    }
}

fn perform(user: &User<'_>, seconds: u64, act: Act) -> tidegate_core::Decision {
    let now = at(seconds);
    let change = match act {
        Act::Check(cost) => return user.check(now, cost),
        Act::Peek(cost) => return user.peek(now, cost),
        Act::Debit(cost) => Change::Debit { cost },
        Act::Refund(cost, charged) => Change::Refund { cost, charged_at: at(charged) },
        Act::Settle(reserved, charged, actual) => {
            Change::Settle { reserved, charged_at: at(charged), actual }
        }
        Act::Reset => Change::Reset,
    };
    user.adjust(now, change);
    user.peek(now, 1)
}

fn expected(scene: &Scene<'_>, (_, _, answer, remaining, reset, next): Row) -> Told {
    let (verdict, delay) = match answer {
        Answer::Yes => (Verdict::Allowed, 0),
        Answer::Queued(seconds) => (Verdict::Allowed, seconds),
        Answer::Wait(seconds) => (Verdict::Denied { retry_after: Nanos::from_secs(seconds) }, 0),
        Answer::Never => (Verdict::Never, 0),
    };
    Told {
        verdict,
        delay: Nanos::from_secs(delay),
        limit: scene.sort().capacity,
        remaining,
        reset_after: Nanos::from_secs(reset),
        next_unit_after: Nanos::from_secs(next),
    }
}
