//! Refunds, debits, settlements and resets, and how the key stands after them. After a change
//! the row's answer is that to a look for one unit.

use super::{
    scene::Scene,
    script::{
        Act::{Check, Debit, Peek, Refund, Reset, Settle},
        Answer::{Queued, Wait, Yes},
        Row, play,
    },
    sort::{self, Sort},
};

/// The sorts whose changes follow different rules.
pub(super) const SORTS: [&Sort; 6] =
    [&sort::GCRA, &sort::QUEUE, &sort::FIXED, &sort::CALENDAR, &sort::COUNTER, &sort::LOG];

const TABLES: [&[Row]; 6] = [&GCRA, &QUEUE, &FIXED, &CALENDAR, &COUNTER, &LOG];

pub(super) fn changes_as_the_table_says(scene: &Scene<'_>) {
    let index = SORTS.iter().position(|sort| sort.text == scene.sort().text);
    play(scene, TABLES[index.expect("this sort of limit has its table")]);
}

/// T = 12 s, B·T = 60 s, and the TAT at most 120 s ahead.
const GCRA: [Row; 16] = [
    (0, Check(4), Yes, 1, 48, 12),
    (0, Peek(2), Wait(12), 1, 48, 12),
    (10, Refund(2, 0), Yes, 3, 14, 2), // 38 − 24; the fourth token is there at 12
    (10, Refund(9, 0), Yes, 5, 0, 0),
    (10, Check(5), Yes, 0, 60, 12),
    (10, Debit(3), Wait(48), 0, 96, 48), // 96 + 12 − 60
    (10, Debit(100), Wait(72), 0, 120, 72),
    (10, Peek(0), Wait(60), 0, 120, 72),
    (70, Peek(0), Yes, 0, 60, 12),
    (82, Check(1), Yes, 0, 60, 12),
    (82, Settle(1, 82, 3), Wait(36), 0, 84, 36),
    (82, Settle(3, 82, 1), Wait(12), 0, 60, 12),
    (82, Reset, Yes, 5, 0, 0),
    (1000, Refund(5, 82), Yes, 5, 0, 0),
    (1000, Check(5), Yes, 0, 60, 12),
    (1000, Check(1), Wait(12), 0, 60, 12),
];

/// T = 12 s, at most 48 s to wait, and busy for at most 2·(48 + 5·12) = 216 s.
const QUEUE: [Row; 12] = [
    (0, Check(2), Queued(0), 3, 24, 12),
    (0, Check(1), Queued(24), 2, 36, 12),
    (0, Refund(2, 0), Queued(36), 2, 36, 12), // somebody has queued behind: lost
    (0, Refund(1, 24), Queued(24), 3, 24, 12),
    (0, Settle(2, 0, 1), Queued(12), 4, 12, 12),
    (0, Debit(3), Queued(48), 1, 48, 12),
    (0, Debit(100), Wait(168), 0, 216, 168),
    (0, Peek(0), Wait(108), 0, 216, 168),
    (0, Reset, Queued(0), 5, 0, 0),
    (0, Check(1), Queued(0), 4, 12, 12),
    (0, Settle(1, 0, 2), Queued(24), 3, 24, 12),
    (100, Refund(1, 0), Queued(0), 5, 0, 0),
];

/// Windows of 60 s; debt is at most one window's units.
const FIXED: [Row; 16] = [
    (10, Check(4), Yes, 1, 50, 50),
    (20, Refund(2, 10), Yes, 3, 40, 40),
    (20, Refund(9, 10), Yes, 5, 0, 0),
    (20, Check(5), Yes, 0, 40, 40),
    (20, Debit(2), Wait(40), 0, 100, 40), // two units of the next window are gone
    (60, Peek(3), Yes, 3, 60, 60),
    (60, Debit(100), Wait(120), 0, 120, 120),
    (60, Peek(0), Wait(60), 0, 120, 120),
    (120, Peek(1), Wait(60), 0, 60, 60), // the window that the debt used up
    (120, Peek(0), Yes, 0, 60, 60),
    (180, Check(1), Yes, 4, 60, 60),
    (190, Settle(1, 180, 4), Yes, 1, 50, 50),
    (200, Settle(4, 180, 2), Yes, 3, 40, 40),
    (240, Check(4), Yes, 1, 60, 60),
    (245, Refund(2, 180), Yes, 1, 55, 55), // the window of 180 is over: lost
    (245, Reset, Yes, 5, 0, 0),
];

/// Windows of 90 000 s.
const CALENDAR: [Row; 5] = [
    (10, Check(5), Yes, 0, 89_990, 89_990),
    (20, Refund(2, 10), Yes, 2, 89_980, 89_980),
    (20, Debit(4), Wait(89_980), 0, 179_980, 89_980),
    (90_000, Peek(1), Yes, 3, 90_000, 90_000),
    (90_000, Reset, Yes, 5, 0, 0),
];

/// W = 2520 s; a window's count is at most ten.
const COUNTER: [Row; 14] = [
    (0, Check(4), Yes, 1, 5040, 3150), // at 3150 three of the four are in view
    (100, Refund(2, 0), Yes, 3, 4940, 3680),
    (100, Refund(9, 0), Yes, 5, 0, 0),
    (100, Check(5), Yes, 0, 4940, 2924),
    (100, Debit(100), Wait(3932), 0, 4940, 3932), // at 4032 four of the ten are in view
    (100, Peek(0), Wait(3680), 0, 4940, 3932),    // at 3780 five are
    (3780, Peek(0), Yes, 0, 1260, 252),
    (3780, Refund(7, 100), Yes, 3, 1260, 420), // three, half in view
    (3780, Check(3), Yes, 0, 3780, 420),
    (3780, Settle(3, 3780, 1), Yes, 2, 3780, 420),
    (3780, Settle(1, 3780, 2), Yes, 1, 3780, 420),
    (7600, Refund(2, 3780), Yes, 5, 0, 0), // that window is out of view
    (7600, Check(5), Yes, 0, 5000, 2984),
    (7600, Reset, Yes, 5, 0, 0),
];

/// W = 60 s; at most ten entries.
const LOG: [Row; 14] = [
    (0, Check(4), Yes, 1, 60, 60),
    (10, Refund(2, 0), Yes, 3, 50, 50),
    (10, Refund(9, 0), Yes, 5, 0, 0),
    (10, Check(5), Yes, 0, 60, 60),
    (20, Debit(3), Wait(50), 0, 60, 50), // four of the eight, all of 10, must go
    (20, Debit(100), Wait(60), 0, 60, 60), // five of 10, five of 20
    (20, Peek(0), Wait(50), 0, 60, 60),
    (70, Peek(0), Yes, 0, 10, 10),
    (80, Check(2), Yes, 3, 60, 60),
    (80, Settle(2, 80, 4), Yes, 1, 60, 60),
    (80, Settle(4, 80, 1), Yes, 4, 60, 60),
    (200, Refund(1, 80), Yes, 5, 0, 0),
    (200, Check(5), Yes, 0, 60, 60),
    (200, Reset, Yes, 5, 0, 0),
];
