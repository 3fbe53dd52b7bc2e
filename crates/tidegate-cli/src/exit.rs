//! Exit statuses, which scripts may rely on, and why a command came to one.

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All went well, and there is nothing to complain of.
    Success = 0,
    /// The command did its work and the answer is no: a check found a mistake, a try was refused.
    Found = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The configuration, or another file that was given, makes no sense or cannot be read.
    Config = 3,
    /// A store or an application could not be reached, or failed.
    Unavailable = 4,
    /// What was asked for is not there: a key, a rule.
    NotFound = 5,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// What the program exits with.
    pub(crate) exit: Exit,
    /// One or several lines: lower case, without a full stop, the wrong value and what would be
    /// right.
    pub(crate) message: String,
}

impl Failure {
    /// A failure with an exit status and a message.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}
