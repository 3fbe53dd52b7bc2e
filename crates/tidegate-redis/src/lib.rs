//! Limits kept in Redis, Valkey and whatever else speaks its protocol and runs its scripts.
//!
//! One script decides any number of requests in one trip: it reads the server's clock, the
//! counters, and writes what was taken, or nothing. [`RedisBackend`] connects, [`RedisLink`]
//! asks; deadlines beyond one call, pools, leases and the circuit breaker are the business of
//! `tidegate-remote`.
//!
//! # Units
//!
//! Times are nanoseconds since 1970 by the server's clock, unless an ask brings its own. A
//! limit whose numbers no double can hold is rounded to microseconds, never to the advantage
//! of the counted: see [`RedisBackend`]'s `program`.
//!
//! # Where things are
//!
//! * [`RedisUrl`]: where a server is, read from a URL.
//! * [`RedisBackend`], [`RedisLink`]: how to connect and ask, for a single server, a master
//!   that sentinels watch, and a cluster.
//! * `script/*.lua`: what runs in the server, twins of the algorithms in `tidegate-core`.
//!
//! Nothing here reads from replicas, retries what may have been decided, or starts a thread.

mod backend;
mod cluster;
mod decode;
mod due;
mod encode;
mod error;
mod link;
mod list;
mod packer;
mod program;
mod rights;
mod script;
mod sentinel;
mod single;
mod stream;
mod tls;
mod url;
mod wire;

pub use backend::RedisBackend;
pub use link::RedisLink;
pub use url::RedisUrl;

/// The store's name in messages and metrics.
const STORE: &str = "redis";
