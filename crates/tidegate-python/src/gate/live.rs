//! What of a gate may be replaced while requests pass it: the rules, the lists, whom to believe.
//!
//! Replaced as a whole, and read without a lock. A gate that Python code put together is never
//! replaced; one of a configuration file is, when the file changes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use tidegate::{
    Error, Gate, Store,
    config::{Config, Loaded, Problems, Watch},
    fields::Profile,
};
#[cfg(unix)]
use tidegate_observe::{Admin, ConfigState};

/// What requests meet at one time.
pub(super) struct Face {
    pub(super) gate: Arc<Gate>,
    /// What it was told to show its decisions in, if it was.
    pub(super) profile: Option<Profile>,
    /// How often it has been replaced before.
    pub(super) version: u64,
}

/// A face, and where the next one comes from.
pub(super) struct Live {
    /// As it was opened; what a changed gate carries counts over with stands in front of it.
    store: Arc<dyn Store>,
    face: ArcSwap<Face>,
    source: Option<Mutex<Source>>,
    #[cfg(unix)]
    admin: Mutex<Option<Admin>>,
}

/// A configuration that is watched, and what came of it.
pub(super) struct Source {
    watch: Watch,
    pub(super) file: PathBuf,
    /// As it was read first.
    pub(super) config: Config,
    /// Seconds since 1970.
    pub(super) loaded_at: f64,
    pub(super) failures: u64,
    pub(super) error: Option<String>,
    store: String,
    /// Rules that code names, which a configuration must not lose.
    named: Vec<Arc<str>>,
}

/// What a look at the configuration found.
pub(super) enum Found {
    Nothing,
    /// A new face, and what is to be said about it.
    Changed(Vec<String>),
    Wrong(String),
}

/// The header fields that a configuration names, if it does.
fn told(loaded: &Loaded) -> Option<Profile> {
    loaded.config.headers.as_ref().map(|_| loaded.headers())
}

impl Live {
    /// A gate that stays as it is.
    pub(super) fn fixed(gate: Gate, profile: Option<Profile>) -> Self {
        let face = Face { gate: Arc::new(gate), profile, version: 0 };
        let store = Arc::clone(face.gate.store());
        Self::new(store, face, None)
    }

    /// The gate of a configuration.
    pub(super) fn of(watch: Watch, loaded: &Loaded, gate: Gate) -> Self {
        let source = Source {
            watch,
            file: loaded.files.first().cloned().unwrap_or_default(),
            config: loaded.config.clone(),
            loaded_at: now(),
            failures: 0,
            error: None,
            store: loaded.store_url().to_owned(),
            named: Vec::new(),
        };
        let face = Face { gate: Arc::new(gate), profile: told(loaded), version: 0 };
        let store = Arc::clone(face.gate.store());
        Self::new(store, face, Some(Mutex::new(source)))
    }

    fn new(store: Arc<dyn Store>, face: Face, source: Option<Mutex<Source>>) -> Self {
        Self {
            store,
            face: ArcSwap::from_pointee(face),
            source,
            #[cfg(unix)]
            admin: Mutex::new(None),
        }
    }

