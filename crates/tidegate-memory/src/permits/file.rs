//! Opening and making a file of permits, by many processes at once.
//!
//! ```text
//! file := header (1 page) bucket (1 page) × 256
//! ```
//!
//! Beyond its end, one byte per process can be locked: who dies unlocks it.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
    time::Duration,
};

use super::{
    bucket::BUCKET,
    handle::{self, Handle},
    header::{HEADER, Header, NEXT_OWNER, VERSION},
    locks::{Locked, Range, is_locked, try_lock},
};
use crate::shared::{
    SharedError,
    file::{check_metadata, corrupt, io_error, is_still_there, open_file, reserve},
    header::HeaderError,
};

/// Buckets of a file, and with that room for 32 768 keys with requests in flight.
pub(super) const BUCKETS: u64 = 256;
const LENGTH: u64 = HEADER as u64 + BUCKETS * BUCKET as u64;
/// Owners' numbers are below this: more than a process can be started in a lifetime.
const OWNERS: i32 = 1 << 30;
/// One that is frozen in the midst must not keep everybody from starting without a word.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the file, or makes it.
pub(super) fn open(path: &Path, replace: bool) -> Result<(&'static Handle, Header), SharedError> {
    loop {
        let handle = open_once(path)?;
        let process = handle.process();
        let _turn = process.turn();
        let _lock = lock_header(&handle.file).map_err(io_error("lock", path))?;
        // Whoever had the lock before may have put another file in this one's place.
        if !is_still_there(path, &handle.file) {
            continue;
        }
        match attach(path, &handle.file) {
            Ok(header) => return Ok((handle, header)),
            Err(error) if replace && error.is_about_content() => {
                fs::remove_file(path).map_err(io_error("replace", path))?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The file at `path`, opened only if this process has not done so before.
fn open_once(path: &Path) -> Result<&'static Handle, SharedError> {
    if let Ok(there) = fs::symlink_metadata(path)
        && let Some(handle) = handle::known(handle::identity(&there))
    {
        return Ok(handle);
    }
    let file = open_file(path)?;
    let identity = handle::identity(&file.metadata().map_err(io_error("look at", path))?);
    if handle::known(identity).is_none() {
        check_metadata(path, &file)?;
    }
    Ok(handle::keep(file, identity))
}

fn lock_header(file: &File) -> io::Result<Locked<'_>> {
    Locked::within(file, Range::page(0), PATIENCE)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
}

/// Finds out whether the file is ours, and makes it if it is new.
fn attach(path: &Path, file: &File) -> Result<Header, SharedError> {
    let length = check_metadata(path, file)?;
    let mut bytes = vec![0; length.min(HEADER)];
    file.read_exact_at(&mut bytes, 0).map_err(io_error("read", path))?;
    match Header::decode(&bytes) {
        Ok(header) if length as u64 == LENGTH => Ok(header),
        Ok(_) => Err(corrupt(path, "it was cut off")),
        Err(HeaderError::Unfinished) => make(file).map_err(io_error("make", path)),
        Err(HeaderError::Version(found)) => {
            Err(SharedError::Version { path: path.to_owned(), found, expected: VERSION })
        }
        Err(HeaderError::Corrupt(what)) => Err(corrupt(path, what)),
    }
}

/// Empties the file, gives it its length, and writes the header last.
fn make(file: &File) -> io::Result<Header> {
    let header = Header::draw();
    file.set_len(0)?;
    reserve(file, LENGTH)?;
    file.write_all_at(&header.encode(), 0)?;
    Ok(header)
}

/// Gives this process a number that none had before, and locks it until the process dies.
pub(super) fn claim_owner(file: &File) -> io::Result<i32> {
    let _lock = lock_header(file)?;
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, NEXT_OWNER)?;
    let mut owner = i32::from_ne_bytes(bytes);
    loop {
        if !is_owner(owner) {
            owner = 1;
        }
        if try_lock(file, owner_range(owner))? {
            file.write_all_at(&(owner + 1).to_ne_bytes(), NEXT_OWNER)?;
            return Ok(owner);
        }
        owner += 1;
    }
}

/// Whether the process that has, or had, this number is alive, and another one than this.
pub(super) fn is_alive(file: &File, owner: i32) -> io::Result<bool> {
    Ok(is_owner(owner) && is_locked(file, owner_range(owner))?)
}

fn is_owner(number: i32) -> bool {
    (1..OWNERS).contains(&number)
}

fn owner_range(owner: i32) -> Range {
    // Far beyond the end of the file, and within 31 bits.
    Range::byte(OWNERS + owner)
}
