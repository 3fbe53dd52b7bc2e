//! Reference models: slow, and obviously right.
//!
//! Each keeps what happened (admissions, penalties, refunds) and works every answer out from
//! that history by the definition of its algorithm, so none has a compressed state that could
//! be wrong. Time is whole nanoseconds, in `u128` so that nothing overflows; it never runs
//! backwards.

mod log;
mod queue;
mod token_bucket;
mod weighted_windows;
mod window_count;

pub use log::Log;
pub use queue::Queue;
pub use token_bucket::TokenBucket;
pub use weighted_windows::WeightedWindows;
pub use window_count::WindowCount;

/// What can be asked of every model.
pub trait Model {
    /// Takes `cost` units at `now` if they are there; tells whether they were.
    fn take(&mut self, now: u128, cost: u128) -> bool;

    /// Takes `cost` units at `now` in any case, up to the model's bound of debt.
    fn force(&mut self, now: u128, cost: u128);

    /// Gives back at `now` the `cost` units taken by a request that went ahead at
    /// `charged_at`.
    fn give_back(&mut self, now: u128, charged_at: u128, cost: u128);

    /// How many requests of one unit would be admitted at `now`.
    fn left(&self, now: u128) -> u128;

    /// Time until nothing of the history matters any more.
    fn full_after(&self, now: u128) -> u128;
}
