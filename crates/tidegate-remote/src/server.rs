//! One process's view of one server: its health, its clock, what it said last; and the trip
//! to it that every way of asking ends in.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tidegate_core::Nanos;

use crate::{
    Backend, Health, Link, RemoteError, Reply, Settings, batch::Batch, breaker::Breaker,
    dial::Dialer, memo::Memo, ticket::Ticket,
};

/// Asks that go to the server in one exchange, at the most.
pub(crate) const MOST: usize = 256;

/// Something worth a line in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The server is left alone for a while, because of this.
    Down(RemoteError),
    /// It answers again.
    Up,
}

/// What is told of events. Called by whichever thread noticed; must not wait.
pub type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// What a remote store did since it was opened, in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteStats {
    /// Trips to the server.
    pub exchanges: u64,
    /// Requests that the server decided.
    pub decided: u64,
    /// Requests that shared another's question.
    pub coalesced: u64,
    /// Requests refused without asking, because the server had said so before.
    pub known: u64,
    /// Trips without an answer, timeouts included.
    pub failures: u64,
    /// Trips without an answer in time.
    pub timeouts: u64,
    /// How often the server was given up for a while.
    pub outages: u64,
}

/// See the module.
pub(crate) struct Server<B: Backend> {
    pub(crate) backend: Arc<B>,
    pub(crate) settings: Settings,
    pub(crate) breaker: Arc<Breaker>,
    dialer: Dialer<B>,
    pub(crate) memo: Memo,
    listener: Listener,
    /// A local time, and the server's at that time.
    clock: Mutex<Option<(Instant, Nanos)>>,
    pub(crate) counts: Counts,
}

#[derive(Default)]
pub(crate) struct Counts {
    exchanges: AtomicU64,
    decided: AtomicU64,
    coalesced: AtomicU64,
    pub(crate) known: AtomicU64,
    failures: AtomicU64,
    timeouts: AtomicU64,
    outages: AtomicU64,
}

impl<B: Backend> Server<B> {
    pub(crate) fn new(backend: Arc<B>, settings: Settings, listener: Listener) -> Self {
        let breaker = Breaker::new(settings.failures, settings.pause, settings.timeout);
        let breaker = Arc::new(breaker);
        let (sign, told) = (Arc::clone(&breaker), Arc::clone(&backend));
        let dialer = Dialer::new(told, sign, settings.timeout, settings.pool);
        let memo = Memo::new(settings.recheck);
        let (clock, counts) = (Mutex::new(None), Counts::default());
        Self { backend, settings, breaker, dialer, memo, listener, clock, counts }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.backend.name()
    }

    /// Puts what `tickets` ask to the server over `link`, or a new one, and delivers the
    /// answers. Returns the link if it is still good.
    pub(crate) fn exchange(
        &self,
        link: Option<B::Link>,
        tickets: Vec<Ticket>,
        deadline: Instant,
    ) -> Option<B::Link> {
        let now = Instant::now();
        let tickets = self.in_time(tickets, now);
        if tickets.is_empty() {
            return link;
        }
        let batch = Batch::of(tickets);
        add(&self.counts.exchanges, 1);
        add(&self.counts.coalesced, batch.coalesced());
        let mut replies = Vec::with_capacity(batch.asks.len());
        let (link, error) =
            self.reach(link, deadline, |link| link.exchange(&batch.asks, &mut replies, deadline));
        let answered = Instant::now();
        self.conclude(now, answered, error.as_ref().or_else(|| trouble(&replies)));
        if let Some(reply) = replies.iter().flatten().next_back() {
            self.set_clock(now, answered, reply.now);
        }
        add(&self.counts.decided, replies.iter().flatten().count());
        batch.finish(self.name(), replies, error.as_ref(), |hash, cost, decision| {
            self.memo.keep(hash, cost, *decision, now, answered);
        });
        link
    }

    /// Those of `tickets` for whose answer somebody still waits at `now`.
    fn in_time(&self, tickets: Vec<Ticket>, now: Instant) -> Vec<Ticket> {
        let is_in_time = |ticket: &Ticket| ticket.asker.deadline > now;
        if tickets.iter().all(is_in_time) {
            return tickets;
        }
        let (tickets, late): (Vec<_>, Vec<_>) = tickets.into_iter().partition(is_in_time);
        for ticket in late {
            ticket.asker.finish(Err(self.timed_out()));
        }
        tickets
    }

