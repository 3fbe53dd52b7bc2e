//! A configuration that was read and found right.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tidegate_core::{address::Resolver, fields::Profile};
use tidegate_remote::Listener;

use super::{
    build::Builder,
    decode::decode,
    environment::{Names, overlay},
    problem::{Problem, Problems},
    schema::Config,
    toml,
    tree::{Node, Path as Field, Value},
    warn, yaml,
};
use crate::{Error, Gate, GateBuilder, Rule, Store, open_store_with, url};

/// The longest configuration, in bytes. Long lists have files of their own.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What a configuration is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML 1.1.
    Toml,
    /// YAML 1.2, with its core schema.
    Yaml,
}

/// A configuration without mistakes, and what it means.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// What was written.
    pub config: Config,
    /// Every file that it was read from, the configuration itself first.
    pub files: Vec<PathBuf>,
    /// What is allowed and probably not meant.
    pub warnings: Vec<Problem>,
    rules: Vec<Rule>,
    store: Url,
    allow: Vec<String>,
    deny: Vec<String>,
    resolver: Resolver,
    headers: Profile,
}

/// A store's URL, which may have a password in it.
#[derive(Clone)]
struct Url(String);

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        url::masked_store_url(&self.0).fmt(f)
    }
}

/// Reads the configuration at `path`, whose ending tells the notation (`.toml`, `.yaml`, `.yml`),
/// with what environment variables say laid over it.
///
/// # Errors
///
/// [`Problems`]: all that is wrong, with file, line, column and field.
pub fn load(path: &Path) -> Result<Loaded, Problems> {
    let name = path.display().to_string();
    let whole = |message: String| Problem::of_file(&name, message);
    let format = match path.extension().and_then(|ending| ending.to_str()) {
        Some("toml") => Format::Toml,
        Some("yaml" | "yml") => Format::Yaml,
        _ => {
            let message =
                "the ending of the file's name tells its notation; expected .toml, .yaml or .yml";
            return Err(whole(message.to_owned()).into());
        }
    };
    let cannot = |error: std::io::Error| whole(format!("cannot read this file: {error}"));
    if fs::metadata(path).map_err(cannot)?.len() > MOST_BYTES {
        return Err(whole(format!("this file has more than {MOST_BYTES} bytes")).into());
    }
    let bytes = fs::read(path).map_err(cannot)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .split(|&byte| byte == b'\n')
            .count();
        whole(format!("this file is not UTF-8, from line {line} on"))
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let variables: Vec<_> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let mut loaded = Source { text: &text, format, name: &name, folder, variables }.read()?;
    loaded.files.insert(0, path.to_owned());
    Ok(loaded)
}

/// Reads a configuration that is not in a file. Variables that fields name are looked up; none is
/// laid over it, and paths are those of the working directory. `name` is what problems call it.
///
/// # Errors
///
/// As [`load`].
pub fn parse(text: &str, format: Format, name: &str) -> Result<Loaded, Problems> {
    Source { text, format, name, folder: Path::new(""), variables: Vec::new() }.read()
}

struct Source<'s> {
    text: &'s str,
    format: Format,
    name: &'s str,
    folder: &'s Path,
    /// What to lay over it.
    variables: Vec<(String, String)>,
}

impl Source<'_> {
    fn read(self) -> Result<Loaded, Problems> {
        let file: Arc<str> = self.name.into();
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(self.text);
        let mut tree = match self.format {
            Format::Toml => toml::parse(text, &file)?,
            Format::Yaml => yaml::parse(text, &file)?,
        };
        let mut problems = overlay(&mut tree, self.variables.into_iter(), &NAMES);
        problems.extend(missing(&tree));
        match decode::<Config>(tree.clone()) {
            Ok(config) if problems.is_empty() => return build(config, &tree, self.folder),
            Ok(_) => {}
            Err(more) => {
                let is_told = |it: &Problem| problems.iter().any(|told| told.field == it.field);
                let more: Vec<_> = more.iter().filter(|it| !is_told(it)).cloned().collect();
                problems.extend(more);
            }
        }
        Err(without_consequences(&problems).collect())
    }
}

/// The fields that a variable may set; a test holds them to the schema.
const NAMES: Names<'static> = Names {
    fields: &[
        "store",
        "on_store_error",
        "lease",
        "trusted_proxies",
        "forwarded_header",
        "ipv6_prefix",
        "headers",
        "allow",
        "deny",
        "mode",
        "admin",
        "rules",
    ],
    of_rule: &[
        "limit",
        "key",
        "exempt",
        "deny",
        "apply",
        "algorithm",
        "cost",
        "mode",
        "block",
        "block_decay",
        "extend_on_attempt",
        "charge_on",
        "on_store_error",
        "lease",
    ],
    of_admin: &["socket"],
};

