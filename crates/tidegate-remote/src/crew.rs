//! Threads that wait for the server, and ask for each other.
//!
//! Whoever comes while connections are free goes himself: there is no hop to another thread,
//! which would cost more than the server takes. Whoever comes when all are busy leaves his
//! question; the next who is free asks for all that have come meanwhile. So batches form by
//! themselves, and no timer is waited for.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use smallvec::SmallVec;

use crate::{
    Ask, Backend, RemoteError,
    server::{MOST, Server},
    ticket::{Asker, End, Outcome, Slot, Ticket, Told},
};

/// Questions that wait, and connections that are not in use.
pub(crate) struct Crew<L>(Mutex<State<L>>);

struct State<L> {
    waiting: VecDeque<Ticket>,
    idle: Vec<L>,
    /// Threads that are on their way to the server or back.
    leaders: usize,
}

impl<L> Crew<L> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { waiting: VecDeque::new(), idle: Vec::new(), leaders: 0 }))
    }

    /// Asks, and waits for the outcome in this thread.
    pub(crate) fn ask<B: Backend<Link = L>>(
        &self,
        server: &Server<B>,
        ask: Ask,
        hashes: SmallVec<[u64; 2]>,
        now: Instant,
    ) -> Outcome {
        let deadline = server.deadline(now);
        let slot = Arc::new(Slot::default());
        let end = End::Slot(Arc::clone(&slot));
        let asker = Asker { hashes, count: ask.count, deadline, end };
        let leads = {
            let mut state = self.state();
            if state.waiting.len() >= server.settings.queue {
                let waiting = state.waiting.len();
                return Err(RemoteError::Busy { store: server.name(), waiting });
            }
            state.waiting.push_back(Ticket { ask, asker });
            let leads = state.leaders < server.settings.pool;
            state.leaders += usize::from(leads);
            leads
        };
        if leads {
            self.lead(server, deadline);
        }
        loop {
            match slot.wait(deadline) {
                Told::Done(outcome) => return outcome,
                Told::DoneLeading(outcome) => {
                    self.pass_on();
                    return outcome;
                }
                Told::Lead => self.lead(server, deadline),
                // Whoever has no time left would fail those who have.
                Told::LateLeading => {
                    self.pass_on();
                    return Err(server.timed_out());
                }
                Told::Late => return Err(server.timed_out()),
            }
        }
    }

    /// Does something over a connection of its own, if one is free: what is rare and no check.
    pub(crate) fn use_link<B: Backend<Link = L>>(
        &self,
        server: &Server<B>,
        deadline: Instant,
        work: impl FnOnce(&mut L) -> Result<(), RemoteError>,
    ) -> Result<(), RemoteError> {
        let link = self.state().idle.pop();
        let (link, error) = server.over(link, deadline, work);
        if let Some(link) = link {
            self.keep(server, link);
        }
        error.map_or(Ok(()), Err)
    }

    /// Goes to the server once with all that waits, then passes the lead on.
    fn lead<B: Backend<Link = L>>(&self, server: &Server<B>, deadline: Instant) {
        let (tickets, link) = {
            let mut state = self.state();
            let count = state.waiting.len().min(MOST);
            (state.waiting.drain(..count).collect::<Vec<_>>(), state.idle.pop())
        };
        if tickets.is_empty() {
            if let Some(link) = link {
                self.keep(server, link);
            }
        } else if let Some(link) = server.exchange(link, tickets, deadline) {
            self.keep(server, link);
        }
        self.pass_on();
    }

    /// Makes one of those who wait the next leader, or is one leader less.
    fn pass_on(&self) {
        let mut state = self.state();
        let waits = |ticket: &Ticket| match &ticket.asker.end {
            End::Slot(slot) => slot.lead(),
            End::Call(_) => false,
        };
        if !state.waiting.iter().any(waits) {
            state.leaders -= 1;
        }
    }

    fn keep<B: Backend<Link = L>>(&self, server: &Server<B>, link: L) {
        let mut state = self.state();
        if state.idle.len() < server.settings.pool {
            state.idle.push(link);
        }
    }

    /// Closes the connections that are not in use.
    pub(crate) fn close(&self) {
        let idle = std::mem::take(&mut self.state().idle);
        drop(idle);
    }

    fn state(&self) -> MutexGuard<'_, State<L>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
