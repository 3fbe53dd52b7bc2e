//! Finds out that a configuration has changed, and reads it again.
//!
//! By looking at the files, not by the system's notices: those miss what happens on network
//! drives, behind bind mounts and when a link is turned to another folder, which is how
//! orchestrators change a configuration. A look costs one system call a file.
//!
//! Starts no thread, keeps no time, and changes no gate: when to look is the caller's business,
//! and so is what becomes of what was read.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    loaded::{Loaded, load},
    problem::Problems,
};

/// A configuration's files, and how they were when they were last read.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    files: Vec<(PathBuf, Stamp)>,
    /// What was wrong when it was last read, if anything was.
    wrong: Option<Problems>,
}

/// What changes when a file does. Nothing for a file that is not there.
type Stamp = Option<(Option<SystemTime>, u64, Identity)>;

#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = ();

impl Watch {
    /// Watches the files that `loaded` was read from.
    ///
    /// What changed between that reading and now is found at the first [`check`](Self::check):
    /// the files count as never seen.
    #[must_use]
    pub fn new(loaded: &Loaded) -> Self {
        let files = loaded.files.iter().map(|file| (file.clone(), None)).collect();
        let path = loaded.files.first().cloned().unwrap_or_default();
        Self { path, files, wrong: None }
    }

    /// Reads the configuration again if a file of it has changed, or if it was wrong the last
    /// time; `None` when there is nothing new to say. A mistake is told once, however often one
    /// looks.
    pub fn check(&mut self) -> Option<Result<Loaded, Problems>> {
        let has_changed = self.files.iter().any(|(file, stamp)| stamp_of(file) != *stamp);
        if !has_changed && self.wrong.is_none() {
            return None;
        }
        let before = self.wrong.clone();
        let read = self.again();
        match &read {
            Err(problems) if before.as_ref() == Some(problems) => None,
            _ => Some(read),
        }
    }

    /// Reads the configuration again, changed or not.
    ///
    /// # Errors
    ///
    /// As [`load`].
    pub fn again(&mut self) -> Result<Loaded, Problems> {
        // Before the reading, so that a change during it is found by the next look.
        let stamps: Vec<_> =
            self.files.iter().map(|(file, _)| (file.clone(), stamp_of(file))).collect();
        let read = load(&self.path);
        let stamp_before =
            |file: &PathBuf| stamps.iter().find(|(it, _)| it == file).and_then(|(_, stamp)| *stamp);
        self.files = match &read {
            Ok(loaded) => loaded.files.iter().map(|it| (it.clone(), stamp_before(it))).collect(),
            Err(_) => stamps.clone(),
        };
        self.wrong = read.as_ref().err().cloned();
        read
    }
}

fn stamp_of(file: &Path) -> Stamp {
    let about = fs::metadata(file).ok()?;
    Some((about.modified().ok(), about.len(), identity(&about)))
}

#[cfg(unix)]
fn identity(about: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (about.dev(), about.ino())
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> Identity {}
