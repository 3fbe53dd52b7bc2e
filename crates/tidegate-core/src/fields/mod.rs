//! The HTTP response fields and bodies of decisions, for every adapter.
//!
//! A response says under which limits it was made ([`Report`], as the fields of a
//! [`Profile`]) and, when it is a refusal, why ([`Refusal`], as a status and a body in the
//! form the client asked for). Adapters for Python and tower copy the text as it is, so that
//! all of them say the same.
//!
//! Every time in a response is in whole seconds and rounded up: a client that comes back a
//! moment early is refused again.
//!
//! This module decides nothing, reads no clock and knows no framework. It allocates, and so
//! isn't for the path of a decision.

mod accept;
mod escape;
mod policy;
mod profile;
pub(crate) mod quoted;
mod refusal;
mod report;

pub use accept::MediaType;
pub use policy::Policy;
pub use profile::{Profile, ProfileError};
pub use refusal::{Body, Cause, Refusal};
pub use report::{Report, Value, x_ratelimit};
