//! Stub.
use core::num::NonZeroU32;
use super::Algorithm;
use crate::{Decision, Nanos, Step};
/// Stub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts { /// Index.
 pub window: u64, /// Previous.
 pub previous: u32, /// Current.
 pub current: u32 }
/// Stub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlidingWindowCounter { pub(crate) limit: NonZeroU32, pub(crate) period: Nanos }
impl SlidingWindowCounter {
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
impl Algorithm for SlidingWindowCounter {
    type State = Counts;
    fn check(&self, _: Counts, _: Nanos, _: u32) -> Step<Counts> { unimplemented!() }
    fn peek(&self, _: Counts, _: Nanos, _: u32) -> Decision { unimplemented!() }
    fn refund(&self, _: Counts, _: Nanos, _: Nanos, _: u32) -> Counts { unimplemented!() }
    fn debit(&self, _: Counts, _: Nanos, _: u32) -> Counts { unimplemented!() }
    fn carry_over(&self, _: Counts, _: Nanos, _: &Self) -> Counts { unimplemented!() }
    fn recovered_at(&self, _: Counts) -> Nanos { unimplemented!() }
}
