//! What a request passes: who is calling, the lists, then the rules, all or nothing.
//!
//! Knows requests only as [`Facts`]; each framework's adapter translates its own.

mod brief;
mod builder;
mod facts;
mod flights;
mod listed;
mod lists;
mod pass;
mod penalty;
mod plan;
mod plans;
mod question;
mod subjects;

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use smallvec::SmallVec;
use tidegate_core::address::{Client as Found, ClientAddress, Resolver, Source};

pub(crate) use self::pass::Pass;
pub use self::{
    brief::{Brief, Caller},
    builder::GateBuilder,
    facts::{Facts, Lines},
    pass::Ending,
    question::Question,
};
use self::{lists::Lists, penalty::Penalty, plan::Plan, plans::Plans, subjects::Subjects};
use crate::{
    Client, Decided, Decision, Error, Rule, Store, Watch,
    carry::Carrying,
    engine::{Engine, Mode},
    keys::named,
    subject::Subject,
};

/// Rules, where their counts live, and whom to believe about addresses.
pub struct Gate {
    /// For what is not about one request: the store, the clock.
    engine: Arc<Engine>,
    /// Set when limits of the gate before it have changed.
    carrying: Option<Arc<Carrying>>,
    plans: Plans,
    resolver: Resolver,
    lists: Lists,
    /// Whether anything asks for the client's address.
    needs_client: bool,
    /// Who is told of decisions, if somebody is.
    watch: Option<Arc<Watch>>,
    /// Whether most answers can be given in short.
    is_brief: bool,
}

/// A request on its way through the gate.
struct Asked<'f> {
    client: Option<Found<'f>>,
    plan: Arc<Plan>,
    /// Whom each rule of the plan counts.
    subjects: SmallVec<[Subject<'f>; 2]>,
}

/// What the gate says before any rule is looked at.
enum Way<'f> {
    /// It depends on the rules.
    Rules(Asked<'f>),
    /// Let in, or kept out, by name.
    Listed(Decision),
}

impl Gate {
    /// Starts from no rules, the machine's clock, a store in this process, and no trust in
    /// anybody's forwarding header fields.
    pub fn builder() -> GateBuilder {
        GateBuilder::new()
    }

    /// Decides one request, and takes its cost if it is allowed.
    ///
    /// A request that no rule applies to, and one from an address that is let in by name, is
    /// allowed and [not counted](Decision::is_counted).
    ///
    /// # Errors
    ///
    /// [`Error::MissingKey`] and [`Error::OutsideRequest`] when the caller gave less than
    /// the rules need; otherwise when the store could not decide. Nothing that a client
    /// sends is an error.
    pub fn admit(&self, facts: &dyn Facts) -> Result<Decision, Error> {
        let Some(watch) = &self.watch else {
            return self.decide(Mode::Check, facts, facts.cost());
        };
        let start = Instant::now();
        let decided = self.decide(Mode::Check, facts, facts.cost());
        watch.note(&decided, start);
        decided
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
        let Asked { client, plan, subjects } = match self.way(facts)? {
            Way::Rules(asked) => asked,
            Way::Listed(decision) => return Ok(decision),
        };
        let mut decision = plan.decide(mode, cost, |place| subjects[place].as_bytes())?;
        if decision.is_counted() && decision.subject.is_none() {
            decision.subject = Some(subjects[decision.rule_index()].as_bytes().into());
        }
        decision.client = client.map(Into::into);
        Ok(decision)
    }

    /// Tells the end of a request that was admitted: gives back what its rules do not charge for.
    ///
    /// Only the first call for a decision, or for a copy of it, does anything.
    ///
    /// # Errors
    ///
    /// When the store could not be reached. What was taken stays taken then.
    pub fn settle(&self, decision: &Decision, ending: &Ending<'_>) -> Result<(), Error> {
        decision.pass.as_ref().map_or(Ok(()), |pass| pass.settle(ending))
    }

    /// Whether the end of any request matters: see [`settle`](Self::settle).
    #[must_use]
    pub fn settles(&self) -> bool {
        self.plans.settles()
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
        let way = self.way(facts).inspect_err(|_| {
            if let Some(watch) = &self.watch {
                watch.note_error();
            }
        });
        Ok(match way? {
            Way::Rules(asked) => Question::new(asked, facts.cost()),
            Way::Listed(decision) => Question::answered(decision),
        })
    }

