//! Which store a command is about, and opening it.

pub(crate) mod probe;
mod url;

use std::sync::Arc;

use tidegate::{Error, RemoteError, Store, config::Loaded};

pub(crate) use self::url::StoreUrl;
use crate::{
    configuration::ConfigArgs,
    exit::{Exit, Failure},
};

/// How long this program waits for a server when the URL does not say: a person waits with it,
/// and a first answer takes longer than the many that follow in an application.
const PATIENCE: &str = "5s";

/// Which store.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct StoreArgs {
    /// The store's URL; without it, the store of the configuration.
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,

    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

impl StoreArgs {
    /// The store's URL: the one that was given, or that of `loaded`.
    pub(crate) fn url(&self, loaded: Option<&Loaded>) -> Result<StoreUrl, Failure> {
        match (&self.store, loaded) {
            (Some(url), _) => Ok(StoreUrl::new(url)),
            (None, Some(loaded)) => Ok(StoreUrl::new(loaded.store_url())),
            (None, None) => Ok(StoreUrl::new(self.config.load()?.store_url())),
        }
    }
}

/// Opens the store whose counts an application keeps, with time to answer.
///
/// Never makes what is not there: an empty store of our own would tell nothing.
pub(crate) fn open_existing(url: &StoreUrl) -> Result<Arc<dyn Store>, Failure> {
    if url.scheme() == "memory" {
        let message = "counts in memory:// live in the application's process alone, and this \
                       program cannot see them; let processes share a store (shared://NAME, \
                       redis://, postgresql://), or give the application an [admin] socket";
        return Err(Failure::new(Exit::Unavailable, message));
    }
    if let Some(path) = url.shared_file().filter(|path| !path.exists()) {
        let message = format!(
            "there is no shared table at `{}`: no application has made it yet, or it runs on \
             another host",
            path.display()
        );
        return Err(Failure::new(Exit::NotFound, message));
    }
    // `replace` would throw the counts away that somebody asks about.
    if url.shared_file().is_some() {
        return open(&url.with("replace", "false"));
    }
    open(url)
}

/// Opens the store that `url` names, with time to answer.
pub(crate) fn open(url: &StoreUrl) -> Result<Arc<dyn Store>, Failure> {
    // First as it was given, so that what is wrong with it is told as it was given.
    let store = tidegate::open_store(url.secret())?;
    if url.is_remote() && url.option("timeout").is_none() {
        return Ok(tidegate::open_store(url.with("timeout", PATIENCE).secret())?);
    }
    Ok(store)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(exit_of(&error), chain(&error))
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        Error::from(error).into()
    }
}

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Remote(RemoteError::Setup { .. }) => Exit::Config,
        Error::Remote(_) | Error::Store { .. } | Error::Shared(_) | Error::NoMemory { .. } => {
            Exit::Unavailable
        }
        Error::UnknownRule { .. } => Exit::NotFound,
        Error::NoList { .. } => Exit::Usage,
        _ => Exit::Config,
    }
}

/// An error and what led to it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
