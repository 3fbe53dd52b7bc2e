//! Why nobody could be asked.

use std::{io, path::PathBuf};

/// Why a socket could not be opened, or nobody answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The socket's path has a name that no worker's number can be put into.
    #[error("`{}` cannot be the path of a socket; expected one such as /run/app/tidegate.sock", path.display())]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// Something else stands where the socket is to be.
    #[error("`{}` is there already and is no socket", path.display())]
    Occupied {
        /// The path.
        path: PathBuf,
    },
    /// Somebody listens there already.
    #[error(
        "somebody listens at `{}` already: another gate of this process, or a container that \
         shares the folder",
        path.display()
    )]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// The system refused.
    #[error("the socket `{}` cannot be used: {source}", path.display())]
    Socket {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No worker listens.
    #[error(
        "nobody listens at `{}`; is the application running and has served a request, and does its \
         configuration name this path as `socket` of `[admin]`?",
        path.display()
    )]
    Nobody {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// A worker said that it cannot do it.
    #[error("{message}")]
    Refused {
        /// What it said.
        message: String,
    },
}
