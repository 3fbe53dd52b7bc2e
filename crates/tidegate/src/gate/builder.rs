//! Puts a gate together, and finds the mistakes in what it is made of.

use std::sync::Arc;

use tidegate_core::address::Resolver;
use tidegate_memory::MemoryStore;

use super::{Gate, Lists, Plans};
use crate::{
    Clock, Error, Key, Rule, Store, SystemClock, Watch, carry::Carrying, engine::Engine,
    rules::Rules, store::check_support,
};

/// Puts a [`Gate`] together.
#[must_use = "call `build` to get the gate"]
pub struct GateBuilder {
    rules: Vec<Rule>,
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    resolver: Resolver,
    allow: Vec<String>,
    deny: Vec<String>,
    former: Option<Former>,
    watch: Option<Arc<Watch>>,
}

/// What a gate leaves to the one that takes its place.
struct Former {
    engine: Arc<Engine>,
    carrying: Option<Arc<Carrying>>,
}

impl GateBuilder {
    pub(super) fn new() -> Self {
        Self {
            rules: Vec::new(),
            store: None,
            clock: Arc::new(SystemClock),
            resolver: Resolver::default(),
            allow: Vec::new(),
            deny: Vec::new(),
            former: None,
            watch: None,
        }
    }

    /// Adds a rule.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Keeps counts in `store`; by default, in a [`MemoryStore`] of its own.
    pub fn store(self, store: impl Store) -> Self {
        self.shared_store(Arc::new(store))
    }

    /// Keeps counts in a store that others use too.
    pub fn shared_store(self, store: Arc<dyn Store>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Reads the time from `clock`; by default, from the machine.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Finds clients' addresses by `resolver`; by default, the peer is the client.
    pub fn resolver(self, resolver: Resolver) -> Self {
        Self { resolver, ..self }
    }

    /// Lets requests from these addresses and networks in, whatever the rules say.
    pub fn allow(self, networks: Vec<String>) -> Self {
        Self { allow: networks, ..self }
    }

    /// Keeps requests from these addresses and networks out. Where an address is on both lists,
    /// the smaller network counts, and of two alike this one.
    pub fn deny(self, networks: Vec<String>) -> Self {
        Self { deny: networks, ..self }
    }

    /// Tells `watch` of every decision. It costs a look at the clock and a few counters a request.
    pub fn watched(self, watch: Arc<Watch>) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// Takes the place of `former`: goes on with its store, its clock and its counts, whatever
    /// store and clock this builder was given, and with its [`Watch`]. A rule is the same by its name, a limit by its
    /// place in the rule; a limit that has changed keeps the units that were used, as many of
    /// them as it has. A limit of zero leaves them to the limit after it.
    ///
    /// In a store on a server, and in one of your own that finds counters by their key alone,
    /// a limit goes on with its counter as it is, or begins anew: see
    /// [`Limit::tag`](crate::Limit::tag).
    ///
    /// Until all that was used of the old limits would have been there again, each check of a
    /// changed limit costs a second look at the store in memory; afterwards, nothing.
    pub fn after(self, former: &Gate) -> Self {
        let (engine, carrying) = (Arc::clone(&former.engine), former.carrying.clone());
        let watch = former.watch.clone().or(self.watch);
        Self { former: Some(Former { engine, carrying }), watch, ..self }
    }

    /// Checks that the rules make sense together. A gate without rules lets everybody in who is
    /// not kept out by name.
    ///
    /// # Errors
    ///
    /// [`Error`] that names the rule and what would be right.
    pub fn build(self) -> Result<Gate, Error> {
        let store = match &self.former {
            Some(former) => Arc::clone(former.store()),
            None => self.store.unwrap_or_else(|| Arc::new(MemoryStore::new())),
        };
        check_support(&*store, &self.rules)?;
        if let Some(rule) = self.rules.iter().find(|rule| !is_key(&rule.key)) {
            return Err(Error::KeyList { rule: rule.name.clone() });
        }
        let rules =
            if self.rules.is_empty() { Rules::default() } else { Rules::new(self.rules.clone())? };
        let (engine, carrying) = match &self.former {
            Some(former) => former.leave(rules),
            None => (Engine::new(rules, store, self.clock), None),
        };
        let lists = Lists::new(&self.allow, &self.deny)?;
        let needs_client =
            !lists.is_empty() || self.rules.iter().any(|rule| rule.key.needs_client());
        let plans = Plans::new(self.rules, &engine)?;
        let (resolver, watch) = (self.resolver, self.watch);
        let is_brief = false;
        let gate = Gate { engine, carrying, plans, resolver, lists, needs_client, watch, is_brief };
        Ok(Gate { is_brief: gate.can_be_brief(), ..gate })
    }
}

impl Former {
    /// The store itself.
    fn store(&self) -> &Arc<dyn Store> {
        self.carrying.as_ref().map_or(&self.engine.store, |carrying| carrying.store())
    }

    /// An engine for other rules, and where the counts of changed limits are carried, if there
    /// are any to carry.
    fn leave(&self, rules: Rules) -> (Arc<Engine>, Option<Arc<Carrying>>) {
        let store = Arc::clone(self.store());
        if store.remote().is_some() {
            return (self.engine.sharing(rules), None);
        }
        let clock = Arc::clone(&self.engine.clock);
        let known = self.carrying.as_ref().map(|carrying| carrying.moves().clone());
        let moves = known.unwrap_or_default().between(&self.engine.rules, &rules, clock.now());
        if moves.is_empty() {
            return (Engine::new(rules, store, clock), None);
        }
        let carrying = Arc::new(Carrying::new(store, moves));
        let store: Arc<dyn Store> = Arc::<Carrying>::clone(&carrying);
        (Engine::new(rules, store, clock), Some(carrying))
    }
}

/// Whether a key of several is made of at least one that tells requests apart.
fn is_key(key: &Key) -> bool {
    let Key::Several(parts) = key else { return true };
    !parts.is_empty() && !parts.iter().any(|part| matches!(part, Key::Global | Key::Several(_)))
}
