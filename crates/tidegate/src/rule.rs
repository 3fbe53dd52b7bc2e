//! Rules: a name, one or more limits, whom they count and when, and what follows a breach.

use std::{str::FromStr, time::Duration};

use tidegate_core::grammar::Limits;

use crate::{
    Block, Error, Key, Match, Statuses,
    key_lists::{KeyLists, ListedKey},
};

/// What becomes of a request when the store gives no answer in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(schemars::JsonSchema, serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
pub enum OnStoreError {
    /// It is admitted: when there is no answer in time. When the server refuses access or fails in
    /// its own way, it is decided as with `local`: a wrong password must not open anything.
    Open,
    /// It is refused; the reason is `store_error`.
    Closed,
    /// It is decided by this process alone, in memory, from where the store last saw the key.
    #[default]
    Local,
}

impl FromStr for OnStoreError {
    type Err = Error;

    /// `open`, `closed` or `local`.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            "local" => Ok(Self::Local),
            _ => Err(Error::UnknownMode { mode: text.to_owned() }),
        }
    }
}

/// A named limit, or several, and whom they count.
///
/// A [`Limiter`](crate::Limiter) looks at the limits and the cost alone. All else is about
/// requests, and for a [`Gate`](crate::Gate).
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) limits: Limits,
    pub(crate) key: Key,
    pub(crate) cost: u32,
    pub(crate) on_store_error: OnStoreError,
    pub(crate) lease: Option<Duration>,
    pub(crate) applies: Match,
    pub(crate) shadow: bool,
    pub(crate) block: Option<Block>,
    pub(crate) charge_on: Option<Statuses>,
    pub(crate) is_settled_by_caller: bool,
    pub(crate) by_name: bool,
    pub(crate) key_lists: KeyLists,
}

impl Rule {
    /// A rule that counts everybody together, one unit a request.
    #[must_use]
    pub fn new(name: impl Into<String>, limits: Limits) -> Self {
        Self {
            name: name.into(),
            limits,
            key: Key::Global,
            cost: 1,
            on_store_error: OnStoreError::default(),
            lease: None,
            applies: Match::default(),
            shadow: false,
            block: None,
            charge_on: None,
            is_settled_by_caller: false,
            by_name: false,
            key_lists: KeyLists::default(),
        }
    }

    /// Counts by `key`.
    #[must_use]
    pub fn key(self, key: Key) -> Self {
        Self { key, ..self }
    }

    /// Leaves these keys alone: the rule neither counts nor refuses them. Each is the bytes that
    /// are counted, as [`Decision::subject`](crate::Decision::subject) has them. A look-up takes
    /// as long for many keys as for one.
    #[must_use]
    pub fn exempt(self, keys: impl IntoIterator<Item: Into<Box<[u8]>>>) -> Self {
        let keys = keys.into_iter().map(Into::into);
        Self { key_lists: self.key_lists.with_exempt(keys), ..self }
    }

    /// Refuses requests of these keys, whatever the limits say, as the gate's own list of those
    /// who are kept out does. A key that is [exempt](Self::exempt) as well is refused.
    #[must_use]
    pub fn deny(self, keys: impl IntoIterator<Item: Into<Box<[u8]>>>) -> Self {
        let keys = keys.into_iter().map(Into::into);
        Self { key_lists: self.key_lists.with_deny(keys), ..self }
    }

    /// Takes `cost` units a request. Zero counts nothing.
    #[must_use]
    pub fn cost(self, cost: u32) -> Self {
        Self { cost, ..self }
    }

    /// What becomes of a request when the store gives no answer. A store in this process
    /// always gives one.
    #[must_use]
    pub fn on_store_error(self, mode: OnStoreError) -> Self {
        Self { on_store_error: mode, ..self }
    }

    /// Pays a remote store for several requests in advance, and spends them in this process
    /// for as long as `validity`.
    ///
    /// All processes together still admit no more than the limit: every unit is taken before
    /// it is spent. Only *when* shifts: in any window `W` no more passes than the limit allows
    /// in a window of `W + validity`. Near the limit, and for keys that are seldom seen, every
    /// request asks the store. Without effect for a store in this process, or when another
    /// rule of the same limiter has none.
    #[must_use]
    pub fn lease(self, validity: Duration) -> Self {
        Self { lease: Some(validity), ..self }
    }

    /// Applies to the requests that `applies` picks out; by default, to all.
    #[must_use]
    pub fn matching(self, applies: Match) -> Self {
        Self { applies, ..self }
    }

    /// Counts what would be refused, and refuses nothing: see
    /// [`Decision::shadow`](crate::Decision::shadow). Its counters are those of the same rule
    /// when it is enforced.
    #[must_use]
    pub fn shadow(self, shadow: bool) -> Self {
        Self { shadow, ..self }
    }

    /// Keeps a key out for a while once it has gone over the limit.
    #[must_use]
    pub fn block(self, block: Block) -> Self {
        Self { block: Some(block), ..self }
    }

    /// Gives back what was taken unless the response's status is one of `statuses`: see
    /// [`Gate::settle`](crate::Gate::settle).
    #[must_use]
    pub fn charge_on(self, statuses: Statuses) -> Self {
        Self { charge_on: Some(statuses), ..self }
    }

    /// Says that the caller will tell, by [`Gate::settle`](crate::Gate::settle), whether to
    /// charge for a request, or how much.
    #[must_use]
    pub fn settled_by_caller(self, is_settled: bool) -> Self {
        Self { is_settled_by_caller: is_settled, ..self }
    }

    /// Applies only where the caller names the rule: see [`Facts::rule`](crate::Facts::rule).
    #[must_use]
    pub fn by_name(self, by_name: bool) -> Self {
        Self { by_name, ..self }
    }

    /// Whether the end of a request matters.
    pub(crate) const fn settles(&self) -> bool {
        self.charge_on.is_some() || self.is_settled_by_caller || self.limits.concurrent().is_some()
    }

    /// The rule's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the rule leaves this key alone, as one that is [exempt](Self::exempt).
    #[must_use]
    pub fn is_exempt(&self, key: &[u8]) -> bool {
        self.key_lists.find(key) == ListedKey::Exempt
    }

    /// Whether the rule refuses this key, as one that is [denied](Self::deny).
    #[must_use]
    pub fn is_denied(&self, key: &[u8]) -> bool {
        self.key_lists.find(key) == ListedKey::Denied
    }

    /// The rule's limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether the rule only counts what it would refuse.
    #[must_use]
    pub const fn is_shadow(&self) -> bool {
        self.shadow
    }

    /// The requests that the rule applies to.
    #[must_use]
    pub const fn applies(&self) -> &Match {
        &self.applies
    }

    /// The same rule with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Units that a request takes.
    #[must_use]
    pub const fn units(&self) -> u32 {
        self.cost
    }

    /// Whether the rule applies only where the caller names it.
    #[must_use]
    pub const fn is_by_name(&self) -> bool {
        self.by_name
    }

    /// Whom the rule counts.
    #[must_use]
    pub const fn counts(&self) -> &Key {
        &self.key
    }
}
