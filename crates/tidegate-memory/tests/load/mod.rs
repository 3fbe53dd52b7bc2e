//! Traffic for a table that is too small: a flood of keys that never repeat, among clients who
//! do. Virtual time, and numbers that look random but are the same in every run.

use std::{cmp::Reverse, collections::BinaryHeap, num::NonZeroU32};

use tidegate_core::{
    Charge, Decision, Key, Limit, Nanos, Verdict,
    algorithm::{Algorithm, Gcra},
};
use tidegate_memory::MemoryStore;

const LIMIT: u32 = 10;
const PERIOD: Nanos = Nanos(60 * Nanos::SECOND.0);
const OFFENDERS: usize = 20;
const WELL_BEHAVED: usize = 500;

/// How much comes for how long.
pub(crate) struct Load {
    /// Keys that are seen once, per second, evenly spaced.
    pub(crate) flood: u64,
    /// Requests of each offender, per second on average, at random moments.
    pub(crate) offender: u64,
    pub(crate) seconds: u64,
}

/// What was admitted.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Requests of offenders that passed, and that would have if none had been forgotten.
    pub(crate) offences: u64,
    pub(crate) due: u64,
    pub(crate) well_behaved_refused: u64,
    pub(crate) flood_refused: u64,
}

/// One client who comes again, and what an exact limiter would know of it.
struct Client {
    name: String,
    offends: bool,
    tat: Nanos,
}

impl Load {
    /// Lets all of it loose on `store`, and adds to `outcome` what happened.
    pub(crate) fn run(&self, store: &MemoryStore, outcome: &mut Outcome) {
        let limit: Limit = format!("{LIMIT}/minute").parse().expect("a limit");
        let exact = Gcra::new(NonZeroU32::new(LIMIT).expect("not zero"), PERIOD);
        let mut numbers = Numbers(42);
        let mut clients: Vec<Client> = (0..OFFENDERS + WELL_BEHAVED).map(Client::new).collect();
        // Those who behave come at half their limit, evenly, each at a moment of its own.
        let pause = PERIOD.0 / u64::from(LIMIT / 2);
        let first = |index| Reverse((Nanos(numbers.below(pause)), index));
        let mut queue: BinaryHeap<_> = (0..clients.len()).map(first).collect();

        for index in 0..self.flood * self.seconds {
            let now = Nanos(index * Nanos::SECOND.0 / self.flood);
            while let Some(&Reverse((at, index))) = queue.peek()
                && at <= now
            {
                queue.pop();
                let client = &mut clients[index];
                let passed = admits(store, &limit, client.name.as_bytes(), at);
                if client.offends {
                    let step = exact.check(client.tat, at, 1);
                    client.tat = step.next.unwrap_or(client.tat);
                    outcome.offences += u64::from(passed);
                    outcome.due += u64::from(step.decision.is_allowed());
                } else {
                    outcome.well_behaved_refused += u64::from(!passed);
                }
                let wait = if client.offends { numbers.wait(self.offender) } else { pause };
                queue.push(Reverse((at.saturating_add(Nanos(wait)), index)));
            }
            let passed = admits(store, &limit, &index.to_le_bytes(), now);
            outcome.flood_refused += u64::from(!passed);
        }
    }

    /// When the last request comes.
    pub(crate) const fn end(&self) -> Nanos {
        Nanos(self.seconds * Nanos::SECOND.0)
    }
}

impl Outcome {
    /// Nobody was refused who had kept to the limit, and offenders got at most 1.1 times
    /// their due.
    pub(crate) fn assert_fair(&self) {
        assert!(self.due > 0, "{self:?}");
        assert_eq!((self.well_behaved_refused, self.flood_refused), (0, 0), "{self:?}");
        assert!(self.offences * 10 <= self.due * 11, "{self:?}");
    }
}

impl Client {
    fn new(index: usize) -> Self {
        let offends = index < OFFENDERS;
        Self { name: format!("client:{index}"), offends, tat: Nanos::ZERO }
    }
}

fn admits(store: &MemoryStore, limit: &Limit, subject: &[u8], at: Nanos) -> bool {
    let key = Key::new("flood", limit.tag(0), subject);
    let mut decision = [Decision {
        verdict: Verdict::Never,
        limit: 0,
        remaining: 0,
        reset_after: Nanos::ZERO,
        next_unit_after: Nanos::ZERO,
        delay: Nanos::ZERO,
    }];
    store.check(&[Charge { key, limit, cost: 1, at }], at, &mut decision);
    decision[0].is_allowed()
}

struct Numbers(u64);

impl Numbers {
    /// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Nanoseconds to the next of events that come at `rate` a second, each independent of
    /// the others.
    #[expect(clippy::cast_precision_loss, reason = "a random number needs no more")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 40 s")]
    fn wait(&mut self, rate: u64) -> u64 {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (-(1.0 - share).ln() * 1e9 / rate as f64) as u64
    }
}
