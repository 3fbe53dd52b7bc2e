//! Sockets and the processes at their other end.

use std::{
    io,
    os::{fd::AsRawFd, unix::net::UnixStream},
    path::Path,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::{
        signal::kill,
        socket::{self, AddressFamily, SockFlag, SockType, UnixAddr},
    },
    unistd::{Pid, Uid},
};

/// Connects without waiting: to a worker that is stopped, and at which many wait already, it
/// would be for ever.
///
/// # Errors
///
/// `WouldBlock` when too many wait, `ConnectionRefused` when nobody listens.
pub(crate) fn connect(path: &Path, patience: Duration) -> io::Result<UnixStream> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    socket::connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

/// What became of the process that listens at a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// It is there, or nobody can tell.
    There,
    /// It is dead, and a child that it had forked still holds the socket without knowing.
    Dead,
}

impl Listener {
    /// The listener at the other end of `stream`.
    pub(crate) fn of(stream: &UnixStream) -> Self {
        match peer(stream) {
            Some((pid, _)) if pid != 0 && is_dead(pid) => Self::Dead,
            _ => Self::There,
        }
    }
}

/// Whether whoever has connected may ask: the same user, or root.
pub(crate) fn may_ask(stream: &UnixStream) -> bool {
    // Where the system does not tell, the mode of the socket's file must do.
    let own = Uid::effective().as_raw();
    peer(stream).is_none_or(|(_, user)| user == own || user == 0)
}

/// Whether a process with this number is gone.
pub(crate) fn is_dead(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0);
    pid.is_none_or(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
}

/// Process and user at the other end, the process 0 when it is in another container; `None` where
/// the system does not tell.
#[cfg(target_os = "linux")]
fn peer(stream: &UnixStream) -> Option<(u32, u32)> {
    let known = socket::getsockopt(stream, socket::sockopt::PeerCredentials).ok()?;
    Some((u32::try_from(known.pid()).ok()?, known.uid()))
}

#[cfg(not(target_os = "linux"))]
fn peer(_stream: &UnixStream) -> Option<(u32, u32)> {
    None
}

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, os::unix::net::UnixListener};

    use super::*;

    #[test]
    fn a_crowd_at_a_listener_that_sleeps_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let _listener = UnixListener::bind(&path).unwrap();
        let mut tries = 0;
        let error = loop {
            match connect(&path, Duration::from_secs(1)) {
                Ok(stream) => assert_eq!(Listener::of(&stream), Listener::There),
                Err(error) => break error,
            }
            tries += 1;
            assert!(tries < 100_000);
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn we_may_ask_ourselves() {
        let (one, _other) = UnixStream::pair().unwrap();
        assert!(may_ask(&one));
        assert!(!is_dead(std::process::id()));
        assert!(is_dead(0) && is_dead(999_999_999) && is_dead(u32::MAX));
    }
}
