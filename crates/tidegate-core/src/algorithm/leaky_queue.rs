//! Stub.
use core::num::NonZeroU32;
use super::Algorithm;
use crate::{Decision, Nanos, Step};

/// Stub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeakyQueue { pub(crate) limit: NonZeroU32, pub(crate) period: Nanos }
impl LeakyQueue {
    /// Stub.
    #[must_use]
    pub const fn capacity(&self) -> u32 { 1 }
    /// Stub.
    #[must_use]
    pub const fn fill_time(&self) -> Nanos { self.period }
    /// Stub.
    #[must_use]
    pub fn new(limit: NonZeroU32, period: Nanos, _max_wait: Nanos) -> Self { Self { limit, period } }
}
impl Algorithm for LeakyQueue {
    type State = Nanos;
    fn check(&self, _: Nanos, _: Nanos, _: u32) -> Step<Nanos> { unimplemented!() }
    fn peek(&self, _: Nanos, _: Nanos, _: u32) -> Decision { unimplemented!() }
    fn refund(&self, _: Nanos, _: Nanos, _: Nanos, _: u32) -> Nanos { unimplemented!() }
    fn debit(&self, _: Nanos, _: Nanos, _: u32) -> Nanos { unimplemented!() }
    fn carry_over(&self, _: Nanos, _: Nanos, _: &Self) -> Nanos { unimplemented!() }
    fn recovered_at(&self, _: Nanos) -> Nanos { unimplemented!() }
}
