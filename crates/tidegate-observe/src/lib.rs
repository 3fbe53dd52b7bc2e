//! What a running tidegate tells, and to whom.
//!
//! An application that wants to be asked has an [`Admin`]: a Unix socket that only its owner may
//! open, one for each worker process. Whoever asks is a [`Client`], which talks to all workers of
//! an application and adds up what they say.
//!
//! ```text
//! /run/app/tidegate.sock            the name that is configured
//! /run/app/tidegate.4711.sock       the socket of the worker 4711
//! ```
//!
//! One question and one answer a line, in JSON ([`Question`], [`Answer`]). Nothing here is in the
//! way of a request: counts are read from a [`Watch`](tidegate::Watch), by a thread of its own.

#[cfg(unix)]
mod admin;
mod answer;
#[cfg(unix)]
mod client;
#[cfg(unix)]
mod connect;
mod error;
mod held;
mod prometheus;
mod question;
mod sample;
#[cfg(unix)]
mod socket;
mod source;
mod stats;
mod totals;

#[cfg(unix)]
pub use self::{
    admin::Admin,
    client::{Client, Worker},
};
pub use self::{
    answer::{Answer, Kept},
    error::Error,
    held::Held,
    prometheus::{PROMETHEUS_TYPE, prometheus},
    question::{Question, VERSION},
    sample::Sample,
    source::Source,
    stats::{Bucket, Busy, ConfigState, Excepted, RuleCount, Stats, StoreState},
    totals::Totals,
};
