//! The files of permits that this process has open: each of them once, for as long as the
//! process lives.
//!
//! Closing any descriptor of such a file would give back all of the process's locks on it, and
//! two descriptors would not see each other's locks. Nothing here is behind a lock that would
//! stay locked in a forked child.

use std::{
    fs::{File, Metadata},
    os::unix::fs::MetadataExt,
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwapOption;

use super::Digest;

/// Device and number: what a file is, whatever its name.
pub(super) type Identity = (u64, u64);

static OPEN: ArcSwapOption<Vec<&'static Handle>> = ArcSwapOption::const_empty();

/// An open file, and what this process is in it.
pub(super) struct Handle {
    identity: Identity,
    pub(super) file: File,
    process: ArcSwapOption<Process>,
}

/// A process, as one of those that use the file.
pub(super) struct Process {
    id: u32,
    turn: Mutex<Turn>,
}

/// What its threads take turns at.
#[derive(Default)]
pub(super) struct Turn {
    /// The number that the process goes by in the file, once it has one.
    pub(super) owner: Option<i32>,
    /// Permits that could not be given back yet.
    pub(super) owed: Vec<Digest>,
    /// The page that a frozen process seems to have: it is not waited for again.
    pub(super) given_up: Option<u64>,
}

/// What the file with this `metadata` is.
pub(super) fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// The file, if this process has it open.
pub(super) fn known(identity: Identity) -> Option<&'static Handle> {
    let open = OPEN.load();
    open.iter().flat_map(|open| open.iter()).find(|handle| handle.identity == identity).copied()
}

/// Keeps `file` open. When that is open already, gives the descriptor by which it was.
pub(super) fn keep(file: File, identity: Identity) -> &'static Handle {
    // Never dropped, even when it is one too many: that would close it.
    let new: &Handle =
        Box::leak(Box::new(Handle { identity, file, process: ArcSwapOption::empty() }));
    OPEN.rcu(|open| {
        let mut open = open.as_deref().cloned().unwrap_or_default();
        if !open.iter().any(|handle| handle.identity == identity) {
            open.push(new);
        }
        Some(Arc::new(open))
    });
    known(identity).unwrap_or(new)
}

impl Handle {
    /// The running process. A forked child is another one than its parent, whose threads may
    /// have been in the midst of a turn.
    pub(super) fn process(&self) -> Arc<Process> {
        let id = process::id();
        loop {
            let process = self.process.load_full();
            match &process {
                Some(process) if process.id == id => return Arc::clone(process),
                _ => {
                    let new = Arc::new(Process { id, turn: Mutex::default() });
                    // Of several threads that come first, one begins it.
                    self.process.compare_and_swap(&process, Some(new));
                }
            }
        }
    }
}

impl Process {
    /// Waits for this thread's turn.
    pub(super) fn turn(&self) -> MutexGuard<'_, Turn> {
        // Nothing panics between two changes that belong together.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
