//! Real servers for tests: private, in a folder of their own, gone when dropped.
//!
//! A missing program is a failure, never a skip: a suite that passes because it tested nothing
//! is worse than a red one. So everything here panics when it can't do what was asked.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test's set-up that fails fails the test"
)]

mod certificates;
pub mod pgbouncer;
pub mod postgres;
mod process;
