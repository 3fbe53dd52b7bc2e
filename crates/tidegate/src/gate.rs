//! What a request passes: who is calling, then the rules, all or nothing.
//!
//! Knows requests only as [`Facts`]; each framework's adapter translates its own.

use std::{borrow::Cow, fmt, sync::Arc};

use smallvec::SmallVec;
use tidegate_core::address::{self, Client as Found, ClientAddress, Resolver, Source};
use tidegate_memory::MemoryStore;

use crate::{
    Client, Clock, Decided, Decision, Error, Key, Rule, Store, SystemClock,
    engine::{Engine, Mode},
    rule::Rules,
    store::check_support,
    subject::{Subject, Text},
};

/// Field values, in the order in which they came.
pub type Lines<'a> = SmallVec<[Cow<'a, [u8]>; 1]>;

/// What a gate may ask about a request. Clients choose every answer but the peer.
pub trait Facts {
    /// False when there is no request at all: what only a request has is then an error
    /// rather than absent.
    fn is_request(&self) -> bool {
        true
    }

    /// The other end of the connection; `None` when it has no address, as on a Unix socket.
    fn peer(&self) -> Option<&str>;

    /// The request's method.
    fn method(&self) -> &str;

    /// The request's path, without the query.
    fn path(&self) -> Cow<'_, [u8]>;

    /// All values of the header field `name`, which is in lower case.
    fn header(&self, name: &str) -> Lines<'_>;

    /// The key of the rule at position `rule`, for a rule of [`Key::Custom`].
    fn key(&self, _rule: usize) -> Option<Cow<'_, [u8]>> {
        None
    }

    /// The client's address, when somebody in front has found it out already.
    fn address(&self) -> Option<&str> {
        None
    }

    /// What this request costs, instead of the rules' own cost.
    fn cost(&self) -> Option<u32> {
        None
    }
}

/// Rules, where their counts live, and whom to believe about addresses.
pub struct Gate {
    engine: Arc<Engine>,
    resolver: Resolver,
    /// Whether any rule counts by address.
    needs_client: bool,
}

impl Gate {
    /// Starts from no rules, the machine's clock, a store in this process, and no trust in
    /// anybody's forwarding header fields.
    pub fn builder() -> GateBuilder {
        GateBuilder {
            rules: Vec::new(),
            store: None,
            clock: Arc::new(SystemClock),
            resolver: Resolver::default(),
        }
    }

    /// Decides one request, and takes its cost if it is allowed.
    ///
    /// # Errors
    ///
    /// [`Error::MissingKey`] and [`Error::OutsideRequest`] when the caller gave less than
    /// the rules need; otherwise when the store could not decide. Nothing that a client
    /// sends is an error.
    pub fn admit(&self, facts: &dyn Facts) -> Result<Decision, Error> {
        self.decide(Mode::Check, facts, facts.cost())
    }

