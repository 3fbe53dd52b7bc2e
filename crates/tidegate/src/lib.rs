//! tidegate: a rate limiter that is exact under any concurrency, and the same in Rust,
//! Python, configuration and command line.
//!
//! ```
//! use tidegate::{Limiter, Rule};
//!
//! # fn main() -> Result<(), tidegate::Error> {
//! let limiter = Limiter::builder().rule(Rule::new("api", "2/minute".parse()?)).build()?;
//!
//! assert!(limiter.check("user:42")?.allowed);
//! assert!(limiter.check("user:42")?.allowed);
//! let denied = limiter.check("user:42")?;
//! assert!(!denied.allowed);
//! assert!(denied.retry_after > Some(std::time::Duration::from_secs(29)));
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! * [`Rule`]: a name, limits, and whom they count.
//! * [`Limiter`]: rules and a [`Store`]; decides by a key that the caller names.
//! * [`Gate`]: what a request passes; finds out who is calling, and decides by that.
//! * [`Decision`]: the answer, and the header fields that go with it.
//! * `config` (with the feature of that name): limits described in a file.
//! * [`Clock`]: where time comes from; tests hand in a [`ManualClock`].
//!
//! How an algorithm decides is the business of `tidegate-core`; how counts are kept, that of
//! the stores' crates. No web framework is known here.

mod adjust;
mod block;
mod calendar;
mod carry;
mod client;
mod clock;
#[cfg(feature = "config")]
pub mod config;
mod decision;
mod engine;
mod error;
mod fallback;
mod gate;
mod key;
mod key_lists;
mod keys;
mod lease;
mod limiter;
mod many;
mod matching;
pub mod opaque;
mod outcome;
mod permits;
mod reason;
mod remote;
mod rule;
mod rules;
mod state_store;
mod statuses;
mod store;
mod subject;
mod subject_text;
mod url;
mod watch;

pub use block::Block;
pub use client::{Address, Client};
pub use clock::{Clock, ManualClock, SystemClock};
pub use decision::Decision;
pub use error::Error;
pub use gate::{Brief, Caller, Ending, Facts, Gate, GateBuilder, Lines, Question};
pub use key::Key;
pub use keys::CountedKey;
pub use limiter::{Limiter, LimiterBuilder, Reservation};
pub use matching::Match;
pub use outcome::{OneLimit, Outcome};
pub use permits::Permits;
pub use reason::Reason;
pub use remote::Decided;
pub use rule::{OnStoreError, Rule};
pub use state_store::{StateKeeper, StateStore};
pub use statuses::Statuses;
pub use store::Store;
pub use subject_text::{subject_bytes, subject_text, subject_typed};
pub use tidegate_core::{
    Decision as Answer, Limit, Nanos, Verdict, address, fields,
    grammar::{Limits, ParseError},
};
pub use tidegate_memory::{MemoryPermits, MemoryStore, Permit, Stats, Taken};
#[cfg(unix)]
pub use tidegate_memory::{SharedError, SharedOptions, SharedPermits, SharedStore};
pub use tidegate_remote::{
    Event, Health, Listed, Listener, Name, Page, RemoteError, RemoteStats, RemoteStore, Subject,
};
#[cfg(feature = "postgres")]
pub use url::postgres_schema;
pub use url::{masked_store_url, open_store, open_store_with};
pub use watch::{BusyKey, Counted, ExceptedKey, Exception, RuleCounts, Watch};

/// Runs the README's Rust example.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
