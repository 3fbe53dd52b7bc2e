//! Finds and reads the configuration that a command works with.

use std::{
    env,
    path::{Path, PathBuf},
};

use tidegate::config::{Loaded, load};

use crate::exit::{Exit, Failure};

/// Where a configuration is looked for when none is named.
const USUAL: [&str; 3] = ["tidegate.toml", "tidegate.yaml", "tidegate.yml"];

/// Which configuration, for commands that ask for nothing else about it.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct ConfigArgs {
    /// The configuration; without it, the one that `TIDEGATE_CONFIG` names, or `tidegate.toml`
    /// or `tidegate.yaml` in the working directory.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigArgs {
    /// The configuration's path.
    pub(crate) fn path(&self) -> Result<PathBuf, Failure> {
        find(self.config.as_deref()).ok_or_else(missing)
    }

    /// Reads the configuration, which must be there.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        need(self.config.as_deref())
    }

    /// Reads the configuration, if there is one.
    pub(crate) fn load_if_any(&self) -> Result<Option<Loaded>, Failure> {
        find(self.config.as_deref()).map(|path| read(&path)).transpose()
    }
}

fn missing() -> Failure {
    let message = "there is no configuration: give --config FILE, set TIDEGATE_CONFIG, or make \
                   tidegate.toml here with `tidegate init`";
    Failure::new(Exit::Config, message)
}

/// The configuration's path: the one that is given, the one that `TIDEGATE_CONFIG` names, or a
/// usual one in the working directory.
pub(crate) fn find(given: Option<&Path>) -> Option<PathBuf> {
    let of_environment = || env::var_os("TIDEGATE_CONFIG").filter(|path| !path.is_empty());
    given
        .map(Path::to_owned)
        .or_else(|| of_environment().map(PathBuf::from))
        .or_else(|| USUAL.iter().map(PathBuf::from).find(|path| path.exists()))
}

/// Reads the configuration, which must be there.
pub(crate) fn need(given: Option<&Path>) -> Result<Loaded, Failure> {
    read(&find(given).ok_or_else(missing)?)
}

/// Reads the configuration at `path`.
pub(crate) fn read(path: &Path) -> Result<Loaded, Failure> {
    load(path).map_err(|problems| Failure::new(Exit::Config, problems.to_string()))
}
