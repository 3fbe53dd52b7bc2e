//! Addresses that are let in or kept out for a while, by somebody who watches.

use std::{net::IpAddr, sync::Arc, time::Instant};

use arc_swap::ArcSwap;
use tidegate_core::address::Network;

/// The most exceptions at a time: each is looked at for every request.
const MOST: usize = 1024;

/// A network that is let in or kept out, until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exception {
    /// The network.
    pub network: Network,
    /// Whether it is let in; kept out otherwise.
    pub lets_in: bool,
    /// When it ends.
    pub until: Instant,
}

/// Exceptions, replaced as a whole.
#[derive(Debug, Default)]
pub(super) struct Temporary(ArcSwap<Vec<Exception>>);

impl Temporary {
    pub(super) fn is_empty(&self) -> bool {
        self.0.load().is_empty()
    }

    /// Whether an address is let in or kept out. Of several networks the smallest counts.
    pub(super) fn find(&self, address: IpAddr) -> Option<bool> {
        let (all, now) = (self.0.load(), Instant::now());
        let holding = all.iter().filter(|it| it.until > now && it.network.contains(address));
        holding.max_by_key(|it| (it.network.prefix(), !it.lets_in)).map(|it| it.lets_in)
    }

    /// Adds one, in place of one for the same network; false when there are too many.
    pub(super) fn add(&self, new: Exception) -> bool {
        let mut is_added = false;
        self.0.rcu(|all| {
            let mut all = kept(all, |it| it.network != new.network);
            is_added = all.len() < MOST;
            if is_added {
                all.push(new);
            }
            all
        });
        is_added
    }

    /// Removes that of a network; false when there is none.
    pub(super) fn remove(&self, network: Network) -> bool {
        let mut is_removed = false;
        self.0.rcu(|all| {
            is_removed = all.iter().any(|it| it.network == network && it.until > Instant::now());
            kept(all, |it| it.network != network)
        });
        is_removed
    }

    /// Those that are not over. What is over is thrown away, so that no request looks at it.
    pub(super) fn all(&self) -> Vec<Exception> {
        let known = self.0.load().len();
        let all = kept(&self.0.load(), |_| true);
        if all.len() < known {
            self.0.rcu(|all| kept(all, |_| true));
        }
        all
    }
}

/// Those that are not over, and that are wanted.
fn kept(all: &Arc<Vec<Exception>>, is_wanted: impl Fn(&Exception) -> bool) -> Vec<Exception> {
    let now = Instant::now();
    all.iter().filter(|it| it.until > now && is_wanted(it)).copied().collect()
}
