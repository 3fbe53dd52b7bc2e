//! Why something is set up wrong, or a store gave no answer.

use tidegate_core::grammar::ParseError;

/// Why a limiter could not be built, or a store gave no decision.
///
/// A denied request is not an error: it is a decision, in the `Ok` branch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A limit string that makes no sense.
    #[error(transparent)]
    Limit(#[from] ParseError),

    /// Nothing to check against.
    #[error("there is no rule; add at least one with `.rule(...)`")]
    NoRules,

    /// Two rules of one name would share their counts.
    #[error("there are two rules named `{rule}`; names must differ")]
    DuplicateRule {
        /// The name they share.
        rule: String,
    },

    /// A rule without a name, or with one that is too long.
    #[error("a rule's name must have 1 to 128 bytes, got {length}")]
    RuleName {
        /// The name's length in bytes.
        length: usize,
    },

    /// More limits on one request than a decision can report.
    #[error("the rules have {count} limits in all; at most {max} can be checked at once")]
    TooManyLimits {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },

    /// A decision is to be put together from parts that do not belong together.
    #[error("{answers} answers for {limits} limits; there must be one for each")]
    AnswerCount {
        /// Limits of the rules.
        limits: usize,
        /// Answers that were given.
        answers: usize,
    },

    /// A cost that no request of the rule could ever pay.
    #[error(
        "rule `{rule}` costs {cost} units, but its limit never lets more than {capacity} pass at once"
    )]
    CostAboveCapacity {
        /// The rule's name.
        rule: String,
        /// What a request costs.
        cost: u32,
        /// What a rested key can spend at once.
        capacity: u32,
    },

    /// A rule limits requests in flight where there are none.
    #[error(
        "rule `{rule}` has the limit {concurrent} concurrent, which needs a gate: only a request has an end"
    )]
    NeedsGate {
        /// The rule's name.
        rule: String,
        /// How many requests of a key may be in flight at once.
        concurrent: u32,
    },

    /// A key source that is not known.
    #[error(
        "unknown key `{key}`; expected ip, user, global, path, route, method, host, header:NAME, \
         cookie:NAME, query:NAME or form:NAME"
    )]
    UnknownKey {
        /// What was given.
        key: String,
    },

    /// A rule that there is not.
    #[error(
        "there is no rule named `{rule}`{}; the rules are `{known}`",
        .nearest.as_ref().map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
    )]
    UnknownRule {
        /// What was asked for.
        rule: String,
        /// The rules that there are, with a comma between them.
        known: String,
        /// What was probably meant.
        nearest: Option<String>,
    },

    /// A rule's key is computed by the caller, who did not give it.
    #[error("rule `{rule}` counts by a key of the caller's making, and none was given")]
    MissingKey {
        /// The rule's name.
        rule: String,
    },

    /// A list of keys with none in it, or with a list or everybody inside.
    #[error(
        "rule `{rule}`: a list of keys must name at least one, and neither `global` nor another list"
    )]
    KeyList {
        /// The rule's name.
        rule: String,
    },

    /// A limit of requests in flight for one key of a rule that has none by itself.
    #[error(
        "rule `{rule}` was told a limit of {concurrent} concurrent; give the rule itself such a \
         limit too"
    )]
    NeedsOwnConcurrency {
        /// The rule's name.
        rule: String,
        /// The limit that was told.
        concurrent: u32,
    },

    /// Something that is no HTTP status, nor several.
    #[error("`{text}` is no HTTP status; write one such as 401, 4xx or 400-403")]
    UnknownStatus {
        /// What was given.
        text: String,
    },

    /// A block that makes no sense.
    #[error("the block makes no sense: {problem}")]
    Block {
        /// What is wrong.
        problem: &'static str,
    },

    /// A pattern that can match nothing, or is no pattern.
    #[error("the {what} `{pattern}` can match nothing: {problem}")]
    Pattern {
        /// What the pattern is for: a path, a method, a host, a route.
        what: &'static str,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },

    /// A list of addresses has something in it that is none.
    #[error("the list `{list}`: {source}")]
    List {
        /// Which list.
        list: &'static str,
        /// What is wrong with it.
        source: tidegate_core::address::NetworkError,
    },

    /// A rule counts by something that only a request has.
    #[error("rule `{rule}` counts by {key}, which is known only inside a request")]
    OutsideRequest {
        /// The rule's name.
        rule: String,
        /// What it counts by.
        key: String,
    },

    /// Something else than what can become of a request without an answer.
    #[error("unknown mode `{mode}`; on_store_error is one of open, closed and local")]
    UnknownMode {
        /// What was given.
        mode: String,
    },

    /// A store behind a connection gave no answer, or is set up wrong.
    #[error(transparent)]
    Remote(#[from] tidegate_remote::RemoteError),

    /// A store of the user's own making could not decide.
    #[error("the store {store} failed")]
    Store {
        /// The store's name.
        store: String,
        /// What it says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A store that cannot tell which keys it holds.
    #[error(
        "the store {store} cannot list its keys: it keeps digests of them, and no text; look at one key by its name (`peek` of a limiter, `inspect` of a gate), or count in a server"
    )]
    NoList {
        /// The store's name.
        store: &'static str,
    },

    /// A store that this build does not know.
    #[error("unknown store `{url}`; expected {}", crate::url::KNOWN)]
    UnknownStore {
        /// The URL, secrets masked.
        url: String,
    },

    /// A shared table could not be opened, or could not count.
    #[cfg(unix)]
    #[error(transparent)]
    Shared(#[from] tidegate_memory::SharedError),

    /// A store cannot count a limit of a rule.
    #[error("rule `{rule}` has the limit {limit}, which the store cannot count: {reason}")]
    UnsupportedLimit {
        /// The rule's name.
        rule: String,
        /// The limit, in canonical spelling.
        limit: String,
        /// Why, and what would be right.
        reason: String,
    },

    /// A store's URL has an option that makes no sense.
    #[error("{option} of the store's URL makes no sense; expected {expected}")]
    StoreOption {
        /// Which option, with its value.
        option: String,
        /// What would be right.
        expected: &'static str,
    },

    /// The system refused the address space that a store asked for.
    #[error("there is no room for a table of {keys} keys; lower the capacity")]
    NoMemory {
        /// Keys that were asked for.
        keys: usize,
        /// What the system said.
        source: std::io::Error,
    },
}
