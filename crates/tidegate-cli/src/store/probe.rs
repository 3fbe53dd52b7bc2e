//! Asking a store in a server a few times, and how long that takes.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tidegate::{Gate, Rule, Store};

use crate::exit::Failure;

/// The rule that is looked at. It is never charged, so that no counter of it is kept.
const RULE: &str = "tidegate-probe";

/// What a few looks at a server showed.
pub(crate) struct Probe {
    /// The first look, connecting included.
    pub(crate) first: Duration,
    /// The others, the quickest first.
    pub(crate) trips: Vec<Duration>,
    /// By how much the server's clock is ahead of ours, in seconds; negative when it is behind.
    /// Off by half a trip at the most.
    pub(crate) clock_ahead: f64,
    /// The server's time in seconds since 1970.
    pub(crate) server_time: f64,
}

impl Probe {
    /// Looks at `store` once, and then `times` more; `None` for a store that is in no server.
    pub(crate) fn take(store: &Arc<dyn Store>, times: usize) -> Result<Option<Self>, Failure> {
        let Some(remote) = store.remote() else { return Ok(None) };
        let rule = Rule::new(RULE, "1/second".parse().map_err(tidegate::Error::from)?);
        let gate = Gate::builder().rule(rule).shared_store(Arc::clone(store)).build()?;
        let look = || -> Result<Duration, Failure> {
            let begun = Instant::now();
            gate.inspect(RULE, b"probe")?;
            Ok(begun.elapsed())
        };
        let first = look()?;
        let mut trips = (0..times).map(|_| look()).collect::<Result<Vec<_>, _>>()?;
        trips.sort_unstable();
        // Known from the answer just now, in the middle of the trip.
        let server: Duration = remote.now()?.into();
        let ours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let server_time = server.as_secs_f64();
        Ok(Some(Self { first, trips, clock_ahead: server_time - ours.as_secs_f64(), server_time }))
    }

    /// The trip that half of them were quicker than.
    pub(crate) fn median(&self) -> Duration {
        self.trips.get(self.trips.len() / 2).copied().unwrap_or(self.first)
    }

    /// The slowest trip after the first.
    pub(crate) fn slowest(&self) -> Duration {
        self.trips.last().copied().unwrap_or(self.first)
    }
}
