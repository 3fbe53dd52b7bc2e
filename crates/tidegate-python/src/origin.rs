//! Where a decision came from: what it knows besides its outcome, at once or when somebody asks.
//!
//! A whole decision is large, and most of it is seldom looked at.

use std::sync::{
    Arc, LazyLock, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use pyo3::prelude::*;
use tidegate::{
    Brief, Caller, Client, Clock, Decision, Nanos, OneLimit, Outcome,
    fields::{Profile, Value},
};

/// Who made a decision.
pub(crate) enum Origin {
    /// A limiter of one limit; the rest is worked out when somebody asks.
    Maker(Py<Maker>, OnceLock<Box<Whole>>),
    /// A gate of one limit; the rest is worked out likewise.
    Brief(Arc<dyn Clock>, Box<Brief>, OnceLock<Box<Whole>>),
    /// A gate, about somebody it knows; the rest is worked out likewise.
    Known(Py<Known>, OnceLock<Box<Whole>>),
    /// A gate without rules.
    Uncounted(Arc<dyn Clock>, OnceLock<Box<Whole>>),
    /// Anybody else.
    Whole(Arc<dyn Clock>, Box<Whole>),
}

/// What the decisions of one limiter have in common, counted by the interpreter: cheaper than
/// a count of our own, and nothing that Python code could tie into a cycle.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct Maker {
    pub(crate) limit: OneLimit,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Somebody whom a gate knows, and the clock of the decisions about them.
#[pyclass(frozen, module = "tidegate._native")]
pub(crate) struct Known {
    pub(crate) caller: Caller,
    pub(crate) clock: Arc<dyn Clock>,
}

/// All there is to a decision.
pub(crate) struct Whole {
    pub(crate) decision: Decision,
    id: OnceLock<String>,
}

impl Whole {
    pub(crate) fn new(decision: Decision) -> Box<Self> {
        Box::new(Self { decision, id: OnceLock::new() })
    }

    /// The same in another process.
    pub(crate) fn restored(decision: Decision, id: String) -> Box<Self> {
        Box::new(Self { decision, id: id.into() })
    }

    /// A name unlike those of others.
    pub(crate) fn id(&self) -> &str {
        self.id.get_or_init(next_id)
    }
}

impl Origin {
    /// The whole decision, whose outcome is known.
    pub(crate) fn whole(&self, outcome: Outcome) -> &Whole {
        match self {
            Self::Maker(maker, whole) => {
                whole.get_or_init(|| Whole::new(maker.get().limit.decision(outcome)))
            }
            Self::Brief(_, brief, whole) => whole.get_or_init(|| Whole::new(brief.decision())),
            Self::Known(known, whole) => {
                whole.get_or_init(|| Whole::new(known.get().caller.brief(outcome).decision()))
            }
            Self::Uncounted(_, whole) => whole.get_or_init(|| Whole::new(Decision::uncounted())),
            Self::Whole(_, whole) => whole,
        }
    }

    /// The whole decision, unless an outcome of one limit is all there is to it.
    pub(crate) fn more(&self) -> Option<&Decision> {
        match self {
            Self::Maker(..) | Self::Brief(..) | Self::Known(..) | Self::Uncounted(..) => None,
            Self::Whole(_, whole) => Some(&whole.decision),
        }
    }

    /// Name of the rule whose limit is binding; empty when no limit applied.
    pub(crate) fn rule(&self) -> &str {
        match self {
            Self::Maker(maker, _) => maker.get().limit.rule().name(),
            Self::Brief(_, brief, _) => brief.limit.rule().name(),
            Self::Known(known, _) => known.get().caller.limit().rule().name(),
            Self::Uncounted(..) => "",
            Self::Whole(_, whole) => whole.decision.rule(),
        }
    }

    /// Who is calling, when a gate found out.
    pub(crate) fn client(&self) -> Option<&Client> {
        match self {
            Self::Maker(..) | Self::Uncounted(..) => None,
            Self::Brief(_, brief, _) => brief.client.as_ref(),
            Self::Known(known, _) => Some(known.get().caller.client()),
            Self::Whole(_, whole) => whole.decision.client.as_ref(),
        }
    }

    /// Whether a limit has a part in it.
    pub(crate) fn is_counted(&self) -> bool {
        match self {
            Self::Maker(..) | Self::Brief(..) | Self::Known(..) => true,
            Self::Uncounted(..) => false,
            Self::Whole(_, whole) => whole.decision.is_counted(),
        }
    }

    /// Whether the outcome is that of the only limit of a gate.
    pub(crate) const fn is_of_one_limit(&self) -> bool {
        matches!(self, Self::Brief(..) | Self::Known(..))
    }

    /// Passes the header fields under `profile` to `sink`.
    pub(crate) fn write_values(
        &self,
        outcome: Outcome,
        profile: Profile,
        unix_now: Nanos,
        sink: &mut impl FnMut(&'static str, Value<'_>),
    ) {
        let limit = match self {
            Self::Brief(_, brief, _) => &brief.limit,
            Self::Known(known, _) => known.get().caller.limit(),
            // There is nothing to tell.
            Self::Uncounted(..) => return,
            Self::Maker(..) | Self::Whole(..) => {
                let decision = &self.whole(outcome).decision;
                return decision.write_values(profile, unix_now, sink);
            }
        };
        limit.write_values(&outcome, profile, unix_now, sink);
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        match self {
            Self::Maker(maker, _) => &maker.get().clock,
            Self::Known(known, _) => &known.get().clock,
            Self::Brief(clock, ..) | Self::Uncounted(clock, _) | Self::Whole(clock, _) => clock,
        }
    }
}

/// Spreads a counter over 64 bits, from a start that is drawn once.
fn next_id() -> String {
    static START: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(random()));
    // An odd step visits every number before it repeats one.
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let id = START.fetch_add(STEP, Ordering::Relaxed);
    // Workers that were forked after the draw go through the same numbers.
    let process = u64::from(std::process::id()).wrapping_mul(STEP.rotate_left(32));
    format!("{:016x}", id ^ process)
}

fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
