//! How to connect: to a server, to the master that sentinels name, or to a cluster.

use std::{fmt, sync::Arc, time::Instant};

use tidegate_core::{Limit, Program};
use tidegate_remote::{Backend, Lookup, RemoteError};

use crate::{
    RedisLink, RedisUrl, STORE,
    cluster::{Cluster, ClusterLink},
    due::Due,
    program, sentinel,
    single::SingleLink,
    tls::Tls,
    url::Place,
    wire::{Address, Net, Wire},
};

/// Redis, Valkey or their kin: one server, one that sentinels watch, or a cluster.
///
/// Files that the URL names are read when this is made; nothing is connected before
/// `connect`, so a value may cross a fork.
pub struct RedisBackend {
    url: RedisUrl,
    net: Net,
    cluster: Cluster,
}

impl RedisBackend {
    /// Prepares to connect to what `url` says. Options that are not the store's are left alone
    /// in it: see [`RedisUrl::other`].
    ///
    /// # Errors
    ///
    /// [`RemoteError::Setup`] when a file cannot be read.
    pub fn new(url: RedisUrl) -> Result<Self, RemoteError> {
        let tls = url.encryption.as_ref().map(Tls::load).transpose()?;
        let net = Net { tls, ..Net::default() };
        Ok(Self { url, net, cluster: Cluster::default() })
    }

    /// The same, with addresses that `lookup` finds.
    #[must_use]
    pub fn with_lookup(mut self, lookup: Lookup) -> Self {
        self.net.lookup = Arc::new(lookup);
        self
    }

    /// Prepares to connect to what `url` says, with no options but the store's own.
    ///
    /// # Errors
    ///
    /// [`RemoteError::Setup`], which names the part of the URL that is wrong, and never repeats
    /// a user's name or password.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidegate_redis::RedisBackend;
    ///
    /// let backend = RedisBackend::from_url("redis://user:secret@localhost:6379/1").unwrap();
    /// assert!(!format!("{backend:?}").contains("secret"));
    ///
    /// let error = RedisBackend::from_url("redis://localhost/first").unwrap_err();
    /// assert!(error.to_string().contains("database"), "{error}");
    /// ```
    pub fn from_url(url: &str) -> Result<Self, RemoteError> {
        let url = RedisUrl::parse(url)?;
        url.refuse_unknown()?;
        if let Some((name, _)) = url.other.first() {
            let reason = format!("the option `{name}` is for whoever opens a whole store");
            return Err(RemoteError::Setup { reason });
        }
        Self::new(url)
    }

    /// Where it connects to. Shows no secrets.
    #[must_use]
    pub const fn url(&self) -> &RedisUrl {
        &self.url
    }
}

impl Backend for RedisBackend {
    type Link = RedisLink;

    fn name(&self) -> &'static str {
        STORE
    }

    /// How `limit` is counted in a script, whose numbers are doubles.
    ///
    /// Most limits stay as they are. One that takes longer than 52 days to fill is counted in
    /// whole microseconds, and so is the period of a window; both rounded to the disadvantage
    /// of the counted, by less than a microsecond. Every limit can be counted.
    fn program(&self, limit: &Limit) -> Result<Program, String> {
        Ok(program::program(limit))
    }

    fn connect(&self, deadline: Instant) -> Result<RedisLink, RemoteError> {
        let due = Due::new(deadline);
        let (url, net) = (&self.url, &self.net);
        let address = match &url.place {
            Place::Server(host) => Address::Host(host.clone()),
            Place::Socket(path) => Address::Socket(path.clone()),
            Place::Sentinel { .. } => {
                let wire = sentinel::connect(url, net, &due)?;
                return Ok(SingleLink::new(wire, &url.prefix, true).into());
            }
            Place::Cluster(seeds) => {
                let link = ClusterLink::connect(&self.cluster, seeds, url, net, &due)?;
                return Ok(link.into());
            }
        };
        let wire = Wire::open(&address, &url.login, net, &due)?;
        Ok(SingleLink::new(wire, &url.prefix, false).into())
    }
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackend").field("url", &self.url).finish_non_exhaustive()
    }
}
