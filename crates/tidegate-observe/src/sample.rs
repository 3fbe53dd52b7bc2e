//! What one worker told.

use crate::{Error, Stats};

/// What one worker told, or why it told nothing.
#[derive(Debug)]
pub struct Sample {
    /// Its process.
    pub pid: u32,
    /// What it told.
    pub told: Result<Stats, Error>,
}
