//! Locks on ranges of a file's bytes, which belong to a process.
//!
//! They are those of POSIX: the kernel gives them back when their process dies, a forked child
//! has none of its parent's, and other threads of the same process do not see them. They also
//! end when the process closes *any* descriptor of the file, so a file that is locked by them
//! is never closed.
//!
//! Source: POSIX.1-2017, `fcntl`, "Record locking".

use std::{
    fs::File,
    io, thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, fcntl},
    libc::{self, c_short, off_t},
};

/// A range of bytes, which need not be within the file. 31 bits are all that some systems have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    start: i32,
    length: i32,
}

impl Range {
    /// Bytes of a page.
    const PAGE: i32 = 4096;

    /// All of a page, counted from 0.
    pub(super) const fn page(index: i32) -> Self {
        Self { start: index * Self::PAGE, length: Self::PAGE }
    }

    /// One byte.
    pub(super) const fn byte(at: i32) -> Self {
        Self { start: at, length: 1 }
    }
}

// Of one type on one system, and of another on the next; all are below ten.
#[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast, reason = "see above")]
const LOCKED: c_short = libc::F_WRLCK as c_short;
#[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast, reason = "see above")]
const UNLOCKED: c_short = libc::F_UNLCK as c_short;
#[allow(clippy::cast_possible_truncation, reason = "it is zero")]
const BEGINNING: c_short = libc::SEEK_SET as c_short;

/// A locked range; unlocked when dropped.
pub(super) struct Locked<'a> {
    file: &'a File,
    range: Range,
}

impl<'a> Locked<'a> {
    /// Locks `range` against other processes; `None` when one of them has held it for all of
    /// `patience`.
    pub(super) fn within(
        file: &'a File,
        range: Range,
        patience: Duration,
    ) -> io::Result<Option<Self>> {
        // Others hold it for microseconds, so they are mostly done when this thread runs again.
        const YIELDS: u32 = 100;
        const PAUSE: Duration = Duration::from_micros(50);
        let mut start = None;
        for turn in 0_u32.. {
            if try_lock(file, range)? {
                return Ok(Some(Self { file, range }));
            }
            if start.get_or_insert_with(Instant::now).elapsed() >= patience {
                break;
            }
            if turn < YIELDS { thread::yield_now() } else { thread::sleep(PAUSE) }
        }
        Ok(None)
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Unlocking what is locked cannot fail, and there is nobody to tell.
        let _ = fcntl(self.file, FcntlArg::F_SETLK(&words(UNLOCKED, self.range)));
    }
}

/// Locks `range` until this process dies; false when another one has it.
pub(super) fn try_lock(file: &File, range: Range) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(&words(LOCKED, range))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether another process has locked any of `range`.
pub(super) fn is_locked(file: &File, range: Range) -> io::Result<bool> {
    let mut found = words(LOCKED, range);
    fcntl(file, FcntlArg::F_GETLK(&mut found))?;
    Ok(found.l_type != UNLOCKED)
}

fn words(kind: c_short, range: Range) -> libc::flock {
    libc::flock {
        l_type: kind,
        l_whence: BEGINNING,
        l_start: off_t::from(range.start),
        l_len: off_t::from(range.length),
        l_pid: 0,
    }
}
