//! Looking at the counts of one rule: which keys a store holds, how one of them stands, and
//! letting it begin anew.
//!
//! Always of a rule by itself, whatever others a request is checked against as well.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc},
};

use tidegate_core::{Change, grammar::closest};
use tidegate_remote::{Listed, Name, Page, RemoteError, RemoteStore, Subject};

use crate::{
    Decision, Error, Gate, Limiter, Rule,
    engine::{Engine, Mode},
    key_lists::ListedKey,
    rules::Rules,
};

/// How many counters a page of a list is asked for, and how many keys are looked at in a turn.
const TURN: u32 = 500;

/// A key that a store holds a count of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CountedKey {
    /// The rule that counts it.
    pub rule: String,
    /// The key, or a digest of one that was too long to be kept.
    pub subject: Subject,
    /// What a request at the rule's own cost would be answered. `None` for a digest, which
    /// nobody can ask about.
    pub decision: Option<Decision>,
}

impl Gate {
    /// Lists keys that rules of this gate count, at most `most`, of those that begin with
    /// `prefix`; by rule, and then by key. What is kept as a digest begins with nothing.
    ///
    /// Reads the store in pages, each within the store's timeout, and never holds it up. A key
    /// that comes or goes meanwhile may be there or not.
    ///
    /// # Errors
    ///
    /// [`Error::NoList`] for a store that keeps no list; otherwise when the store gives no answer.
    pub fn keys(&self, prefix: &[u8], most: usize) -> Result<Vec<CountedKey>, Error> {
        self.engine().keys(prefix, most)
    }

    /// How `subject` stands with `rule`: what a request at the rule's own cost would be answered
    /// by that rule alone, also while the rule blocks it, or has it on a list of its own. Takes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRule`]; and when the store gives no answer, whatever the rule says about
    /// that.
    pub fn inspect(&self, rule: &str, subject: &[u8]) -> Result<Decision, Error> {
        let mut decision = self.counts(rule, subject)?;
        match self.rules()[named(self.rules(), rule)?].key_lists.find(subject) {
            ListedKey::Denied => return Ok(Decision::denied_by_list().of_key(rule, subject)),
            ListedKey::Exempt => decision = Decision::uncounted(),
            ListedKey::Neither => {}
        }
        if decision.is_counted()
            && let Some(rest) = self.blocked(rule, subject)?
        {
            decision = decision.into_penalised(0, rest);
        }
        decision.subject = Some(subject.into());
        Ok(decision)
    }

    /// What each limit of `rule` would answer a request at the rule's own cost, whatever its block
    /// and its lists of keys say of `subject`. Takes nothing.
    ///
    /// # Errors
    ///
    /// As [`inspect`](Self::inspect).
    pub fn counts(&self, rule: &str, subject: &[u8]) -> Result<Decision, Error> {
        self.engine().of_rule(rule)?.inspect(subject)
    }

    /// Lets `rule` forget `subject`, which starts again with full quota and without a block.
    ///
    /// # Errors
    ///
    /// As [`inspect`](Self::inspect).
    pub fn reset(&self, rule: &str, subject: &[u8]) -> Result<(), Error> {
        self.engine().of_rule(rule)?.adjust(subject, None, |_| Change::Reset)?;
        self.forgive(rule, subject)
    }
}

/// The position of the rule of this name.
pub(crate) fn named(rules: &[Rule], name: &str) -> Result<usize, Error> {
    rules.iter().position(|rule| rule.name == name).ok_or_else(|| {
        let known: Vec<&str> = rules.iter().map(Rule::name).collect();
        let nearest = closest(name, known.iter().copied()).map(str::to_owned);
        Error::UnknownRule { rule: name.to_owned(), known: known.join("`, `"), nearest }
    })
}

impl Limiter {
    /// Lists keys that this limiter counts, as [`Gate::keys`] does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn keys(&self, prefix: &[u8], most: usize) -> Result<Vec<CountedKey>, Error> {
        self.engine().keys(prefix, most)
    }
}

