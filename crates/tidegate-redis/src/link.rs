//! One connection, whatever it leads to.

use std::{fmt, time::Instant};

use tidegate_core::Nanos;
use tidegate_remote::{Ask, Fix, Link, Listed, Page, RemoteError, Reply};

use crate::{cluster::ClusterLink, due::Due, single::SingleLink};

/// A connection to a server, or one to each node of a cluster.
pub struct RedisLink(Kind);

enum Kind {
    Single(Box<SingleLink>),
    Cluster(Box<ClusterLink>),
}

impl From<SingleLink> for RedisLink {
    fn from(link: SingleLink) -> Self {
        Self(Kind::Single(Box::new(link)))
    }
}

impl From<ClusterLink> for RedisLink {
    fn from(link: ClusterLink) -> Self {
        Self(Kind::Cluster(Box::new(link)))
    }
}

impl Link for RedisLink {
    fn exchange(
        &mut self,
        asks: &[Ask],
        replies: &mut Vec<Result<Reply, RemoteError>>,
        deadline: Instant,
    ) -> Result<(), RemoteError> {
        let due = Due::new(deadline);
        match &mut self.0 {
            Kind::Single(link) => link.exchange(asks, replies, &due),
            Kind::Cluster(link) => link.exchange(asks, replies, &due),
        }
    }

    fn adjust(&mut self, fixes: &[Fix], deadline: Instant) -> Result<(), RemoteError> {
        let due = Due::new(deadline);
        match &mut self.0 {
            Kind::Single(link) => link.adjust(fixes, &due),
            Kind::Cluster(link) => link.adjust(fixes, &due),
        }
    }

    fn time(&mut self, deadline: Instant) -> Result<Nanos, RemoteError> {
        let due = Due::new(deadline);
        match &mut self.0 {
            Kind::Single(link) => link.time(&due),
            Kind::Cluster(link) => link.time(&due),
        }
    }

    fn list(&mut self, page: &Page, deadline: Instant) -> Result<Listed, RemoteError> {
        let due = Due::new(deadline);
        match &mut self.0 {
            Kind::Single(link) => link.list(page, &due),
            Kind::Cluster(link) => link.list(page, &due),
        }
    }
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Single(_) => "RedisLink(single)",
            Kind::Cluster(_) => "RedisLink(cluster)",
        })
    }
}
