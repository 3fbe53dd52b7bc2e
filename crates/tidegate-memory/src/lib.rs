//! In-process state for tidegate: a bounded table, exact under threads.
//!
//! [`MemoryStore`] keeps one small cell per key in a table of fixed size, and the sliding
//! window log's times in maps bounded by bytes. Both are split into shards with a lock each;
//! a request that touches several keys locks their shards in one order, decides, and takes
//! all or nothing.
//!
//! Time comes in as an argument. This crate reads no clock and knows nothing of rules,
//! requests or other stores.

mod cell;
mod logs;
mod shard;
mod store;
mod table;

pub use store::{MemoryStore, Stats};
