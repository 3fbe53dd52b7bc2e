//! A worker of an application, in the test's own process.

use std::{borrow::Cow, path::Path, sync::Arc};

use tidegate::{Facts, Gate, GateBuilder, Lines, Watch};
use tidegate_observe::{Admin, ConfigState, Source};

/// A request from an address.
pub struct Peer(pub &'static str);

impl Facts for Peer {
    fn peer(&self) -> Option<&str> {
        Some(self.0)
    }

    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"/")
    }

    fn header(&self, _name: &str) -> Lines<'_> {
        Lines::new()
    }
}

struct Application {
    gate: Arc<Gate>,
    config: Option<ConfigState>,
}

impl Source for Application {
    fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate)
    }

    fn config(&self) -> Option<ConfigState> {
        self.config.clone()
    }
}

/// A gate that is watched, and who answers for it at `socket`.
pub fn worker(socket: &Path, gate: GateBuilder, config: Option<ConfigState>) -> (Arc<Gate>, Admin) {
    let gate = Arc::new(gate.watched(Arc::new(Watch::new())).build().unwrap());
    let source = Application { gate: Arc::clone(&gate), config };
    (gate, Admin::start(socket, Arc::new(source)).unwrap())
}
