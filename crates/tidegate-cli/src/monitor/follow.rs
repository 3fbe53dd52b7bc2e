//! Samples of a running application, one after the other.

use std::time::Instant;

use tidegate_observe::{Client, Stats, Totals};

use crate::exit::{Exit, Failure};

/// Asks for samples, and adds them up so that nothing goes back when a worker ends.
pub(super) struct Following {
    client: Client,
    totals: Totals,
    /// When there was a sample last.
    last: Instant,
}

/// What was counted, and how long after the sample before.
pub(super) struct Sample {
    pub(super) stats: Stats,
    pub(super) seconds: f64,
}

impl Following {
    pub(super) fn new(client: Client) -> Self {
        Self { client, totals: Totals::new(), last: Instant::now() }
    }

    /// What the workers tell now. Those that do not answer keep nobody from hearing the others.
    pub(super) fn sample(&mut self) -> Result<Sample, Failure> {
        let round = self.client.samples()?;
        let why = round.iter().find_map(|sample| Some(sample.told.as_ref().err()?.to_string()));
        let stats = self.totals.take(round);
        if stats.workers.is_empty() {
            let why = why.unwrap_or_else(|| self.client.nobody().to_string());
            return Err(Failure::new(Exit::Unavailable, why));
        }
        let seconds = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        Ok(Sample { stats, seconds })
    }
}
