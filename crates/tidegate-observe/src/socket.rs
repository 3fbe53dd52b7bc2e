//! Where the sockets of an application's workers are.

use std::{
    fs, io,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Error,
    connect::{Listener, connect},
};

/// Nothing is asked of the listener.
const PATIENCE: Duration = Duration::from_secs(1);

/// The socket of the worker `pid`: its number stands before the ending.
pub(crate) fn of_worker(base: &Path, pid: u32) -> Result<PathBuf, Error> {
    let (stem, ending) = parts(base)?;
    Ok(base.with_file_name(format!("{stem}.{pid}{ending}")))
}

/// The sockets that are there, with the workers' numbers.
pub(crate) fn of_all(base: &Path) -> Result<Vec<(u32, PathBuf)>, Error> {
    let (stem, ending) = parts(base)?;
    let folder = base.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wrong = |source| Error::Socket { path: base.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(error)),
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| {
            name.strip_prefix(&stem)?.strip_prefix('.')?.strip_suffix(&ending)?.parse().ok()
        });
        if let Some(pid) = pid {
            found.push((pid, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Makes room for a socket: removes one that a worker with the same number has left, but not one
/// at which somebody listens, such as the worker with that number in another container.
pub(crate) fn clear(path: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.file_type().is_socket() => {
            if connect(path, PATIENCE).is_ok_and(|it| Listener::of(&it) == Listener::There) {
                return Err(Error::InUse { path: path.to_owned() });
            }
            fs::remove_file(path).map_err(|source| Error::Socket { path: path.to_owned(), source })
        }
        Ok(_) => Err(Error::Occupied { path: path.to_owned() }),
        Err(_) => Ok(()),
    }
}

fn parts(base: &Path) -> Result<(String, String), Error> {
    let wrong = || Error::Path { path: base.to_owned() };
    let name = base.file_name().and_then(|name| name.to_str()).ok_or_else(wrong)?;
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => Ok((stem.to_owned(), format!(".{ending}"))),
        _ => Ok((name.to_owned(), String::new())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_s_number_stands_before_the_ending() {
        let of = |base: &str| of_worker(Path::new(base), 7).map(|path| path.display().to_string());
        assert_eq!(of("/run/a/t.sock").unwrap(), "/run/a/t.7.sock");
        assert_eq!(of("/run/a/socket").unwrap(), "/run/a/socket.7");
        assert!(of("/").is_err() && of("..").is_err());
    }
}
