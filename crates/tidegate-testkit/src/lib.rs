//! What tidegate's own tests share: reference models of the algorithms, and private servers.
//!
//! Knows nothing of the code under test: no model may take a formula, or a type, from
//! `tidegate-core`, because two copies of one mistake agree.

pub mod models;
pub mod servers;
