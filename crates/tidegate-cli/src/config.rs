//! Which configuration a command is about, and reading it.

use std::path::{Path, PathBuf};

use tidegate::config::{self, Loaded};

use crate::exit::{Exit, Failure};

/// Where a configuration is looked for when none is named.
const PLACES: [&str; 3] = ["tidegate.toml", "tidegate.yaml", "tidegate.yml"];

/// Which configuration.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct ConfigArgs {
    /// The configuration; without it, `tidegate.toml` or `tidegate.yaml` in the working directory.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
}

impl ConfigArgs {
    /// The configuration's path, if one is named or lies in the working directory.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let named = self.config.clone().filter(|path| !path.as_os_str().is_empty());
        named.or_else(|| PLACES.iter().map(PathBuf::from).find(|path| path.is_file()))
    }

    /// The configuration's path.
    pub(crate) fn need_path(&self) -> Result<PathBuf, Failure> {
        self.path().ok_or_else(|| {
            let message = "there is no configuration here; give --config FILE, set \
                           TIDEGATE_CONFIG, or make one by `tidegate init`";
            Failure::new(Exit::Config, message)
        })
    }

    /// Reads the configuration.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        load(&self.need_path()?)
    }

    /// Reads the configuration, if there is one.
    pub(crate) fn load_if_any(&self) -> Result<Option<Loaded>, Failure> {
        self.path().map(|path| load(&path)).transpose()
    }
}

/// Reads the configuration at `path`.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    config::load(path).map_err(|problems| Failure::new(Exit::Config, problems.to_string()))
}