    pub(super) fn face(&self) -> arc_swap::Guard<Arc<Face>> {
        self.face.load()
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    pub(super) const fn changes(&self) -> bool {
        self.source.is_some()
    }

    /// Reads what is known about the configuration; `None` when there is none.
    pub(super) fn with_source<T>(&self, read: impl FnOnce(&mut Source) -> T) -> Option<T> {
        let source = self.source.as_ref()?;
        Some(read(&mut source.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Notes that code names the rule, if there is such a rule.
    pub(super) fn name(&self, rule: &Arc<str>) -> Result<(), Error> {
        let gate = Arc::clone(&self.face().gate);
        let found = gate.rules().iter().find(|it| it.name() == &**rule);
        if found.is_none() {
            // Says which rules there are.
            return gate.inspect(rule, b"").map(drop);
        }
        self.with_source(|source| {
            if !source.named.contains(rule) {
                source.named.push(Arc::clone(rule));
            }
        });
        Ok(())
    }

    /// Looks whether the configuration has changed, or reads it in any case, and takes it over if
    /// nothing is wrong with it.
    pub(super) fn reload(&self, in_any_case: bool) -> Found {
        // Under the lock until the face is replaced: two who read at once would otherwise
        // replace the newer by the older.
        let found = self.with_source(|source| {
            let read = if in_any_case { Some(source.watch.again()) } else { source.watch.check() };
            match read {
                None => Found::Nothing,
                Some(read) => self.take(source, read),
            }
        });
        found.unwrap_or(Found::Nothing)
    }

    fn take(&self, source: &mut Source, read: Result<Loaded, Problems>) -> Found {
        let taken = read.map_err(|problems| problems.to_string()).and_then(|loaded| {
            source.refuse_loss(&loaded)?;
            let former = self.face.load_full();
            let gate = loaded.builder().after(&former.gate).build();
            let gate = gate.map_err(|error| error.to_string())?;
            let (profile, version) = (told(&loaded), former.version + 1);
            self.face.store(Arc::new(Face { gate: Arc::new(gate), profile, version }));
            Ok(loaded)
        });
        match taken {
            Ok(loaded) => {
                (source.loaded_at, source.error) = (now(), None);
                Found::Changed(source.remarks(&loaded))
            }
            Err(wrong) => {
                source.failures += 1;
                source.error = Some(wrong.clone());
                Found::Wrong(wrong)
            }
        }
    }
}

/// A gate that answers whoever may ask, at the socket that its configuration names.
#[cfg(unix)]
impl Live {
    /// Listens, if the configuration says so and this process does not yet.
    pub(super) fn open_admin(self: &Arc<Self>) -> Result<(), String> {
        let Some(Some(base)) = self.with_source(|source| source.admin()) else { return Ok(()) };
        let mut admin = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        if admin.as_ref().is_none_or(|admin| !admin.is_of_this_process()) {
            let answering: Arc<dyn tidegate_observe::Source> =
                Arc::new(Answering(Arc::clone(self)));
            let opened = Admin::start(Path::new(&base), answering);
            *admin = Some(opened.map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    /// Answers nobody any more.
    pub(super) fn close_admin(&self) {
        if let Some(admin) = &*self.admin.lock().unwrap_or_else(PoisonError::into_inner) {
            admin.close();
        }
    }
}

#[cfg(unix)]
struct Answering(Arc<Live>);

#[cfg(unix)]
impl tidegate_observe::Source for Answering {
    fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.0.face().gate)
    }

    fn config(&self) -> Option<ConfigState> {
        self.0.with_source(|source| {
            let file = source.file.display().to_string();
            ConfigState::new(file, source.loaded_at, source.failures, source.error.clone())
        })
    }
}

impl Source {
    /// Where to listen, if anywhere.
    pub(super) fn admin(&self) -> Option<String> {
        self.config.admin.as_ref().map(|admin| admin.socket.text().to_owned())
    }

    fn refuse_loss(&self, loaded: &Loaded) -> Result<(), String> {
        match self.named.iter().find(|name| loaded.rule(name).is_none()) {
            Some(lost) => Err(format!(
                "there is no rule `{lost}` any more, which the application names by \
                 rate_limit(name=\"{lost}\")"
            )),
            None => Ok(()),
        }
    }

    /// What a new configuration says and does not get, and its warnings.
    fn remarks(&self, loaded: &Loaded) -> Vec<String> {
        let mut remarks: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
        if loaded.store_url() != self.store {
            remarks.push("another `store` takes effect at the next start".to_owned());
        }
        let admin = loaded.config.admin.as_ref().map(|admin| admin.socket.text().to_owned());
        if admin != self.admin() {
            remarks.push("another `admin.socket` takes effect at the next start".to_owned());
        }
        remarks
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |it| it.as_secs_f64())
}
