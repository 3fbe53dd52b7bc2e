//! Requests and their answers, for every sort of limit; the columns are those of
//! [`Row`]. `t` is in seconds.

use super::{
    scene::Scene,
    script::{
        Act::Check,
        Answer::{Never, Queued, Wait, Yes},
        Row, play,
    },
    sort::{self, Sort},
};

/// The requests of each sort of limit.
const TABLES: [(&Sort, &[Row]); 9] = [
    (&sort::GCRA, &GCRA),
    (&sort::TOKEN_BUCKET, &TOKEN_BUCKET),
    (&sort::METER, &METER),
    (&sort::STRICT, &STRICT),
    (&sort::QUEUE, &QUEUE),
    (&sort::FIXED, &FIXED),
    (&sort::CALENDAR, &CALENDAR),
    (&sort::COUNTER, &COUNTER),
    (&sort::LOG, &LOG),
];

pub(super) fn answers_as_the_table_says(scene: &Scene<'_>) {
    let table = TABLES.iter().find(|(sort, _)| sort.text == scene.sort().text);
    play(scene, table.expect("every sort of limit has its table").1);
}

/// T = 12 s, B = 5, so B·T = 60 s. After the request the TAT lies `reset` ahead.
const GCRA: [Row; 14] = [
    (0, Check(1), Yes, 4, 12, 12),
    (0, Check(3), Yes, 1, 48, 12),
    (0, Check(2), Wait(12), 1, 48, 12), // 48 + 24 − 60
    (0, Check(6), Never, 1, 48, 12),
    (0, Check(1), Yes, 0, 60, 12),
    (0, Check(0), Yes, 0, 60, 12),
    (5, Check(1), Wait(7), 0, 55, 7),  // 55 + 12 − 60
    (12, Check(1), Yes, 0, 60, 12),    // the TAT is 72
    (30, Check(2), Wait(6), 1, 42, 6), // 42 + 24 − 60
    (36, Check(2), Yes, 0, 60, 12),
    (1000, Check(5), Yes, 0, 60, 12), // rested: one burst, not many
    (1000, Check(1), Wait(12), 0, 60, 12),
    (990, Check(1), Wait(22), 0, 70, 22), // ten seconds back: ten more to wait
    (800, Check(1), Wait(72), 0, 120, 72), // the TAT is taken to lie 120 ahead at most
];

/// T = 12 s, B = 8, so B·T = 96 s.
const TOKEN_BUCKET: [Row; 6] = [
    (0, Check(8), Yes, 0, 96, 12),
    (0, Check(1), Wait(12), 0, 96, 12),
    (13, Check(1), Yes, 0, 95, 11), // one second of the next token is there
    (13, Check(9), Never, 0, 95, 11),
    (60, Check(4), Yes, 0, 96, 12), // four tokens, to the second
    (156, Check(1), Yes, 7, 12, 12),
];

/// T = 12 s, B = 2, so B·T = 24 s.
const METER: [Row; 7] = [
    (0, Check(1), Yes, 1, 12, 12),
    (0, Check(1), Yes, 0, 24, 12),
    (0, Check(1), Wait(12), 0, 24, 12),
    (6, Check(1), Wait(6), 0, 18, 6),
    (12, Check(1), Yes, 0, 24, 12),
    (100, Check(2), Yes, 0, 24, 12),
    (100, Check(3), Never, 0, 24, 12),
];

/// T = 10 s, B = 5, so B·T = 50 s.
const STRICT: [Row; 7] = [
    (0, Check(5), Yes, 0, 50, 10),
    (0, Check(1), Wait(10), 0, 50, 10),
    (9, Check(1), Wait(1), 0, 41, 1),
    (10, Check(1), Yes, 0, 50, 10),
    (25, Check(2), Wait(5), 1, 35, 5), // 35 + 20 − 50
    (25, Check(6), Never, 1, 35, 5),
    (30, Check(2), Yes, 0, 50, 10),
];

