//! Every field that a configuration has, and what it means.
//!
//! The comments here are the documentation of the fields, wherever it is read: in the JSON
//! schema, in the reference, in the file that `tidegate init` writes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_core::{algorithm::Kind, fields::Profile};

use super::{
    include::Listing,
    secret::Secret,
    word::{Many, One},
    words::{
        FilePath, HeaderWord, KeyWord, LimitWord, Name, NetworkWord, Pattern, ProxyWord, Time,
    },
};
use crate::{Key, OnStoreError, Statuses};

/// A configuration of tidegate: where counts live, whom to believe, and the rules.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "tidegate")]
#[non_exhaustive]
pub struct Config {
    /// Where counts live: `memory://` in each process, `shared://NAME` for all processes of a
    /// host, `redis://HOST`, `postgresql://HOST/DATABASE`; or `{ env = "VARIABLE" }`,
    /// `{ file = "PATH" }` for a URL with a secret in it. A change takes effect at the next start.
    pub store: Secret,

    /// What becomes of a request when the store gives no answer in time: `local` decides in this
    /// process, `open` admits, `closed` refuses. A rule may say otherwise.
    pub on_store_error: OnStoreError,

    /// For how long units may be taken from a store in a server in advance, such as `"1s"`. A
    /// rule may say otherwise.
    #[schemars(example = &"1s")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<One<Time>>,

    /// Addresses and networks of your proxies, or how many of them stand in a row. Without it,
    /// forwarding headers are ignored.
    #[schemars(example = serde_json::json!(["10.0.0.0/8"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<Many<ProxyWord>>,

    /// The header field that the proxies write: `x-forwarded-for`, `forwarded`, or a provider's
    /// own such as `cf-connecting-ip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded_header: Option<One<HeaderWord>>,

    /// How many bits of an IPv6 address count as one client, from 32 to 128.
    #[schemars(range(min = 32, max = 128))]
    pub ipv6_prefix: u8,

    /// The header fields on responses: `x-ratelimit`, `draft`, `legacy`, `none`, or several.
    #[schemars(example = serde_json::json!(["x-ratelimit", "draft"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Many<Profile>>,

    /// Addresses and networks that no rule limits. `{ file = "PATH" }` in the list includes a
    /// file with one on each line.
    #[schemars(example = serde_json::json!(["192.0.2.1"]))]
    #[serde(skip_serializing_if = "Listing::is_empty")]
    pub allow: Listing<NetworkWord>,

    /// Addresses and networks that are refused with a 403. Where an address is on both lists,
    /// the smaller network counts, and of two alike this one.
    #[schemars(example = serde_json::json!(["198.51.100.0/24"]))]
    #[serde(skip_serializing_if = "Listing::is_empty")]
    pub deny: Listing<NetworkWord>,

    /// `shadow` counts what would be refused and refuses nothing, whatever the rules say.
    pub mode: Mode,

    /// What a running application tells, and to whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<AdminConfig>,

    /// Who may do how much. A request passes all rules that apply to it, or none is charged.
    pub rules: Vec<RuleConfig>,
}

/// How much, whom it counts, and when it applies.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "rule")]
#[non_exhaustive]
pub struct RuleConfig {
    /// What decisions, header fields, metrics and `rate_limit(name=...)` call the rule. Counts
    /// are kept by it: a rule under another name begins anew.
    #[schemars(example = &"api")]
    pub name: One<Name>,

    /// How much: `"100/minute"`, `"10/second burst 20"`, `"5/5m; 20/day"`, `"20 concurrent"`; or a
    /// list of these, all of which hold.
    #[schemars(example = &"100/minute")]
    pub limit: Many<LimitWord>,

    /// Whom the rule counts: `ip`, `user`, `global`, `path`, `route`, `method`, `host`,
    /// `header:NAME`, `cookie:NAME`, `query:NAME` or `form:NAME`; or a list, counted together.
    #[schemars(example = &"ip")]
    pub key: Many<Key>,

    /// Keys that the rule leaves alone: it neither counts nor refuses them. `{ file = "PATH" }` in
    /// the list includes a file with one on each line. A key is written as it is counted: an
    /// address for `ip`, parts with `|` between them for a list of keys.
    #[schemars(example = serde_json::json!(["192.0.2.1"]))]
    #[serde(default, skip_serializing_if = "Listing::is_empty")]
    pub exempt: Listing<KeyWord>,

