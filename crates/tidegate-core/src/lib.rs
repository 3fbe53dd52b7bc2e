//! Decision logic for tidegate: pure steps from state, time and cost to a decision.
//!
//! Nothing in this crate reads a clock, takes a lock, starts a thread or does I/O. The
//! caller passes the time in and stores the state that comes out. That is what lets one
//! algorithm run over an in-process table, a Redis script and a PostgreSQL row, and lets
//! every test here run without sleeping.
//!
//! # Units
//!
//! * Time is [`Nanos`]: whole nanoseconds since an epoch that the store picks.
//! * Limit, burst, cost and remaining are *units*; one request costs one unit unless the
//!   caller says otherwise.
//!
//! # Where things are
//!
//! * [`grammar`]: limit strings such as `100/minute burst 20`, parsed into [`Limit`]s.
//! * [`Limit`]: how much is allowed, and by which [`algorithm`].
//! * [`algorithm`]: the pure steps, one file each.
//! * [`Decision`]: what a step answers, shared by every algorithm.
//! * [`Charge`] and [`Adjustment`]: what a store is asked to do.
//! * [`Key`]: who is counted, as the bytes that stores hash.
//! * [`address`]: whose request it is, given the peer and the forwarding header fields.
//! * [`fields`]: the HTTP response fields and bodies of a decision, for every adapter.
//!
//! Keeping state is the business of `tidegate-memory` and its sisters; reading clocks is
//! the business of `tidegate`. This crate depends on neither.

#![no_std]

extern crate alloc;

pub mod address;
pub mod algorithm;
pub mod fields;
pub mod grammar;

mod charge;
mod decision;
mod key;
mod limit;
mod limit_error;
mod nanos;
mod quota;

pub use charge::{Adjustment, Change, Charge};
pub use decision::{Decision, Step, Verdict};
pub use key::Key;
pub use limit::{Limit, LimitSpec, Program};
pub use limit_error::{LimitError, Part};
pub use nanos::Nanos;
pub use quota::{CalendarUnit, Period, Zone};
