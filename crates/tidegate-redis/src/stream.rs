//! Bytes to a server and back, neither for longer than allowed.

#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    time::{Duration, Instant},
};

use rustls::{ClientConnection, StreamOwned};
use tidegate_remote::Lookup;

use crate::{due::Due, url::Host};

/// A socket's own timeout goes by the system's ticks, and may be two of them late, 20 ms at the
/// worst. So it is set to half of the time that is left, and does not serve for less than this.
const COARSE: Duration = Duration::from_millis(40);

/// A connection, encrypted or not.
pub(crate) enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

/// A socket of which no read or write outlasts the deadline: however many it takes, and
/// however little each of them brings.
pub(crate) struct Timed {
    socket: Socket,
    deadline: Instant,
    /// What the socket's timeouts are set to.
    timeout: Duration,
}

enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    /// Sets the time by which whatever is read or written next has to be done.
    pub(crate) fn set_deadline(&mut self, due: &Due) {
        match self {
            Self::Plain(timed) => timed.deadline = due.end(),
            Self::Tls(stream) => stream.sock.deadline = due.end(),
        }
    }
}

impl Timed {
    /// Connects to the first address of `host` that lets it.
    pub(crate) fn tcp(host: &Host, lookup: &Lookup, due: &Due) -> io::Result<Self> {
        let mut last = None;
        let found = lookup.sockets(&host.name, host.port, due.end())?;
        for (index, address) in found.iter().enumerate() {
            // An address where nobody answers must leave time for the others.
            let share = due.share(found.len() - index).map_err(|_| late())?;
            let left = share.left().map_err(|_| late())?;
            match TcpStream::connect_timeout(address, left) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self::new(Socket::Tcp(stream), due));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(late))
    }

    /// Connects to a socket in the file system. The only step that knows no deadline: it waits
    /// while more clients than the server's backlog holds are not yet accepted.
    #[cfg(unix)]
    pub(crate) fn unix(path: &Path, due: &Due) -> io::Result<Self> {
        Ok(Self::new(Socket::Unix(UnixStream::connect(path)?), due))
    }

    #[cfg(not(unix))]
    pub(crate) fn unix(_path: &Path, _due: &Due) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "there are no Unix sockets here"))
    }

    fn new(socket: Socket, due: &Due) -> Self {
        Self { socket, deadline: due.end(), timeout: Duration::ZERO }
    }

    /// Does `work`, a read or a write, when the socket is ready for it, and not after the
    /// deadline.
    fn timely<T>(
        &mut self,
        reads: bool,
        mut work: impl FnMut(&mut Socket) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late());
            }
            if left < COARSE {
                self.socket.wait(reads, left)?;
            } else {
                self.arm(left / 2)?;
            }
            match work(&mut self.socket) {
                // Too early on purpose: the rest is waited for by the exact clock.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = self.deadline.saturating_duration_since(Instant::now());
                    self.socket.wait(reads, left)?;
                }
                done => return done,
            }
        }
    }

    /// Sets the socket's own timeouts to whole milliseconds, rounded up: so that a call that is
    /// given the same time as the one before need not tell the system again.
    fn arm(&mut self, time: Duration) -> io::Result<()> {
        let millis = time.as_nanos().div_ceil(1_000_000);
        let timeout = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
        if timeout != self.timeout {
            self.socket.set_timeout(timeout)?;
            self.timeout = timeout;
        }
        Ok(())
    }
}

impl Socket {
    fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => {
                socket.set_read_timeout(Some(timeout))?;
                socket.set_write_timeout(Some(timeout))
            }
            #[cfg(unix)]
            Self::Unix(socket) => {
                socket.set_read_timeout(Some(timeout))?;
                socket.set_write_timeout(Some(timeout))
            }
        }
    }

    /// Waits until the socket can be read from or written to, at the most for `time`.
    #[cfg(unix)]
    fn wait(&self, reads: bool, time: Duration) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let flags = if reads { PollFlags::IN } else { PollFlags::OUT };
        let mut watched = match self {
            Self::Tcp(socket) => [PollFd::new(socket, flags)],
            Self::Unix(socket) => [PollFd::new(socket, flags)],
        };
        let time = Timespec::try_from(time).map_err(io::Error::other)?;
        match poll(&mut watched, Some(&time))? {
            0 => Err(late()),
            _ => Ok(()),
        }
    }

    #[cfg(not(unix))]
    fn wait(&self, _reads: bool, time: Duration) -> io::Result<()> {
        self.set_timeout(time.max(Duration::from_millis(1)))
    }
}

fn late() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.timely(true, |socket| match socket {
            Socket::Tcp(socket) => socket.read(buffer),
            #[cfg(unix)]
            Socket::Unix(socket) => socket.read(buffer),
        })
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.timely(false, |socket| match socket {
            Socket::Tcp(socket) => socket.write(bytes),
            #[cfg(unix)]
            Socket::Unix(socket) => socket.write(bytes),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(timed) => timed.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(timed) => timed.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(timed) => timed.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// A server that sends a byte now and then, each of them soon enough by itself.
    #[test]
    fn an_answer_that_drips_is_given_up_at_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let drips = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            // Until the reader has gone.
            while socket.write_all(b"+").is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
        });
        let host = Host { name: "127.0.0.1".to_owned(), port };
        let due = Due::new(Instant::now() + Duration::from_millis(50));
        let mut stream = Timed::tcp(&host, &Lookup::default(), &due).unwrap();

        let (mut got, mut buffer) = (0, [0]);
        let error = loop {
            match stream.read(&mut buffer) {
                Ok(read) => got += read,
                Err(error) => break error,
            }
        };

        let kinds = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock];
        assert!(got > 0 && kinds.contains(&error.kind()), "{got}, {error:?}");
        drop(stream);
        drips.join().unwrap();
    }

    #[test]
    fn a_name_that_is_not_found_in_time_is_no_connection() {
        let silent = Lookup::by(|_| {
            loop {
                thread::park();
            }
        });
        let host = Host { name: "db.example".to_owned(), port: 6379 };
        let due = Due::new(Instant::now() + Duration::from_millis(5));

        let error = Timed::tcp(&host, &silent, &due).map(|_| ()).unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
