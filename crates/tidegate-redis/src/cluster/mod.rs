//! A cluster: which node to ask, and what to do when it is another one by now.
//!
//! * `map`: which node owns which slot.
//! * `link`: connections to the nodes, and what is put to one of them at a time.
//! * `round`: many asks at once, to all nodes they concern, again where a node refused.
//! * `spanning`: asks whose counters live in several slots.

mod link;
mod map;
mod round;
mod spanning;

use std::sync::{Arc, Mutex, PoisonError};

use map::Map;

pub(crate) use link::ClusterLink;

/// What is known of a cluster, shared by all links to it.
#[derive(Clone, Default)]
pub(crate) struct Cluster(Arc<Mutex<Option<Arc<Map>>>>);

impl Cluster {
    fn map(&self) -> Option<Arc<Map>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_map(&self, map: Arc<Map>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(map);
    }
}
