//! Which application a command asks, through its admin socket.

use std::path::PathBuf;

use crate::{
    configuration::ConfigArgs,
    exit::{Exit, Failure},
};

/// Which application.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct AdminArgs {
    /// The admin socket of a running application: `socket` of `[admin]` in its configuration,
    /// from which it is taken if omitted.
    #[arg(long, value_name = "SOCKET")]
    pub(crate) admin: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

impl AdminArgs {
    /// The socket's path, if one is named here or in the configuration.
    pub(crate) fn path(&self) -> Result<Option<PathBuf>, Failure> {
        if let Some(path) = &self.admin {
            return Ok(Some(path.clone()));
        }
        let loaded = self.config.load_if_any()?;
        let admin = loaded.and_then(|loaded| loaded.config.admin);
        Ok(admin.map(|admin| PathBuf::from(admin.socket.text())))
    }

    /// The socket's path.
    pub(crate) fn need_path(&self) -> Result<PathBuf, Failure> {
        self.path()?.ok_or_else(|| {
            let message = "which application? Give --admin SOCKET, or a configuration with \
                           `socket` in [admin]";
            Failure::new(Exit::Config, message)
        })
    }
}
