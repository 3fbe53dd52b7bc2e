//! What tidegate's own tests share.
//!
//! * [`models`]: reference models of the algorithms. They know nothing of the code under test:
//!   no model may take a formula, or a type, from `tidegate-core`, because two copies of one
//!   mistake agree.
//! * [`servers`]: private servers that a test starts, stops, freezes and restarts.

pub mod models;
pub mod servers;
