//! What is remembered of an admitted request until its response is known.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use smallvec::SmallVec;
use tidegate_core::Nanos;

use super::{flights::Flight, plan::Plan};
use crate::Error;

/// What is remembered of an admitted request. Every copy of its decision has the same one, so
/// that it is settled once.
#[derive(Clone)]
pub(crate) struct Pass(Arc<Inner>);

struct Inner {
    plan: Arc<Plan>,
    /// Whom each rule of the plan counts.
    subjects: Box<[Box<[u8]>]>,
    cost: Option<u32>,
    charged_at: ChargedAt,
    /// Taken out by whoever settles it.
    flights: Mutex<Vec<Flight>>,
    is_settled: AtomicBool,
}

/// The times for which a request's cost was taken.
pub(super) struct ChargedAt {
    /// By the rules that are enforced.
    pub(super) enforced: Nanos,
    /// By each rule in the shadow that has limits; `None` where it would have refused, and so took
    /// nothing.
    pub(super) shadow: InShadow,
}

/// What each rule in the shadow that has limits says.
pub(super) type InShadow = SmallVec<[Option<Nanos>; 2]>;

/// The end of a request: what is known of it once it has been answered.
#[derive(Clone, Copy, Default)]
pub struct Ending<'e> {
    /// The response's status; `None` when the handler raised.
    pub status: Option<u16>,
    /// What the request cost in the end, if that is known only now; in units.
    pub cost: Option<u32>,
    /// Whether the rule at a position charges for this ending, where the caller knows better than
    /// the status.
    pub charges: Option<&'e (dyn Fn(usize) -> Option<bool> + Sync)>,
}

/// What is to be settled, for a plan.
pub(super) struct Settlement<'p> {
    pub(super) ending: &'p Ending<'p>,
    pub(super) cost: Option<u32>,
    pub(super) charged_at: &'p ChargedAt,
    subjects: &'p [Box<[u8]>],
}

impl Settlement<'_> {
    pub(super) fn subject(&self, place: usize) -> &[u8] {
        &self.subjects[place]
    }
}

impl Pass {
    pub(super) fn new(
        plan: Arc<Plan>,
        subjects: Box<[Box<[u8]>]>,
        cost: Option<u32>,
        charged_at: ChargedAt,
        flights: Vec<Flight>,
    ) -> Self {
        let (is_settled, flights) = (AtomicBool::new(false), Mutex::new(flights));
        Self(Arc::new(Inner { plan, subjects, cost, charged_at, flights, is_settled }))
    }

    /// Tells the plan of the end, the first time.
    pub(super) fn settle(&self, ending: &Ending<'_>) -> Result<(), Error> {
        let inner = &*self.0;
        // Relaxed: whoever is first does all of it.
        if inner.is_settled.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        for flight in inner.take_flights() {
            flight.end()?;
        }
        let (cost, charged_at, subjects) = (inner.cost, &inner.charged_at, &inner.subjects);
        inner.plan.settle(&Settlement { ending, cost, charged_at, subjects })
    }
}

impl Inner {
    fn take_flights(&self) -> Vec<Flight> {
        std::mem::take(&mut *self.flights.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Inner {
    /// A request whose end nobody told is over all the same.
    fn drop(&mut self) {
        self.take_flights().into_iter().for_each(Flight::abandon);
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").field("is_settled", &self.0.is_settled).finish_non_exhaustive()
    }
}