    /// Keys whose requests the rule refuses with a 403, whatever its limits say; those that are
    /// exempt, too. Written as there.
    #[schemars(example = serde_json::json!(["198.51.100.7"]))]
    #[serde(default, skip_serializing_if = "Listing::is_empty")]
    pub deny: Listing<KeyWord>,

    /// The requests that the rule applies to; by default, all.
    #[schemars(example = serde_json::json!({ "path": "/api/**", "methods": ["POST"] }))]
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    pub applies_to: Option<MatchConfig>,

    /// `requests` applies the rule to every request that `match` picks out; `by_name` only where
    /// the application says `rate_limit(name=...)`.
    #[serde(default)]
    pub apply: Apply,

    /// How units come back, for limits that do not say so themselves: `gcra`, `token_bucket`,
    /// `leaky_bucket`, `fixed_window`, `sliding_window_log` or `sliding_window_counter`.
    #[schemars(example = &"sliding_window_log")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<One<Kind>>,

    /// Units that one request takes.
    #[serde(default = "one_unit")]
    pub cost: u32,

    /// `shadow` counts what would be refused, and refuses nothing.
    #[serde(default)]
    pub mode: Mode,

    /// For how long a key is kept out once it has gone over the limit: `"15m"`, or a list of for
    /// how long the first time, the second, and so on.
    #[schemars(example = serde_json::json!(["15m", "1h", "24h"]))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Many<Time>>,

    /// After how long one breach is forgotten; 24 hours unless said otherwise.
    #[schemars(example = &"24h")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_decay: Option<One<Time>>,

    /// Whether an attempt starts a running block anew. It lets others keep a key locked out for
    /// ever, when they can make requests in its name.
    #[serde(default)]
    pub extend_on_attempt: bool,

    /// Statuses of responses that are charged for, such as `401` or `"4xx"`; what any other
    /// response took is given back.
    #[schemars(example = serde_json::json!(["401", "4xx"]))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge_on: Option<Many<Statuses>>,

    /// As the field of the same name for the whole.
    #[schemars(example = &"closed")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_store_error: Option<OnStoreError>,

    /// As the field of the same name for the whole.
    #[schemars(example = &"1s")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<One<Time>>,
}

/// The requests that a rule applies to. What is given must match, all of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "match")]
#[non_exhaustive]
pub struct MatchConfig {
    /// Globs of paths: `*` stands for anything within a segment, `**` for any number of segments,
    /// `?` for one character, `{a,b}` for either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Many<Pattern>>,

    /// Globs of paths that are not matched after all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Many<Pattern>>,

    /// Templates of routes, as the framework writes them: `/items/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Many<Pattern>>,

    /// Methods, in any case. `GET` stands for `HEAD` too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub methods: Option<Many<Pattern>>,

    /// Globs of hosts, without a port, in any case: `*.example.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Many<Pattern>>,
}

/// What a running application tells, and to whom.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "admin")]
#[non_exhaustive]
pub struct AdminConfig {
    /// Where each worker listens for `tidegate monitor`, `keys` and `serve`: a Unix socket that
    /// only its owner may open. `/run/app/tidegate.sock` becomes `/run/app/tidegate.PID.sock`.
    #[schemars(example = &"/run/app/tidegate.sock")]
    pub socket: One<FilePath>,
}

/// Whether a rule refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It does.
    #[default]
    Enforce,
    /// It only counts what it would refuse.
    Shadow,
}

/// What brings a rule to bear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// Every request that it matches.
    #[default]
    Requests,
    /// The application, by its name.
    ByName,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store: Secret::default(),
            on_store_error: OnStoreError::default(),
            lease: None,
            trusted_proxies: None,
            forwarded_header: None,
            ipv6_prefix: 64,
            headers: None,
            allow: Listing::default(),
            deny: Listing::default(),
            mode: Mode::default(),
            admin: None,
            rules: Vec::new(),
        }
    }
}

const fn one_unit() -> u32 {
    1
}
