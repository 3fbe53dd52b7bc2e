//! Stub.
use core::num::NonZeroU32;
use super::Algorithm;
use crate::{Decision, Nanos, Step};
/// Stub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gcra { pub(crate) emission_interval: Nanos, pub(crate) burst: NonZeroU32 }
impl Gcra {
    /// Stub.
    #[must_use]
    pub const fn burst(&self) -> NonZeroU32 { self.burst }
    /// Stub.
    #[must_use]
    pub const fn fill_time(&self) -> Nanos { self.emission_interval.saturating_mul(self.burst.get() as u64) }
    /// Stub.
    #[must_use]
    pub fn new(limit: NonZeroU32, period: Nanos) -> Self { Self { emission_interval: Nanos(period.0.div_ceil(u64::from(limit.get()))), burst: limit } }
    /// Stub.
    #[must_use]
    pub fn with_burst(self, burst: NonZeroU32) -> Self { Self { burst, ..self } }
    /// Stub.
    #[must_use]
    pub fn strict(limit: NonZeroU32, period: Nanos, burst: NonZeroU32) -> Self { Self::new(limit, period).with_burst(burst) }
}
impl Algorithm for Gcra {
    type State = Nanos;
    fn check(&self, _: Nanos, _: Nanos, _: u32) -> Step<Nanos> { unimplemented!() }
    fn peek(&self, _: Nanos, _: Nanos, _: u32) -> Decision { unimplemented!() }
    fn refund(&self, _: Nanos, _: Nanos, _: Nanos, _: u32) -> Nanos { unimplemented!() }
    fn debit(&self, _: Nanos, _: Nanos, _: u32) -> Nanos { unimplemented!() }
    fn carry_over(&self, _: Nanos, _: Nanos, _: &Self) -> Nanos { unimplemented!() }
    fn recovered_at(&self, _: Nanos) -> Nanos { unimplemented!() }
}
