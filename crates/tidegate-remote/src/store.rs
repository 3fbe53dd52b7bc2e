//! What can be asked of a remote store whatever its server is.

use tidegate_core::{Adjustment, Charge, Decision, Key, Limit, Nanos};

use crate::{
    Backend, Decisions, Done, Health, Listed, Outcome, Page, Remote, RemoteError, RemoteStats,
};

/// A [`Remote`] of any backend.
pub trait RemoteStore: Send + Sync {
    /// The store's name.
    fn name(&self) -> &'static str;

    /// Why `limit` cannot be counted there, if it cannot.
    fn refuses(&self, limit: &Limit) -> Option<String>;

    /// See [`Remote::check`].
    ///
    /// # Errors
    ///
    /// As there.
    fn check(&self, charges: &[Charge<'_>], count: u32) -> Outcome;

    /// See [`Remote::peek`].
    ///
    /// # Errors
    ///
    /// As there.
    fn peek(&self, charges: &[Charge<'_>]) -> Outcome;

    /// See [`Remote::start`].
    fn start(&self, charges: &[Charge<'_>], count: u32, done: Done);

    /// See [`Remote::look`].
    fn look(&self, charges: &[Charge<'_>], done: Done);

    /// See [`Remote::known`].
    fn known(&self, charges: &[Charge<'_>]) -> Option<Decisions>;

    /// See [`Remote::known_denial`].
    fn known_denial(&self, charge: &Charge<'_>) -> Option<Decision>;

    /// See [`Remote::last`].
    fn last(&self, key: &Key<'_>) -> Option<(Decision, Nanos)>;

    /// See [`Remote::adjust`].
    ///
    /// # Errors
    ///
    /// As there.
    fn adjust(&self, adjustments: &[Adjustment<'_>]) -> Result<(), RemoteError>;

    /// See [`Remote::list`].
    ///
    /// # Errors
    ///
    /// As there.
    fn list(&self, page: &Page) -> Result<Listed, RemoteError>;

    /// See [`Remote::now`].
    ///
    /// # Errors
    ///
    /// As there.
    fn now(&self) -> Result<Nanos, RemoteError>;

    /// See [`Remote::clock`].
    fn clock(&self) -> Option<Nanos>;

    /// See [`Remote::takes_time`].
    fn takes_time(&self) -> bool;

    /// See [`Remote::health`].
    fn health(&self) -> Health;

    /// See [`Remote::stats`].
    fn stats(&self) -> RemoteStats;

    /// This process's share of a limit while the server is away, in ten thousandths.
    fn local_share(&self) -> u32;

    /// See [`Remote::close`].
    fn close(&self);
}

impl<B: Backend> RemoteStore for Remote<B> {
    fn name(&self) -> &'static str {
        self.name()
    }

    fn refuses(&self, limit: &Limit) -> Option<String> {
        self.backend().program(limit).err()
    }

    fn check(&self, charges: &[Charge<'_>], count: u32) -> Outcome {
        self.check(charges, count)
    }

    fn peek(&self, charges: &[Charge<'_>]) -> Outcome {
        self.peek(charges)
    }

    fn start(&self, charges: &[Charge<'_>], count: u32, done: Done) {
        self.start(charges, count, done);
    }

    fn look(&self, charges: &[Charge<'_>], done: Done) {
        self.look(charges, done);
    }

    fn known(&self, charges: &[Charge<'_>]) -> Option<Decisions> {
        self.known(charges)
    }

    fn known_denial(&self, charge: &Charge<'_>) -> Option<Decision> {
        self.known_denial(charge)
    }

    fn last(&self, key: &Key<'_>) -> Option<(Decision, Nanos)> {
        self.last(key)
    }

    fn adjust(&self, adjustments: &[Adjustment<'_>]) -> Result<(), RemoteError> {
        self.adjust(adjustments)
    }

    fn list(&self, page: &Page) -> Result<Listed, RemoteError> {
        self.list(page)
    }

    fn now(&self) -> Result<Nanos, RemoteError> {
        self.now()
    }

    fn clock(&self) -> Option<Nanos> {
        self.clock()
    }

    fn takes_time(&self) -> bool {
        self.takes_time()
    }

    fn health(&self) -> Health {
        self.health()
    }

    fn stats(&self) -> RemoteStats {
        self.stats()
    }

    fn local_share(&self) -> u32 {
        self.settings().local_share
    }

    fn close(&self) {
        self.close();
    }
}
