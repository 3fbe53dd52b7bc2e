//! Limit strings as users write them: what each means, and what is said about those that
//! mean nothing.

mod accepted;
mod properties;
mod refused;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