impl Engine {
    /// An engine for one rule, with the same counts.
    fn of_rule(&self, name: &str) -> Result<Arc<Self>, Error> {
        let rules = &self.rules.rules;
        self.with_rule(&rules[named(rules, name)?])
    }

    fn with_rule(&self, rule: &Rule) -> Result<Arc<Self>, Error> {
        let rules = Rules::new(vec![Rule { lease: None, ..rule.clone() }])?;
        Ok(Self::new(rules, Arc::clone(&self.store), Arc::clone(&self.clock)))
    }

    fn inspect(self: &Arc<Self>, subject: &[u8]) -> Result<Decision, Error> {
        let Some(remote) = self.store.remote() else {
            return self.decide(Mode::Peek, None, |_| subject);
        };
        let instant = self.remote_instant(remote)?;
        let answer = remote.peek(&self.charges(instant, None, &|_| subject))?;
        Ok(self.first(remote, answer))
    }

    fn keys(self: &Arc<Self>, prefix: &[u8], most: usize) -> Result<Vec<CountedKey>, Error> {
        let store = self.store.name();
        let remote = self.store.remote().ok_or(Error::NoList { store })?;
        let mut counted = Vec::new();
        for (rule, subjects) in self.list(remote, prefix, most)? {
            let rule = &self.rules.rules[rule];
            counted.extend(self.with_rule(rule)?.look_at(remote, rule, subjects)?);
        }
        Ok(counted)
    }

    /// The subjects that each rule counts, by the rule's position.
    fn list(
        &self,
        remote: &dyn RemoteStore,
        prefix: &[u8],
        most: usize,
    ) -> Result<BTreeMap<usize, BTreeSet<Subject>>, Error> {
        let rule = match self.rules.rules.as_slice() {
            [only] => Some(only.name.clone()),
            _ => None,
        };
        let (mut found, mut number) = (BTreeMap::<usize, BTreeSet<Subject>>::new(), 0);
        let mut page = Page { rule, prefix: Name::begins(prefix), size: TURN, after: None };
        while number < most {
            let Listed { counters, next } = remote.list(&page)?;
            for (rule, tag, subject) in counters {
                let is_ours = |counted: &&crate::rules::Counted| {
                    counted.tag == tag && self.rules.rules[counted.rule].name == rule
                };
                // What is left of a limit that the rule had before is nobody's.
                let Some(ours) = self.rules.counted.iter().find(is_ours) else { continue };
                if number < most && found.entry(ours.rule).or_default().insert(subject) {
                    number += 1;
                }
            }
            if next.is_none() {
                break;
            }
            page.after = next;
        }
        Ok(found)
    }

    /// Looks at many subjects of the only rule, many of them at once.
    fn look_at(
        self: &Arc<Self>,
        remote: &dyn RemoteStore,
        rule: &Rule,
        subjects: BTreeSet<Subject>,
    ) -> Result<Vec<CountedKey>, Error> {
        let mut keys: Vec<CountedKey> = subjects
            .into_iter()
            .map(|subject| CountedKey { rule: rule.name.clone(), subject, decision: None })
            .collect();
        for keys in keys.chunks_mut(TURN as usize) {
            let (sender, receiver) = mpsc::channel();
            let instant = self.remote_instant(remote)?;
            for (index, key) in keys.iter().enumerate() {
                let Subject::Plain(subject) = &key.subject else { continue };
                let sender = sender.clone();
                // The receiver is there until every answer is.
                let done = move |outcome| drop(sender.send((index, outcome)));
                let charges = self.charges(instant, None, &|_| subject.as_slice());
                remote.look(&charges, Box::new(done));
            }
            drop(sender);
            for (index, outcome) in receiver {
                let outcome: Result<_, RemoteError> = outcome;
                let mut decision = self.first(remote, outcome?);
                if let Subject::Plain(subject) = &keys[index].subject {
                    decision.subject = Some(subject.as_slice().into());
                }
                keys[index].decision = Some(decision);
            }
        }
        Ok(keys)
    }
}
