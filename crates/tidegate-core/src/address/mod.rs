//! Whose request it is, given the peer's address and the forwarding header field.
//!
//! A proxy hides its client's address and adds it on the right of a header field, which the
//! client may have sent itself, with anything in it. So the field is believed only when the
//! peer is a proxy that [`Trust`] names, and it is read from the right: what lies to the
//! left of the first address that isn't a trusted proxy was written by nobody we know.
//!
//! ```text
//! X-Forwarded-For: 1.2.3.4, 198.51.100.7, 10.0.0.2        peer 10.0.0.1
//!                  claimed  the client    trusted         trusted
//!                  ◄─ never read          ◄──── the walk ────────
//! ```
//!
//! One header family is read, by configuration, and never "whichever is there": the choice
//! would be the client's.
//!
//! # Where things are
//!
//! * [`Resolver`]: the walk, and the prefixes by which addresses are counted.
//! * [`Trust`], [`Network`], [`ForwardedHeader`]: its configuration, parsed from text.
//! * [`NetworkSet`]: lists of addresses, looked up by the longest prefix.
//! * [`Client`]: what it finds; [`Subject`]: the text under which that client is counted.
//!
//! This module resolves no names, reads no sockets and knows no framework: the adapter
//! brings the peer as text and the field lines as bytes. Time is linear in the header and
//! bounded by [`Resolver::MAX_ELEMENTS`].

mod cidr;
mod client;
mod element;
mod header;
mod list;
mod prefix;
mod resolver;
mod set;
mod trust;

pub use cidr::{Network, NetworkError};
pub use client::{Client, ClientAddress, Source, Subject};
pub use header::{ForwardedHeader, HeaderError, Provider};
pub use resolver::{PrefixError, Resolver};
pub use set::NetworkSet;
pub use trust::{Trust, TrustError};
