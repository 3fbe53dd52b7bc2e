//! Which rules a command on keys is about, and a gate for each.

use std::sync::Arc;

use tidegate::{Gate, Key, Rule, Store, address::Resolver, config::Loaded};

use super::PlaceArgs;
use crate::{
    exit::{Exit, Failure},
    rules,
    store::{self, StoreUrl},
};

/// Which rules.
#[derive(clap::Args)]
pub(super) struct RuleArgs {
    /// The rule's name; without it, every rule of the configuration.
    #[arg(long, value_name = "NAME")]
    pub(super) rule: Option<String>,

    /// A limit of the rule, such as "100/minute", when there is no configuration; may be given
    /// several times.
    #[arg(long, value_name = "LIMIT", requires = "rule")]
    pub(super) limit: Vec<String>,
}

/// A store, and the rules that are asked about.
pub(super) struct Place {
    pub(super) url: StoreUrl,
    pub(super) store: Arc<dyn Store>,
    pub(super) rules: Vec<Rule>,
    resolver: Resolver,
}

impl Place {
    pub(super) fn open(args: &PlaceArgs) -> Result<Self, Failure> {
        let RuleArgs { rule, limit } = &args.rules;
        let given = match (rule, limit.as_slice()) {
            (Some(name), limits @ [_, ..]) => Some(rules::given(name, limits)?),
            _ => None,
        };
        let loaded = match &given {
            Some(_) if args.store.store.is_some() => None,
            Some(_) => args.store.config.load_if_any()?,
            None => Some(args.store.config.load()?),
        };
        let rules = match given {
            Some(rule) => vec![rule],
            None => of_configuration(loaded.as_ref(), rule.as_deref())?,
        };
        let url = args.store.url(loaded.as_ref())?;
        let store = store::open_existing(&url)?;
        let resolver =
            loaded.map(|loaded| rules::resolver(&loaded)).transpose()?.unwrap_or_default();
        Ok(Self { url, store, rules, resolver })
    }

    /// A gate of one rule, with the counts that it has among others.
    pub(super) fn gate(&self, rule: &Rule) -> Result<Gate, Failure> {
        let store = Arc::clone(&self.store);
        Ok(Gate::builder().rule(rule.clone()).shared_store(store).build()?)
    }

    /// What `rule` counts by when somebody types `text`: an address becomes the network that is
    /// counted as one.
    pub(super) fn subject(&self, rule: &Rule, text: &str) -> Vec<u8> {
        rules::subject(*rule.counts() == Key::Ip, &self.resolver, text)
    }
}

fn of_configuration(loaded: Option<&Loaded>, name: Option<&str>) -> Result<Vec<Rule>, Failure> {
    let rules = loaded.map(Loaded::rules).unwrap_or_default();
    let Some(name) = name else {
        if rules.is_empty() {
            let message = "the configuration has no rules; name one by --rule NAME --limit LIMIT";
            return Err(Failure::new(Exit::NotFound, message));
        }
        return Ok(rules.to_vec());
    };
    rules::named(rules, name).map(|rule| vec![rule.clone()])
}