/// The fields that each rule must have and lacks. Serde tells the first alone, and not that one
/// when another field of the rule is wrong.
fn missing(tree: &Node) -> Vec<Problem> {
    let Some(Value::List(rules)) = tree.entry("rules").map(|entry| &entry.node.value) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let lacks =
            |field: &&str| matches!(rule.value, Value::Table(_)) && rule.entry(field).is_none();
        for field in REQUIRED_OF_RULE.into_iter().filter(lacks) {
            let path = Field::default().key("rules").index(index).key(field).to_string();
            let message = format!("the field `{field}` is missing");
            problems.push(Problem::at(&rule.place, path, message));
        }
    }
    problems
}

/// Leaves out that a field is missing where it is there, misspelt.
fn without_consequences(problems: &[Problem]) -> impl Iterator<Item = Problem> {
    let is_misspelt = |it: &&Problem| {
        let (table, field) = it.field.rsplit_once('.').unwrap_or(("", &it.field));
        let is_missing = it.message == format!("the field `{field}` is missing");
        let meant = format!("did you mean `{field}`?");
        let same = |other: &Problem| {
            other.field.rsplit_once('.').is_some_and(|(of, _)| of == table)
                && other.message.contains(&meant)
        };
        is_missing && problems.iter().any(same)
    };
    problems.iter().filter(move |it| !is_misspelt(it)).cloned()
}

const REQUIRED_OF_RULE: [&str; 3] = ["name", "key", "limit"];

fn build(config: Config, tree: &Node, folder: &Path) -> Result<Loaded, Problems> {
    let (problems, warnings, files) = (Vec::new(), Vec::new(), Vec::new());
    let mut builder = Builder { tree, folder, problems, warnings, files };
    let resolver = builder.resolver(&config);
    let rules = builder.rules(&config, &resolver);
    let allow = builder.addresses(&config.allow, "allow");
    let deny = builder.addresses(&config.deny, "deny");
    let headers = headers(&mut builder, &config);
    let store = Url(store(&mut builder, &config));
    if builder.problems.is_empty()
        && let Err(error) = gate(&rules, &allow, &deny, &resolver).build()
    {
        builder.wrong(&Field::default().key("rules"), error.to_string());
    }
    if !builder.problems.is_empty() {
        return Err(builder.problems.into_iter().collect());
    }
    warn::dominated(&mut builder, &config, &rules);
    let Builder { files, warnings, .. } = builder;
    Ok(Loaded { config, files, warnings, rules, store, allow, deny, resolver, headers })
}

fn headers(builder: &mut Builder<'_>, config: &Config) -> Profile {
    let Some(profiles) = &config.headers else { return Profile::default() };
    let names: Vec<_> = profiles.texts().collect();
    names.join(",").parse().unwrap_or_else(|error: tidegate_core::fields::ProfileError| {
        builder.wrong(&Field::default().key("headers"), error.to_string());
        Profile::default()
    })
}

fn store(builder: &mut Builder<'_>, config: &Config) -> String {
    let field = Field::default().key("store");
    let read = config.store.read(builder.folder, &|name| env::var(name).ok());
    let checked = read.and_then(|text| match url::check(&text) {
        Ok(()) => Ok(text),
        Err(error) => Err(error.to_string()),
    });
    checked.unwrap_or_else(|message| {
        builder.wrong(&field, message);
        String::new()
    })
}

fn gate(rules: &[Rule], allow: &[String], deny: &[String], resolver: &Resolver) -> GateBuilder {
    let builder =
        Gate::builder().resolver(resolver.clone()).allow(allow.to_vec()).deny(deny.to_vec());
    rules.iter().fold(builder, |builder, rule| builder.rule(rule.clone()))
}

impl Loaded {
    /// Every rule, in the order of the file.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of this name.
    #[must_use]
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name() == name)
    }

    /// The store's URL, with the secrets in it.
    #[must_use]
    pub fn store_url(&self) -> &str {
        &self.store.0
    }

    /// The store's URL with what may be a password masked.
    #[must_use]
    pub fn masked_store_url(&self) -> String {
        url::masked_store_url(&self.store.0)
    }

    /// The header fields on responses.
    #[must_use]
    pub const fn headers(&self) -> Profile {
        self.headers
    }

    /// Opens the store. `listener` hears when a server goes away, and when it is back.
    ///
    /// # Errors
    ///
    /// As [`open_store_with`].
    pub fn open_store(&self, listener: Listener) -> Result<Arc<dyn Store>, Error> {
        open_store_with(&self.store.0, listener)
    }

    /// A gate of the rules, the lists and the trust; its store and its clock are the caller's to
    /// add.
    pub fn builder(&self) -> GateBuilder {
        self.builder_of(&self.rules)
    }

    /// As [`builder`](Self::builder), with other rules in place of all of the configuration's.
    pub fn builder_of(&self, rules: &[Rule]) -> GateBuilder {
        gate(rules, &self.allow, &self.deny, &self.resolver)
    }
}
