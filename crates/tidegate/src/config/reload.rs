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
    /// Reads the configuration at `path`, and watches the files that it was read from.
    ///
    /// # Errors
    ///
    /// As [`load`].
    pub fn open(path: &Path) -> Result<(Self, Loaded), Problems> {
        let path = path.to_owned();
        let mut watch = Self { files: vec![(path.clone(), None)], path, wrong: None };
        let loaded = watch.again()?;
        Ok((watch, loaded))
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
        let mut read;
        loop {
            // Before the reading, so that a change during it is found by the next look.
            for (file, stamp) in &mut self.files {
                *stamp = stamp_of(file);
            }
            read = load(&self.path);
            let Ok(loaded) = &read else { break };
            let is_new = |file: &PathBuf| self.files.iter().all(|(it, _)| it != file);
            let has_new = loaded.files.iter().any(is_new);
            self.files.retain(|(file, _)| loaded.files.contains(file));
            if !has_new {
                break;
            }
            // Files that were not known before are read once more, for the same reason.
            self.files = loaded.files.iter().map(|file| (file.clone(), None)).collect();
        }
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
