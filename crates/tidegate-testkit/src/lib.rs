//! What the tests of every tidegate store share, and those of stores written elsewhere.
//!
//! * [`conformance`]: the cases that every store must pass.
//! * [`models`]: slow reference models of the algorithms. They know nothing of the code under
//!   test: no model may take a formula, or a type, from `tidegate-core`, because two copies of
//!   one mistake agree.
//! * [`servers`]: private servers that a test starts, stops, freezes and restarts.

pub mod conformance;
pub mod models;
pub mod servers;
