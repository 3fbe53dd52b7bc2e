//! Files that commands write: whole, or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::exit::{Exit, Failure};

/// Reads a file of at most 64 MB as text.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    const MOST_BYTES: u64 = 64 * 1024 * 1024;
    let cannot = |error: io::Error| {
        Failure::new(Exit::Config, format!("cannot read `{}`: {error}", path.display()))
    };
    if fs::metadata(path).map_err(cannot)?.len() > MOST_BYTES {
        let message = format!("`{}` has more than {MOST_BYTES} bytes", path.display());
        return Err(Failure::new(Exit::Config, message));
    }
    fs::read_to_string(path).map_err(cannot)
}

/// Makes a file that is not there yet.
pub(crate) fn make(path: &Path, text: &str) -> Result<(), Failure> {
    let written =
        OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::new(
            Exit::Config,
            format!(
                "`{}` is there already; give --force to replace it, or another --output",
                path.display()
            ),
        ),
        _ => cannot_write(path, &error),
    })
}

/// Puts `text` in the place of what the file holds, or makes it: a reader sees the old text or the
/// new one, and never a part. The file keeps its permissions.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    // A link stays one, and what it leads to is written.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let beside = beside(&target);
    let write = || {
        let mut file = File::create_new(&beside)?;
        file.write_all(text.as_bytes())?;
        if let Ok(metadata) = fs::metadata(&target) {
            file.set_permissions(metadata.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&beside, &target)
    };
    write().map_err(|error| {
        // It may not have come to be.
        let _ = fs::remove_file(&beside);
        cannot_write(path, &error)
    })
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Config, format!("cannot write `{}`: {error}", path.display()))
}

/// A name in the same folder, which no other process takes.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}
