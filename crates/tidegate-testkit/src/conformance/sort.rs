//! The sorts of limit that the suite is about: every algorithm, in every form it has.

/// A limit to be tested.
#[derive(Debug)]
pub(super) struct Sort {
    /// The limit, as users write it.
    pub(super) text: &'static str,
    /// How many requests of one unit a rested key lets pass at once.
    pub(super) capacity: u32,
    /// Seconds after which nothing of a spent key is left, whatever it was spent on, debt aside.
    pub(super) rest: u64,
    /// Whether a refund of any charge gives its units back; a queue takes back the last only.
    pub(super) gives_back: bool,
}

const fn sort(text: &'static str, capacity: u32, rest: u64) -> Sort {
    Sort { text, capacity, rest, gives_back: true }
}

pub(super) const GCRA: Sort = sort("gcra: 5/minute", 5, 60);
pub(super) const TOKEN_BUCKET: Sort = sort("token_bucket: 5/minute burst 8", 8, 96);
pub(super) const METER: Sort = sort("leaky_bucket: 5/minute burst 2", 2, 24);
/// Its emission interval is ten seconds: `59 999 999 994 / (10 − 5 + 1) + 1` ns. After a whole
/// minute it would be no whole number of microseconds.
pub(super) const STRICT: Sort = sort("gcra: 10/59999999994ns strict", 5, 50);
pub(super) const QUEUE: Sort =
    Sort { gives_back: false, ..sort("leaky_bucket: 5/minute queue 48s", 5, 108) };
pub(super) const FIXED: Sort = sort("fixed_window: 5/minute", 5, 60);
/// A window of 25 hours on the limit's own timeline.
pub(super) const CALENDAR: Sort = sort("fixed_window: 5/calendar-day", 5, 90_000);
/// 2520 s can be divided by every count up to ten, so that all answers are whole seconds.
pub(super) const COUNTER: Sort = sort("sliding_window_counter: 5/42m", 5, 5_040);
pub(super) const LOG: Sort = sort("sliding_window_log: 5/minute", 5, 60);

/// All of them but the limit of zero, which keeps no counts.
pub(super) const ALL: [&Sort; 9] =
    [&GCRA, &TOKEN_BUCKET, &METER, &STRICT, &QUEUE, &FIXED, &CALENDAR, &COUNTER, &LOG];

/// The limit that lets nobody in.
pub(super) const NONE: Sort = sort("0/minute", 0, 0);
/// A unit comes back every 142 857 143 ns.
pub(super) const ODD: Sort = sort("gcra: 7/second", 7, 1);
