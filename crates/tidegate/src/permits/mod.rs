//! Requests in flight, by key: counted by the store where it can, by a log of them elsewhere.
//!
//! A store in this process, or on this host, counts them itself and knows when whoever held a
//! permit is dead. A server does not: there a request in flight is an entry of a sliding window
//! log, which is given back at the request's end, and comes back by itself when that never
//! comes.

pub(crate) mod log;

#[cfg(unix)]
use tidegate_memory::SharedPermits;
use tidegate_memory::{MemoryPermits, Permit, Taken};

use crate::Error;

/// Requests in flight, by key. What [`Store::permits`](crate::Store::permits) gives.
pub trait Permits: Send + Sync {
    /// Takes a permit of `subject` under the rule of `scope` if fewer than `limit` are out.
    ///
    /// # Errors
    ///
    /// [`Error`] when they could not be counted. A refusal is not an error.
    fn acquire(&self, scope: u64, subject: &[u8], limit: u32) -> Result<Taken, Error>;

    /// Gives a permit back. Each is given back once, by the process that took it; elsewhere,
    /// this does nothing.
    fn release(&self, permit: Permit);

    /// Requests of `subject` that are in flight under the rule of `scope`.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    fn in_flight(&self, scope: u64, subject: &[u8]) -> Result<u32, Error>;
}

impl Permits for MemoryPermits {
    fn acquire(&self, scope: u64, subject: &[u8], limit: u32) -> Result<Taken, Error> {
        Ok(self.acquire(scope, subject, limit))
    }

    fn release(&self, permit: Permit) {
        self.release(permit);
    }

    fn in_flight(&self, scope: u64, subject: &[u8]) -> Result<u32, Error> {
        Ok(self.in_flight(scope, subject))
    }
}

#[cfg(unix)]
impl Permits for SharedPermits {
    fn acquire(&self, scope: u64, subject: &[u8], limit: u32) -> Result<Taken, Error> {
        Ok(self.acquire(scope, subject, limit)?)
    }

    fn release(&self, permit: Permit) {
        self.release(permit);
    }

    fn in_flight(&self, scope: u64, subject: &[u8]) -> Result<u32, Error> {
        Ok(self.in_flight(scope, subject)?)
    }
}
