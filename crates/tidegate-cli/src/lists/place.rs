//! Where the entries of a list stand: in the configuration, in files that it includes.

use std::path::{Path, PathBuf};

use tidegate::address::Network;
use toml_edit::{Array, DocumentMut, Item, Value};

use super::array;
use crate::{
    configuration,
    exit::{Exit, Failure},
    files,
};

/// One list of one configuration.
pub(super) struct Lists {
    /// `allow` or `deny`.
    name: &'static str,
    config: PathBuf,
    /// The configuration's text, when it is TOML; other notations are only read.
    document: Option<DocumentMut>,
    is_document_changed: bool,
    /// What stands in the configuration itself.
    own: Vec<String>,
    included: Vec<Included>,
}

/// A file with an entry on each line.
struct Included {
    path: PathBuf,
    lines: Vec<String>,
    is_changed: bool,
}

impl Lists {
    /// Reads the list `name` of the configuration at `path`, which must be without mistakes.
    pub(super) fn open(name: &'static str, path: &Path) -> Result<Self, Failure> {
        let variable = format!("TIDEGATE_{}", name.to_uppercase());
        if std::env::var_os(&variable).is_some() {
            let message = format!(
                "{variable} takes the place of `{name}` in `{}`; change it there, or unset it",
                path.display()
            );
            return Err(Failure::new(Exit::Config, message));
        }
        let loaded = configuration::read(path)?;
        let config = &loaded.config;
        let listing = if name == "allow" { &config.allow } else { &config.deny };
        let folder = path.parent().unwrap_or(Path::new(""));
        let (mut own, mut included) = (Vec::new(), Vec::new());
        for item in listing.as_slice() {
            match item {
                tidegate::config::Item::Word(word) => own.push(word.text().to_owned()),
                tidegate::config::Item::File(file) => {
                    let path = folder.join(&file.file);
                    let lines = files::read(&path)?.lines().map(str::to_owned).collect();
                    included.push(Included { path, lines, is_changed: false });
                }
                // A kind of entry that came later is not one of addresses.
                _ => {}
            }
        }
        let is_toml = path.extension().is_some_and(|ending| ending == "toml");
        let document = if is_toml { Some(parsed(path)?) } else { None };
        let config = path.to_owned();
        Ok(Self { name, config, document, is_document_changed: false, own, included })
    }

    /// Every entry, and the file that it stands in.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        let config = self.config.to_str().unwrap_or("the configuration");
        let own = self.own.iter().map(move |word| (word.as_str(), config));
        let included = self.included.iter().flat_map(|file| {
            let name = file.path.to_str().unwrap_or("a list file");
            file.lines
                .iter()
                .map(|line| word(line))
                .filter(|it| !it.is_empty())
                .map(move |it| (it, name))
        });
        own.chain(included)
    }

    /// The file that has `network`.
    pub(super) fn find(&self, network: Network) -> Option<String> {
        let mut entries = self.entries();
        entries.find(|(word, _)| is(word, network)).map(|(_, file)| file.to_owned())
    }

    /// Adds `network`; returns the file that has it now.
    pub(super) fn add(&mut self, network: Network) -> Result<String, Failure> {
        let text = network.to_string();
        if let Some(file) = self.included.first_mut() {
            file.lines.push(text);
            file.is_changed = true;
            return Ok(file.path.display().to_string());
        }
        let array = self.array()?;
        array::push(array, &text);
        self.own.push(text);
        self.is_document_changed = true;
        Ok(self.config.display().to_string())
    }

    /// Removes `network` from wherever it stands; returns the file that had it.
    pub(super) fn remove(&mut self, network: Network) -> Result<Option<String>, Failure> {
        let mut had = None;
        for file in &mut self.included {
            let before = file.lines.len();
            file.lines.retain(|line| !is(word(line), network));
            if file.lines.len() != before {
                file.is_changed = true;
                had = Some(file.path.display().to_string());
            }
        }
        if self.own.iter().any(|word| is(word, network)) {
            let array = self.array()?;
            let is_it = |value: &Value| value.as_str().is_some_and(|word| is(word, network));
            for index in (0..array.len()).rev() {
                if array.get(index).is_some_and(is_it) {
                    array::remove(array, index);
                }
            }
            self.own.retain(|word| !is(word, network));
            self.is_document_changed = true;
            had = Some(self.config.display().to_string());
        }
        Ok(had)
    }

    /// Writes what has changed.
    pub(super) fn write(&self) -> Result<(), Failure> {
        for file in self.included.iter().filter(|file| file.is_changed) {
            files::replace(&file.path, &(file.lines.join("\n") + "\n"))?;
        }
        match &self.document {
            Some(document) if self.is_document_changed => {
                files::replace(&self.config, &document.to_string())
            }
            _ => Ok(()),
        }
    }

    /// The list as an array of the document, made if there is none.
    fn array(&mut self) -> Result<&mut Array, Failure> {
        let (name, config) = (self.name, self.config.display());
        let Some(document) = &mut self.document else {
            let message = format!(
                "`{config}` is YAML, which this program does not change, lest comments are lost; \
                 include a list there, `{name}: [{{file: {name}.txt}}]`, and its file is changed \
                 instead"
            );
            return Err(Failure::new(Exit::Config, message));
        };
        let item = document.entry(name).or_insert_with(|| toml_edit::value(Array::new()));
        // One word alone may stand without a list around it.
        if let Item::Value(Value::String(word)) = item {
            let mut array = Array::new();
            array.push(word.value().clone());
            *item = toml_edit::value(array);
        }
        let message = format!("`{name}` in `{config}` is no list; write [...] around it");
        item.as_array_mut().ok_or_else(|| Failure::new(Exit::Config, message))
    }
}

fn parsed(path: &Path) -> Result<DocumentMut, Failure> {
    let text = files::read(path)?;
    text.parse().map_err(|error: toml_edit::TomlError| {
        Failure::new(Exit::Config, format!("{}: {}", path.display(), error.message()))
    })
}

/// What a line of a list file says.
fn word(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

fn is(word: &str, network: Network) -> bool {
    word.parse::<Network>().is_ok_and(|it| it == network)
}