/// T = 12 s, at most 48 s to wait. The exit is busy for `reset` more.
const QUEUE: [Row; 12] = [
    (0, Check(1), Queued(0), 4, 12, 12),
    (0, Check(2), Queued(12), 2, 36, 12),
    (0, Check(1), Queued(36), 1, 48, 12),
    (0, Check(0), Yes, 1, 48, 12),
    (0, Check(1), Queued(48), 0, 60, 12),
    (0, Check(1), Wait(12), 0, 60, 12), // 60 − 48
    (0, Check(6), Never, 0, 60, 12),
    (7, Check(1), Wait(5), 0, 53, 5),
    (12, Check(5), Queued(48), 0, 108, 60), // the next one fits when 108 − 48 are over
    (72, Check(1), Queued(48), 0, 60, 12),
    (500, Check(1), Queued(0), 4, 12, 12),
    (490, Check(1), Queued(22), 2, 34, 10), // the exit is busy until 512
];

/// Windows of 60 s.
const FIXED: [Row; 10] = [
    (58, Check(3), Yes, 2, 2, 2),
    (58, Check(3), Wait(2), 2, 2, 2),
    (58, Check(6), Never, 2, 2, 2),
    (59, Check(2), Yes, 0, 1, 1),
    (59, Check(0), Yes, 0, 1, 1),
    (59, Check(1), Wait(1), 0, 1, 1),
    (60, Check(5), Yes, 0, 60, 60),
    (61, Check(1), Wait(59), 0, 59, 59),
    (55, Check(1), Wait(65), 0, 65, 65), // the window of 60 is full: after it, at 120
    (300, Check(1), Yes, 4, 60, 60),
];

/// Windows of 25 h = 90 000 s.
const CALENDAR: [Row; 5] = [
    (10, Check(4), Yes, 1, 89_990, 89_990),
    (10, Check(2), Wait(89_990), 1, 89_990, 89_990),
    (89_999, Check(1), Yes, 0, 1, 1),
    (89_999, Check(1), Wait(1), 0, 1, 1),
    (90_000, Check(5), Yes, 0, 90_000, 90_000),
];

/// W = 2520 s.
const COUNTER: [Row; 12] = [
    (2000, Check(3), Yes, 2, 3040, 1360), // at 3360 two thirds of the three are in view
    (2000, Check(2), Yes, 0, 3040, 1024), // at 3024 four fifths of the five are
    (2000, Check(1), Wait(1024), 0, 3040, 1024),
    (2000, Check(6), Never, 0, 3040, 1024),
    (2520, Check(1), Wait(504), 0, 2520, 504),
    (3024, Check(1), Yes, 0, 4536, 504), // 5·2016/2520 + 1 = 5
    (3024, Check(1), Wait(504), 0, 4536, 504),
    (4032, Check(2), Yes, 0, 3528, 504), // 5·1008/2520 + 1 + 2 = 5
    (4032, Check(3), Wait(1848), 0, 3528, 504), // at 5880, when two of its three are in view
    (9000, Check(5), Yes, 0, 3600, 1584), // two windows on: nothing is in view
    (10_332, Check(0), Yes, 0, 2268, 252), // 5·2268/2520 = 4.5
    (10_332, Check(1), Wait(252), 0, 2268, 252),
];

/// W = 60 s.
const LOG: [Row; 13] = [
    (0, Check(2), Yes, 3, 60, 60),
    (10, Check(3), Yes, 0, 60, 50),
    (10, Check(1), Wait(50), 0, 60, 50),
    (10, Check(3), Wait(60), 0, 60, 50), // both of 0 and one of 10 must go
    (10, Check(6), Never, 0, 60, 50),
    (10, Check(0), Yes, 0, 60, 50),
    (60, Check(2), Yes, 0, 60, 10), // those of 0 do not count any more
    (69, Check(1), Wait(1), 0, 51, 1),
    (70, Check(3), Yes, 0, 60, 50),
    (65, Check(1), Wait(55), 0, 65, 55), // those of 70 count already
    (130, Check(1), Yes, 4, 60, 60),
    (100, Check(1), Yes, 3, 90, 90), // noted at 130, not before what is there
    (165, Check(4), Wait(25), 3, 25, 25),
];