    /// Decides a [`question`](Self::question), and waits for the answer.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    pub fn ask(&self, question: Question) -> Result<Decision, Error> {
        let Some(watch) = &self.watch else { return question.ask() };
        let start = Instant::now();
        let decided = question.ask();
        watch.note(&decided, start);
        decided
    }

    /// Decides a [`question`](Self::question), and calls `done` when it is decided: before this
    /// returns when there is nothing to wait for, by another thread otherwise.
    ///
    /// Waits here and now for a question of [several steps](Question::has_steps).
    pub fn start(&self, question: Question, done: Decided) {
        let Some(watch) = &self.watch else { return question.start(done) };
        let (watch, start) = (Arc::clone(watch), Instant::now());
        question.start(Box::new(move |decided| {
            watch.note(&decided, start);
            done(decided);
        }));
    }

    /// The store, for what is not a decision.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.engine.store
    }

    /// Who is told of its decisions.
    #[must_use]
    pub const fn watch(&self) -> Option<&Arc<Watch>> {
        self.watch.as_ref()
    }

    pub(crate) const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Gives back what was paid for in advance, and closes connections.
    pub fn close(&self) {
        self.plans.close();
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
        &self.plans.rules
    }

    /// What the rules ask of [`Facts`] beyond what every request has: `user`, `route`, `form`.
    pub fn needs(&self) -> impl ExactSizeIterator<Item = &'static str> + use<> {
        self.plans.needs().into_iter()
    }

    /// The positions of the rules that apply to a request.
    pub fn applying(&self, facts: &dyn Facts) -> impl Iterator<Item = usize> {
        self.plans.applying(facts)
    }

    /// Whom the rule at position `rule` counts in a request.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit), but for those of the store.
    pub fn subject(&self, facts: &dyn Facts, rule: usize) -> Result<Box<[u8]>, Error> {
        let client = self.client(facts);
        Ok(self.subject_of(facts, client.as_ref(), rule)?.as_bytes().into())
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

    /// Lifts a block that `rule` may have on `subject`.
    pub(crate) fn forgive(&self, rule: &str, subject: &[u8]) -> Result<(), Error> {
        self.penalty(rule)?.map_or(Ok(()), |penalty| penalty.forgive(subject))
    }

    /// For how much longer `rule` keeps `subject` out after a breach; `None` when it does not.
    ///
    /// # Errors
    ///
    /// As [`inspect`](Self::inspect).
    pub fn blocked(&self, rule: &str, subject: &[u8]) -> Result<Option<Duration>, Error> {
        self.penalty(rule)?.map_or(Ok(None), |penalty| penalty.rest(subject, false))
    }

    fn penalty(&self, rule: &str) -> Result<Option<Penalty>, Error> {
        let rule = &self.rules()[named(self.rules(), rule)?];
        let Some(block) = &rule.block else { return Ok(None) };
        let Engine { store, clock, .. } = &*self.engine;
        Penalty::new(rule, block, store, clock).map(Some)
    }

    /// Whether the request comes from an address that is let in by name, whatever the rules say.
    #[must_use]
    pub fn lets_in(&self, facts: &dyn Facts) -> bool {
        self.listed(self.client(facts).as_ref()).is_some_and(|decision| decision.allowed)
    }

    fn way<'f>(&self, facts: &'f dyn Facts) -> Result<Way<'f>, Error> {
        let client = self.client(facts);
        if let Some(mut decision) = self.listed(client.as_ref()) {
            decision.client = client.map(Into::into);
            return Ok(Way::Listed(decision));
        }
        let plan = self.plans.find(facts, &self.engine)?;
        let subjects = plan
            .rules
            .iter()
            .map(|&rule| self.subject_of(facts, client.as_ref(), rule))
            .collect::<Result<_, _>>()?;
        let mut asked = Asked { client, plan, subjects };
        let mut listed = self.excepted(&asked);
        if listed.is_none() && self.plans.has_key_lists {
            listed = self.key_listed(facts, &mut asked)?;
        }
        if let Some(mut decision) = listed {
            decision.client = asked.client.map(Into::into);
            return Ok(Way::Listed(decision));
        }
        Ok(Way::Rules(asked))
    }

    fn subject_of<'f>(
        &self,
        facts: &'f dyn Facts,
        client: Option<&Found<'f>>,
        rule: usize,
    ) -> Result<Subject<'f>, Error> {
        let subjects = Subjects { facts, client, resolver: &self.resolver };
        let Rule { name, key, .. } = &self.plans.rules[rule];
        subjects.of(name, key, self.plans.numbers[rule])
    }

    /// Who is calling, if anything wants to know and there is a way to find out.
    fn client<'f>(&self, facts: &'f dyn Facts) -> Option<Found<'f>> {
        let known = facts.is_request() || facts.address().is_some();
        let excepts = || self.watch.as_ref().is_some_and(|watch| watch.has_exceptions());
        ((self.needs_client || excepts()) && known).then(|| self.find(facts))
    }

    fn find<'f>(&self, facts: &'f dyn Facts) -> Found<'f> {
        if let Some(address) = facts.address() {
            let address = ClientAddress::from_peer(Some(address));
            return Found { address, source: Source::Peer, ignored: false };
        }
        let lines = facts.header(self.resolver.header().name());
        self.resolver.resolve(facts.peer(), lines.iter().map(Cow::as_ref))
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