    /// Does `work` over `link`, or a new one, and draws the conclusions for the server's
    /// health. Returns the link if it is still good, or else the error.
    pub(crate) fn over(
        &self,
        link: Option<B::Link>,
        deadline: Instant,
        work: impl FnOnce(&mut B::Link) -> Result<(), RemoteError>,
    ) -> (Option<B::Link>, Option<RemoteError>) {
        let begun = Instant::now();
        let (link, error) = self.reach(link, deadline, work);
        self.conclude(begun, Instant::now(), error.as_ref());
        (link, error)
    }

    fn reach(
        &self,
        link: Option<B::Link>,
        deadline: Instant,
        work: impl FnOnce(&mut B::Link) -> Result<(), RemoteError>,
    ) -> (Option<B::Link>, Option<RemoteError>) {
        let link = link.map_or_else(|| self.dialer.dial(deadline), Ok);
        match link.and_then(|mut link| work(&mut link).map(|()| link)) {
            Ok(link) => (Some(link), None),
            Err(error) => (None, Some(error)),
        }
    }

    /// Draws the conclusions from a trip for the server's health.
    fn conclude(&self, begun: Instant, ended: Instant, error: Option<&RemoteError>) {
        match error {
            None => self.tell(self.breaker.answered(ended, ended - begun), None),
            Some(error) => self.note(error),
        }
    }

    fn note(&self, error: &RemoteError) {
        add(&self.counts.failures, 1);
        if matches!(error, RemoteError::Timeout { .. }) {
            add(&self.counts.timeouts, 1);
        }
        if error.is_outage() {
            self.tell(self.breaker.failed(Instant::now()), Some(error));
        }
    }

    fn tell(&self, change: Option<Health>, error: Option<&RemoteError>) {
        match change {
            Some(Health::Down) => {
                add(&self.counts.outages, 1);
                let slow =
                    RemoteError::Timeout { store: self.name(), after: self.settings.timeout / 2 };
                (self.listener)(&Event::Down(error.cloned().unwrap_or(slow)));
            }
            Some(Health::Up) => (self.listener)(&Event::Up),
            None => {}
        }
    }

    pub(crate) fn timed_out(&self) -> RemoteError {
        RemoteError::Timeout { store: self.name(), after: self.settings.timeout }
    }

    /// Learns the server's time from an answer. The middle of the trip is as good a guess as
    /// any of when it was given.
    pub(crate) fn set_clock(&self, asked: Instant, answered: Instant, server: Nanos) {
        let middle = asked + answered.saturating_duration_since(asked) / 2;
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some((middle, server));
    }

    /// The server's time now, as far as its last answer tells.
    pub(crate) fn clock(&self) -> Option<Nanos> {
        let known = *self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        known.map(|(local, server)| server.saturating_add(Nanos::from(local.elapsed())))
    }

    pub(crate) fn stats(&self) -> RemoteStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RemoteStats {
            exchanges: read(&self.counts.exchanges),
            decided: read(&self.counts.decided),
            coalesced: read(&self.counts.coalesced),
            known: read(&self.counts.known),
            failures: read(&self.counts.failures),
            timeouts: read(&self.counts.timeouts),
            outages: read(&self.counts.outages),
        }
    }

    /// When an ask made at `now` is given up.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        now + self.settings.timeout.max(Duration::from_millis(1))
    }
}

/// What speaks against the health of a server that answered: nothing but errors, of a kind that
/// is not about one request. A server out of memory does so, and a cluster without those nodes
/// that matter.
fn trouble(replies: &[Result<Reply, RemoteError>]) -> Option<&RemoteError> {
    let outage =
        |reply: &Result<Reply, RemoteError>| reply.as_ref().is_err_and(RemoteError::is_outage);
    let error = replies.first()?.as_ref().err()?;
    replies.iter().all(outage).then_some(error)
}

fn add(count: &AtomicU64, number: usize) {
    // Relaxed: counts order nothing.
    count.fetch_add(number as u64, Ordering::Relaxed);
}
