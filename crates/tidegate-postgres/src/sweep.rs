//! When to delete rows whose time is over: seldom, and more often while there are many.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio_postgres::Client;

use crate::setup::Call;

/// How many rows are looked at in one go: about a millisecond of the server's time.
const ROWS: i32 = 1_000;
/// Between two goes when the last one found little.
const CALM: Duration = Duration::from_secs(1);
/// Between two goes when a tenth or more of the rows was over.
const BUSY: Duration = Duration::from_millis(25);

/// Where a link's next sweep begins, and when.
#[derive(Clone)]
pub(crate) struct Sweeper {
    call: Call,
    state: Arc<Mutex<State>>,
}

struct State {
    place: Option<String>,
    due: Instant,
    running: bool,
}

impl Sweeper {
    pub(crate) fn new(call: Call) -> Self {
        let state = State { place: None, due: Instant::now() + CALM, running: false };
        Self { call, state: Arc::new(Mutex::new(state)) }
    }

    /// True when it is time; then the caller has to [`run`](Self::run).
    pub(crate) fn begin(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = !state.running && state.due <= Instant::now();
        state.running |= begins;
        begins
    }

    /// Looks at the next rows. What goes wrong here is nobody's loss: a connection that broke
    /// shows at the next exchange, and the next go begins where this one did.
    pub(crate) async fn run(self, client: Arc<Client>) {
        // Behind the exchange that has been handed over, not before it.
        tokio::task::yield_now().await;
        let place = self.state.lock().unwrap_or_else(PoisonError::into_inner).place.clone();
        let answer = self.call.query(&client, &[&place, &ROWS]).await;
        let row = answer.ok().and_then(|rows| rows.into_iter().next());
        let next = row.and_then(|row| {
            Some((row.try_get::<_, Option<String>>(0).ok()?, row.try_get::<_, i64>(1).ok()?))
        });
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running = false;
        state.due = Instant::now() + CALM;
        if let Some((place, deleted)) = next {
            state.place = place;
            if deleted >= i64::from(ROWS / 10) {
                state.due = Instant::now() + BUSY;
            }
        }
    }
}
