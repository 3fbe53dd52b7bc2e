//! Stub.
use core::num::NonZeroU32;
use crate::{Decision, Nanos};
/// Admission times of one key, oldest first; one entry per admitted unit.
pub trait Times {
    /// How many entries there are.
    fn len(&self) -> usize;
    /// The `index`th oldest entry.
    fn get(&self, index: usize) -> Nanos;
}
/// Stub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlidingWindowLog { pub(crate) limit: NonZeroU32, pub(crate) period: Nanos }
impl SlidingWindowLog {
    /// Stub.
    #[must_use]
    pub const fn limit(&self) -> NonZeroU32 { self.limit }
    /// Stub.
    #[must_use]
    pub const fn period(&self) -> Nanos { self.period }
    /// Stub.
    #[must_use]
    pub fn new(limit: NonZeroU32, period: Nanos) -> Self { Self { limit, period } }
    /// Decides one request. When allowed, the caller drops the first `expired` entries and appends `cost` entries of `now`.
    pub fn check(&self, _times: &impl Times, _now: Nanos, _cost: u32) -> Decision { unimplemented!() }
    /// Stub.
    pub fn peek(&self, _times: &impl Times, _now: Nanos, _cost: u32) -> Decision { unimplemented!() }
    /// How many of the oldest entries no longer count at `now`.
    pub fn expired(&self, _times: &impl Times, _now: Nanos) -> usize { unimplemented!() }
}
