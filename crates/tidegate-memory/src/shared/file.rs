//! Opening and making a shared table's file, by many processes at once.
//!
//! Whoever opens the file takes the kernel's lock on it for the few microseconds in which it
//! looks at the header or writes one. The kernel gives the lock back when its holder dies, so
//! a process that is killed on the way leaves at worst a file that the next one finishes.
//! Nobody holds it while counting.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::MetadataExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{FallocateFlags, Mode, OFlags};

use super::{
    SharedError,
    header::{BootId, HEADER, Header, HeaderError, VERSION},
};
use crate::{hash::Secret, region::Region, shared::SharedStore};

/// Opens the table, or makes it. `slots` is the number asked for.
pub(super) fn open(
    path: &Path,
    slots: Option<usize>,
    replace: bool,
) -> Result<(Region, Header), SharedError> {
    loop {
        let mut file = open_file(path)?;
        lock(&file).map_err(io_error("lock", path))?;
        // Whoever had the lock before may have put another file in this one's place.
        if !is_still_there(path, &file) {
            continue;
        }
        match attach(path, &mut file, slots) {
            Ok(table) => {
                // Closing the file would not do: the mapping keeps it open.
                file.unlock().map_err(io_error("unlock", path))?;
                return Ok(table);
            }
            Err(error) if replace && error.is_about_content() => {
                fs::remove_file(path).map_err(io_error("replace", path))?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Makes the table if the file is new, finds out whether it is ours otherwise, and maps it.
fn attach(
    path: &Path,
    file: &mut File,
    slots: Option<usize>,
) -> Result<(Region, Header), SharedError> {
    let length = check_metadata(path, file)?;
    let boot = boot_id().map_err(io_error("read the boot id for", path))?;
    let header = match read_header(path, file)? {
        Some(header) if header.boot == boot => header,
        // Its times count from another boot: every one of them would be wrong.
        Some(header) => make(path, file, Header { boot, ..header })?,
        None => {
            let slots = slots.unwrap_or(SharedStore::DEFAULT_CAPACITY) as u64;
            make(path, file, Header { slots, boot, secret: Secret::draw() })?
        }
    };
    let expected = slots.map_or(header.slots, |slots| slots as u64);
    if header.slots != expected {
        let (path, found) = (path.to_owned(), header.slots);
        return Err(SharedError::Capacity { path, found, expected });
    }
    let mapped = header.file_length().ok_or_else(|| corrupt(path, "it is too large"))?;
    let length = if length == 0 { mapped } else { file_length(path, file)? };
    if length != mapped {
        return Err(corrupt(path, "it was cut off"));
    }
    let region = Region::file(file, HEADER, mapped).map_err(io_error("map", path))?;
    Ok((region, header))
}

/// Opens the file without following a link, and makes an empty one if there is none.
pub(crate) fn open_file(path: &Path) -> Result<File, SharedError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
        Ok(descriptor) => Ok(File::from(descriptor)),
        Err(rustix::io::Errno::LOOP) => Err(SharedError::SymbolicLink { path: path.to_owned() }),
        Err(rustix::io::Errno::ISDIR) => Err(SharedError::NotAFile { path: path.to_owned() }),
        Err(error) => Err(io_error("open", path)(error.into())),
    }
}

/// Takes the file's lock. Others have it for microseconds; one that was frozen in between must
/// not keep everybody from starting without a word.
fn lock(file: &File) -> io::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether the path still leads to `file`.
pub(crate) fn is_still_there(path: &Path, file: &File) -> bool {
    match (fs::symlink_metadata(path), file.metadata()) {
        (Ok(there), Ok(here)) => (there.dev(), there.ino()) == (here.dev(), here.ino()),
        _ => false,
    }
}

/// The file's length, if it is a file that nobody else can write to.
pub(crate) fn check_metadata(path: &Path, file: &File) -> Result<usize, SharedError> {
    let metadata = file.metadata().map_err(io_error("look at", path))?;
    let (user, owner) = (rustix::process::geteuid().as_raw(), metadata.uid());
    let path = path.to_owned();
    if !metadata.is_file() {
        return Err(SharedError::NotAFile { path });
    }
    if owner != user {
        return Err(SharedError::Owner { path, owner, user });
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(SharedError::Permissions { path, mode });
    }
    file_length(&path, file)
}

fn file_length(path: &Path, file: &File) -> Result<usize, SharedError> {
    let metadata = file.metadata().map_err(io_error("look at", path))?;
    usize::try_from(metadata.len()).map_err(|_| corrupt(path, "it is too large"))
}

/// The header; `None` for a file that nobody has finished.
fn read_header(path: &Path, file: &mut File) -> Result<Option<Header>, SharedError> {
    let mut bytes = Vec::with_capacity(HEADER);
    let read = file.rewind().and_then(|()| file.take(HEADER as u64).read_to_end(&mut bytes));
    read.map_err(io_error("read", path))?;
    match Header::decode(&bytes) {
        Ok(header) => Ok(Some(header)),
        Err(HeaderError::Unfinished) => Ok(None),
        Err(HeaderError::Version(found)) => {
            Err(SharedError::Version { path: path.to_owned(), found, expected: VERSION })
        }
        Err(HeaderError::Corrupt(what)) => Err(corrupt(path, what)),
    }
}

/// Empties the file, gives it its length, and writes the header last.
fn make(path: &Path, file: &mut File, header: Header) -> Result<Header, SharedError> {
    let length = header.file_length().ok_or_else(|| corrupt(path, "it would be too large"))?;
    let made = file
        .set_len(0)
        .and_then(|()| reserve(file, length as u64))
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(&header.encode()));
    made.map_err(io_error("make", path))?;
    Ok(header)
}

/// Gives the file its length, with the room for it.
///
/// A file with a length only would do, until the file system is full: then the first touch of
/// a page that has no room kills the process.
pub(crate) fn reserve(file: &File, length: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, length) {
        // Not every file system can; those that cannot have no better way.
        Err(rustix::io::Errno::OPNOTSUPP) => file.set_len(length),
        result => Ok(result?),
    }
}

/// What the kernel calls this boot.
fn boot_id() -> io::Result<BootId> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16)
        .map(u128::to_be_bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

pub(crate) fn corrupt(path: &Path, what: &'static str) -> SharedError {
    SharedError::Corrupt { path: path.to_owned(), what }
}

pub(crate) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SharedError {
    move |source| SharedError::Io { action, path: path.to_owned(), source }
}

impl SharedError {
    /// True when another file in its place would do.
    pub(crate) const fn is_about_content(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Version { .. } | Self::Capacity { .. })
    }
}
