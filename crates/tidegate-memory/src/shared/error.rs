//! Why a shared table cannot be used.

use std::{io, path::PathBuf};

/// Why a shared table could not be opened, or could not count.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SharedError {
    /// The file could not be opened, made or mapped.
    #[error("cannot {action} the shared table {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The path leads through a symbolic link.
    #[error(
        "the shared table {} is a symbolic link, which could lead anywhere; name the file itself",
        path.display()
    )]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },

    /// There is something else than a file.
    #[error("the shared table {} is no regular file; name another path", path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },

    /// The file belongs to somebody else.
    #[error(
        "the shared table {} belongs to user {owner}, and this process runs as {user}; run all workers as one user, or remove the file",
        path.display()
    )]
    Owner {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        user: u32,
    },

    /// Others may write to the file.
    #[error(
        "the shared table {} can be written by others (mode {mode:o}); run chmod 600 on it, or remove it",
        path.display()
    )]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },

    /// The file is something else, was cut off, or was damaged.
    #[error(
        "{} is no intact shared table: {what}; remove it, or open it with ?replace=true to put a new one in its place",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },

    /// The file was made by a version of tidegate that lays tables out in another way.
    #[error(
        "the shared table {} has layout {found}, and this version of tidegate reads {expected}; stop the other workers and remove it, or open it with ?replace=true to put a new one in its place",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: u32,
        /// Ours.
        expected: u32,
    },

    /// The file has another size than was asked for.
    #[error(
        "the shared table {} has room for {found} keys, and {expected} were asked for; ask for {found}, or open it with ?replace=true to put a new one in its place",
        path.display()
    )]
    Capacity {
        /// The file.
        path: PathBuf,
        /// Keys that fit.
        found: u64,
        /// Keys that were asked for.
        expected: u64,
    },

    /// A limit's state does not fit into a slot.
    #[error(
        "a shared table cannot count the sliding window log, a sliding window counter of more than 2097151 units, or more than 255 different limits; use sliding_window_counter or gcra"
    )]
    Unsupported,
}
