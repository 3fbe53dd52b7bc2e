//! In-process state for tidegate: a bounded table without locks, exact under threads.
//!
//! [`MemoryStore`] keeps one slot of 16 bytes per key in a table of fixed size, without locks
//! (`flat.rs` has the protocol and why it is right). What does not fit into a slot, such as the
//! sliding window log, is kept beside it in shards with a lock each. A request that touches
//! several keys takes all or nothing.
//!
//! [`MemoryPermits`] and [`SharedPermits`] count what is not over yet: requests in flight.
//!
//! Time comes in as an argument. This crate reads no clock and knows nothing of rules,
//! requests or other stores.

// Under loom, `tests/loom.rs` includes the table's files itself; the rest is not modelled.
#![cfg(not(loom))]

mod cell;
mod cells;
mod class;
mod flat;
mod hash;
#[cfg(target_arch = "x86_64")]
mod load;
mod logs;
mod permits;
mod region;
mod request;
mod set;
mod shard;
mod shards;
#[cfg(unix)]
mod shared;
mod slot;
mod steps;
mod store;
mod sync;
mod table;

pub use cells::Stats;
#[cfg(unix)]
pub use permits::SharedPermits;
pub use permits::{MemoryPermits, Permit, Taken};
#[cfg(unix)]
pub use shared::{SharedError, SharedOptions, SharedStore};
pub use store::MemoryStore;
