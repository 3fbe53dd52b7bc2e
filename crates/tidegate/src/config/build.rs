//! From the schema's types to rules, lists and a gate, and the mistakes that show only then.

use std::path::Path as FilePath;

use tidegate_core::{
    address::{Resolver, Trust},
    grammar::Limits,
};

use super::{
    problem::Problem,
    schema::{Apply, Config, MatchConfig, Mode, RuleConfig},
    tree::{Node, Path},
    word::Many,
    words::{LimitWord, Pattern},
};
use crate::{Block, Error, Gate, Key, Match, Rule};

/// Collects what is wrong, with the places of the file.
pub(super) struct Builder<'t> {
    pub(super) tree: &'t Node,
    pub(super) folder: &'t FilePath,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    /// Files that were read beside the configuration itself.
    pub(super) files: Vec<std::path::PathBuf>,
}

impl Builder<'_> {
    /// Says what is wrong with the field at `path`, or with the nearest that stands in the file.
    pub(super) fn wrong(&mut self, path: &Path, message: impl Into<String>) {
        let place = &self.tree.nearest(path).place;
        self.problems.push(Problem::at(place, path.to_string(), message));
    }

    /// As [`wrong`](Self::wrong), about what is only probably not meant.
    pub(super) fn warn(&mut self, path: &Path, message: impl Into<String>) {
        let place = &self.tree.nearest(path).place;
        self.warnings.push(Problem::at(place, path.to_string(), message));
    }

    /// The rules, in order.
    pub(super) fn rules(&mut self, config: &Config, resolver: &Resolver) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        for (index, given) in config.rules.iter().enumerate() {
            let path = Path::default().key("rules").index(index);
            let (exempt, deny) = self.keys(given, &path, resolver);
            let Some(rule) = self.rule(config, given, &path) else { continue };
            let rule = rule.exempt(exempt).deny(deny);
            let same = config.rules[..index].iter().position(|it| it.name.text() == rule.name());
            if let Some(first) = same {
                let place = &self.tree.nearest(&path.key("name")).place;
                let message = format!(
                    "`{}` is the name of rules[{first}] too; names must differ",
                    rule.name()
                );
                self.problems.push(Problem::at(place, path.key("name").to_string(), message));
                continue;
            }
            rules.push(rule);
        }
        rules
    }

    fn rule(&mut self, config: &Config, given: &RuleConfig, path: &Path) -> Option<Rule> {
        let before = self.problems.len();
        let limits = self.limits(given, path)?;
        let mut rule = Rule::new(given.name.text(), limits)
            .key(key(&given.key))
            .cost(given.cost)
            .on_store_error(given.on_store_error.unwrap_or(config.on_store_error))
            .matching(given.applies_to.as_ref().map(matching).unwrap_or_default())
            .shadow(given.mode == Mode::Shadow || config.mode == Mode::Shadow)
            .by_name(given.apply == Apply::ByName);
        if let Some(lease) = given.lease.as_ref().or(config.lease.as_ref()) {
            rule = rule.lease(lease.value().0);
        }
        if let Some(block) = self.block(given, path) {
            rule = rule.block(block);
        }
        if let Some(statuses) = &given.charge_on {
            let words = statuses.texts().flat_map(|text| text.split(','));
            match crate::Statuses::from_words(words) {
                Ok(statuses) => rule = rule.charge_on(statuses),
                Err(error) => self.wrong(&path.key("charge_on"), error.to_string()),
            }
        }
        // By itself, so that what is wrong is this rule's.
        if let Err(error) = Gate::builder().rule(rule.clone()).build() {
            self.wrong(&about(path, &error), error.to_string());
        }
        (self.problems.len() == before).then_some(rule)
    }

    fn limits(&mut self, given: &RuleConfig, path: &Path) -> Option<Limits> {
        let text = joined(&given.limit);
        let parsed =
            Limits::parse_with(&text, given.algorithm.as_ref().map(|algorithm| *algorithm.value()));
        match parsed {
            Ok(limits) => Some(limits),
            Err(error) => {
                let field = if given.algorithm.is_some() { "algorithm" } else { "limit" };
                self.wrong(&path.key(field), error.to_string());
                None
            }
        }
    }

    fn block(&mut self, given: &RuleConfig, path: &Path) -> Option<Block> {
        let Some(tiers) = &given.block else {
            let idle = [("block_decay", given.block_decay.is_some())];
            for (field, _) in idle
                .into_iter()
                .chain([("extend_on_attempt", given.extend_on_attempt)])
                .filter(|(_, is_given)| *is_given)
            {
                self.wrong(&path.key(field), "this is about `block`, which is not given");
            }
            return None;
        };
        let block = Block::new(tiers.values().map(|time| time.0).collect());
        let block = block.map_err(|error| ("block", error)).and_then(|block| {
            let Some(decay) = &given.block_decay else { return Ok(block) };
            block.decay(decay.value().0).map_err(|error| ("block_decay", error))
        });
        match block {
            Ok(block) => Some(block.extend_on_attempt(given.extend_on_attempt)),
            Err((field, error)) => {
                self.wrong(&path.key(field), error.to_string());
                None
            }
        }
    }

    /// Whom to believe about addresses.
    pub(super) fn resolver(&mut self, config: &Config) -> Resolver {
        let trusted = Path::default().key("trusted_proxies");
        let words = config.trusted_proxies.as_ref().map(|words| {
            let words: Vec<_> = words.texts().collect();
            words.join(",").parse::<Trust>()
        });
        let trust = match words.unwrap_or(Ok(Trust::Nobody)) {
            Ok(trust) => trust,
            Err(error) => {
                self.wrong(&trusted, error.to_string());
                Trust::Nobody
            }
        };
        let mut resolver = Resolver::new(trust);
        if let Some(header) = &config.forwarded_header {
            resolver = resolver.with_header(header.value().0);
        }
        resolver.clone().with_ipv6_prefix(config.ipv6_prefix).unwrap_or_else(|error| {
            self.wrong(&Path::default().key("ipv6_prefix"), error.to_string());
            resolver
        })
    }
}

/// The field that an error is about.
fn about(rule: &Path, error: &Error) -> Path {
    match error {
        Error::CostAboveCapacity { .. } => rule.key("cost"),
        Error::KeyList { .. } | Error::UnknownKey { .. } => rule.key("key"),
        Error::Limit(_) | Error::TooManyLimits { .. } | Error::UnsupportedLimit { .. } => {
            rule.key("limit")
        }
        Error::Pattern { what, .. } => {
            let field = match *what {
                "method" => "methods",
                "host" => "hosts",
                what => what,
            };
            rule.key("match").key(field)
        }
        _ => rule.clone(),
    }
}

/// A rule's limit strings as one.
pub(super) fn joined(limits: &Many<LimitWord>) -> String {
    limits.texts().collect::<Vec<_>>().join("; ")
}

pub(super) fn key(given: &Many<Key>) -> Key {
    match given.as_slice() {
        [one] => one.value().clone(),
        parts => Key::Several(parts.iter().map(|part| part.value().clone()).collect()),
    }
}

fn matching(given: &MatchConfig) -> Match {
    let all = |patterns: &Option<Many<Pattern>>| {
        patterns.iter().flat_map(Many::texts).map(str::to_owned).collect()
    };
    Match {
        paths: all(&given.path),
        exclude: all(&given.exclude),
        routes: all(&given.route),
        methods: all(&given.methods),
        hosts: all(&given.hosts),
    }
}
