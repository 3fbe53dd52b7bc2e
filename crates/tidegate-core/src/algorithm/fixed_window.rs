//! Stub.
use core::num::NonZeroU32;
use super::Algorithm;
use crate::{Decision, Nanos, Step};

/// Stub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedWindow { pub(crate) limit: NonZeroU32, pub(crate) period: Nanos }
impl FixedWindow {
    /// Stub.
    #[must_use]
    pub const fn limit(&self) -> NonZeroU32 { self.limit }
    /// Stub.
    #[must_use]
    pub const fn period(&self) -> Nanos { self.period }
    /// Stub.
    #[must_use]
    pub fn new(limit: NonZeroU32, period: Nanos) -> Self { Self { limit, period } }
}
impl Algorithm for FixedWindow {
    type State = u64;
    fn check(&self, _: u64, _: Nanos, _: u32) -> Step<u64> { unimplemented!() }
    fn peek(&self, _: u64, _: Nanos, _: u32) -> Decision { unimplemented!() }
    fn refund(&self, _: u64, _: Nanos, _: Nanos, _: u32) -> u64 { unimplemented!() }
    fn debit(&self, _: u64, _: Nanos, _: u32) -> u64 { unimplemented!() }
    fn carry_over(&self, _: u64, _: Nanos, _: &Self) -> u64 { unimplemented!() }
    fn recovered_at(&self, _: u64) -> Nanos { unimplemented!() }
}