    /// How things stand for this request, whatever it costs. Takes nothing.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    pub fn peek(&self, facts: &dyn Facts) -> Result<Decision, Error> {
        self.decide(Mode::Peek, facts, Some(0))
    }

    fn decide(&self, mode: Mode, facts: &dyn Facts, cost: Option<u32>) -> Result<Decision, Error> {
        let client = self.client(facts);
        let rules = &self.engine.rules.rules;
        let subjects = rules
            .iter()
            .enumerate()
            .map(|(index, rule)| self.subject(index, rule, facts, client.as_ref()))
            .collect::<Result<SmallVec<[Subject<'_>; 2]>, _>>()?;
        let mut decision = self.engine.decide(mode, cost, |rule| subjects[rule].as_bytes())?;
        decision.subject = Some(subjects[decision.rule_index()].as_bytes().into());
        decision.client = client.map(Into::into);
        Ok(decision)
    }

    /// Whether a decision may have to wait for something outside of this process.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.engine.waits()
    }

    /// What is to be decided about a request, apart from the request itself: for callers who
    /// cannot keep that while they wait.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit), but for those of the store.
    pub fn question(&self, facts: &dyn Facts) -> Result<Question, Error> {
        let client = self.client(facts);
        let rules = self.engine.rules.rules.iter().enumerate();
        let subjects = rules
            .map(|(index, rule)| {
                Ok(self.subject(index, rule, facts, client.as_ref())?.as_bytes().into())
            })
            .collect::<Result<_, Error>>()?;
        Ok(Question { subjects, client: client.map(Into::into), cost: facts.cost() })
    }

    /// Decides a [`question`](Self::question), and waits for the answer.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    pub fn ask(&self, question: Question) -> Result<Decision, Error> {
        let decided =
            self.engine.decide(Mode::Check, question.cost, |rule| &*question.subjects[rule]);
        Ok(question.finish(decided?))
    }

    /// Decides a [`question`](Self::question), and calls `done` when it is decided: before this
    /// returns when there is nothing to wait for, by another thread otherwise.
    pub fn start(&self, question: Question, done: Decided) {
        let (subjects, cost) = (question.subjects.clone(), question.cost);
        let finish = move |decided: Result<Decision, Error>| {
            done(decided.map(|decision| question.finish(decision)));
        };
        self.engine.start_remotely(cost, &|rule| &*subjects[rule], Box::new(finish));
    }

    /// The store, for what is not a decision.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.engine.store
    }

    pub(crate) const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Gives back what was paid for in advance, and closes connections.
    pub fn close(&self) {
        self.engine.close();
    }

    /// Who is calling, by this gate's trust, whether or not any rule wants to know.
    #[must_use]
    pub fn identify(&self, facts: &dyn Facts) -> Client {
        self.find(facts).into()
    }

    /// The rules, in the order in which they were added.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.engine.rules.rules
    }

    /// The name of the store, for instance `memory`.
    #[must_use]
    pub fn store_name(&self) -> &'static str {
        self.engine.store.name()
    }

    /// How clients' addresses are found.
    #[must_use]
    pub const fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// The time since 1970 by this gate's clock, for [`Decision::fields`].
    #[must_use]
    pub fn unix_now(&self) -> tidegate_core::Nanos {
        self.engine.clock.unix_now()
    }

    /// Who is calling, if any rule wants to know and there is a way to find out.
    fn client<'f>(&self, facts: &'f dyn Facts) -> Option<Found<'f>> {
        let known = facts.is_request() || facts.address().is_some();
        (self.needs_client && known).then(|| self.find(facts))
    }

    fn find<'f>(&self, facts: &'f dyn Facts) -> Found<'f> {
        if let Some(address) = facts.address() {
            let address = ClientAddress::from_peer(Some(address));
            return Found { address, source: Source::Peer, ignored: false };
        }
        let lines = facts.header(self.resolver.header().name());
        self.resolver.resolve(facts.peer(), lines.iter().map(AsRef::as_ref))
    }

    /// Whom `rule` counts.
    fn subject<'f>(
        &self,
        index: usize,
        rule: &Rule,
        facts: &'f dyn Facts,
        client: Option<&Found<'_>>,
    ) -> Result<Subject<'f>, Error> {
        let given = match &rule.key {
            Key::Global => Cow::Borrowed(&b""[..]),
            Key::Custom => {
                let missing = || Error::MissingKey { rule: rule.name.clone() };
                facts.key(index).ok_or_else(missing)?
            }
            Key::Ip if client.is_some() => return Ok(self.by_address("", client)),
            Key::Ip | Key::Path | Key::Method | Key::Header(_) if !facts.is_request() => {
                let key = rule.key.to_string();
                return Err(Error::OutsideRequest { rule: rule.name.clone(), key });
            }
            Key::Ip => return Ok(self.by_address("", client)),
            Key::Path => facts.path(),
            Key::Method => Cow::Borrowed(facts.method().as_bytes()),
            Key::Header(name) => {
                let mut lines = facts.header(name);
                match lines.len() {
                    // Apart from everybody with the field: no value can contain this byte.
                    0 => return Ok(self.by_address("\0", client)),
                    1 => lines.swap_remove(0),
                    // A field sent several times means its values joined by commas.
                    _ => Cow::Owned(lines.join(&b", "[..])),
                }
            }
        };
        Ok(Subject::Given(given))
    }

    fn by_address(&self, mark: &str, client: Option<&Found<'_>>) -> Subject<'static> {
        let mut text = Text::default();
        let subject = client.map(|client| client.subject(&self.resolver));
        text.push(mark.as_bytes());
        match subject {
            Some(address::Subject::Network(network)) => text.push_network(network),
            Some(subject) => text.push(subject.to_string().as_bytes()),
            None => {}
        }
        Subject::Written(text)
    }
}

/// What a gate is to decide.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whom each rule counts.
    subjects: Box<[Box<[u8]>]>,
    client: Option<Client>,
    cost: Option<u32>,
}

impl Question {
    fn finish(mut self, mut decision: Decision) -> Decision {
        decision.subject = Some(std::mem::take(&mut self.subjects[decision.rule_index()]));
        decision.client = self.client;
        decision
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("rules", &self.rules())
            .field("store", &self.store_name())
            .finish_non_exhaustive()
    }
}

/// Puts a [`Gate`] together.
#[must_use = "call `build` to get the gate"]
pub struct GateBuilder {
    rules: Vec<Rule>,
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    resolver: Resolver,
}

impl GateBuilder {
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

    /// Checks that the rules make sense together.
    ///
    /// # Errors
    ///
    /// [`Error`] that names the rule and what would be right.
    pub fn build(self) -> Result<Gate, Error> {
        let rules = Rules::new(self.rules)?;
        let by_address = |rule: &Rule| matches!(rule.key, Key::Ip | Key::Header(_));
        let needs_client = rules.rules.iter().any(by_address);
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        check_support(&*store, &rules.rules)?;
        let engine = Engine::new(rules, store, self.clock);
        Ok(Gate { engine, resolver: self.resolver, needs_client })
    }
}
