//! Requests in flight: what is taken when a request begins and given back at its end.
//!
//! Unlike a rate, a permit does not come back by time; somebody must give it back, or be dead.
//!
//! * [`MemoryPermits`]: the requests of one process.
//! * [`SharedPermits`]: those of all processes of a host, in a file. A process that is killed
//!   holds none any more.

#[cfg(unix)]
mod bucket;
#[cfg(unix)]
mod file;
#[cfg(unix)]
mod handle;
#[cfg(unix)]
mod header;
mod local;
#[cfg(unix)]
mod locks;
#[cfg(unix)]
mod shared;

pub use self::local::MemoryPermits;
#[cfg(unix)]
pub use self::shared::SharedPermits;
use crate::hash::Secret;

/// The right of one request to run, to be given back at its end.
///
/// Given back twice, it takes another request's permit with it: who holds it sees to that. In
/// a process that was forked meanwhile, giving it back does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a permit is to be given back at the end of its request"]
pub struct Permit {
    key: Digest,
    /// Who took it; [`NOBODY`] when it was not counted.
    holder: u64,
}

/// The holder of permits that are not counted.
const NOBODY: u64 = 0;

impl Permit {
    #[cfg(unix)]
    const fn uncounted(key: Digest) -> Self {
        Self { key, holder: NOBODY }
    }

    /// False for a request that was let through because there was no room to count it.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        self.holder != NOBODY
    }
}

/// What became of the wish for a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The request may run.
    Yes {
        /// To be given back at its end.
        permit: Permit,
        /// Requests that were in flight before it, those of workers killed since included.
        in_flight: u32,
    },
    /// As many as may are in flight already.
    No {
        /// How many there are; more than the limit when that was lowered meanwhile.
        in_flight: u32,
    },
}

/// A rule and a subject in 128 bits that nobody outside can aim.
type Digest = [u64; 2];

/// What makes digests.
#[derive(Clone, Copy)]
struct Digester([Secret; 2]);

impl Digester {
    fn random() -> Self {
        Self([Secret::random(), Secret::random()])
    }

    fn digest(self, scope: u64, subject: &[u8]) -> Digest {
        self.0.map(|secret| secret.hash_subject(scope, subject))
    }
}
