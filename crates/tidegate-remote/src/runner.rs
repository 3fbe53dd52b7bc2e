//! One thread that asks for everybody who does not wait: event loops and other tasks.
//!
//! It starts with the first question, and ends with the store. While it is on its way, what
//! comes is collected for the next trip.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Instant,
};

use crate::{
    Backend, RemoteError,
    server::{MOST, Server},
    ticket::Ticket,
};

/// See the module.
pub(crate) struct Runner<B: Backend> {
    server: Arc<Server<B>>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Ticket>,
    /// Whether the thread waits to be woken.
    sleeps: bool,
    ends: bool,
}

impl<B: Backend> Runner<B> {
    pub(crate) fn new(server: Arc<Server<B>>) -> Self {
        Self { server, shared: Arc::default(), thread: Mutex::new(None) }
    }

    /// Leaves a question. Its outcome is delivered by the thread, or here when there is none
    /// to wait for.
    pub(crate) fn leave(&self, ticket: Ticket) {
        let mut state = self.shared.state();
        let store = self.server.name();
        if state.ends {
            drop(state);
            let reason = "it is closed".to_owned();
            return ticket.asker.finish(Err(RemoteError::Unavailable { store, reason }));
        }
        let waiting = state.waiting.len();
        if waiting >= self.server.settings.queue {
            drop(state);
            return ticket.asker.finish(Err(RemoteError::Busy { store, waiting }));
        }
        state.waiting.push_back(ticket);
        if std::mem::take(&mut state.sleeps) {
            self.shared.changed.notify_one();
        }
        drop(state);
        self.start();
    }

    fn start(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_some() {
            return;
        }
        let (server, shared) = (Arc::clone(&self.server), Arc::clone(&self.shared));
        let name = format!("tidegate-{}", server.name());
        match thread::Builder::new().name(name).spawn(move || run(&server, &shared)) {
            Ok(started) => *thread = Some(started),
            Err(error) => {
                let tickets = std::mem::take(&mut self.shared.state().waiting);
                for ticket in tickets {
                    let reason = format!("no thread could be started: {error}");
                    let store = self.server.name();
                    ticket.asker.finish(Err(RemoteError::Unavailable { store, reason }));
                }
            }
        }
    }

    /// Ends the thread, after what was left with it.
    pub(crate) fn close(&self) {
        let mut state = self.shared.state();
        state.ends = true;
        self.shared.changed.notify_one();
        drop(state);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            // A panic in it has been reported where it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for questions; none when it is time to end.
    fn next(&self) -> Vec<Ticket> {
        let mut state = self.state();
        while state.waiting.is_empty() && !state.ends {
            state.sleeps = true;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleeps = false;
        }
        let count = state.waiting.len().min(MOST);
        state.waiting.drain(..count).collect()
    }
}

fn run<B: Backend>(server: &Server<B>, shared: &Shared) {
    let mut link = None;
    loop {
        let tickets = shared.next();
        // By the first of them, so that nobody waits longer than his own deadline for others.
        let now = Instant::now();
        let alive = tickets.iter().map(|ticket| ticket.asker.deadline).filter(|&end| end > now);
        let Some(deadline) = alive.min() else {
            if tickets.is_empty() {
                return;
            }
            link = server.exchange(link, tickets, now);
            continue;
        };
        link = server.exchange(link, tickets, deadline);
    }
}
