//! Servers stop, stand still, start again empty, are slow, full, locked, or replaced by others,
//! while requests flow. Checks take no longer than their deadline, none ends in an error, the
//! rules' modes decide meanwhile, and afterwards the server's counts do.

#![cfg(all(unix, feature = "redis", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod harness;
mod lateness;
mod postgres;
mod redis;
