//! Finding the addresses of a host until a deadline.
//!
//! The system's look-up cannot be interrupted, and takes seconds when a name server is silent.
//! So it runs in a thread of its own; whoever wants the answer waits as long as he can, and
//! an answer that comes later is there for the next who asks.

use std::{
    collections::HashMap,
    fmt, io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;

/// Look-ups under way at once, at the most.
const MOST: usize = 8;
/// For how long an answer is good that came too late: hosts do move.
const GOOD_FOR: Duration = Duration::from_secs(10);

type Find = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Finds addresses, and never takes longer than it may. Safe across a fork.
pub struct Lookup {
    find: Arc<Find>,
    /// Of this process; replaced after a fork.
    process: ArcSwap<Process>,
}

struct Process {
    id: u32,
    names: Mutex<HashMap<String, Progress>>,
    changed: Condvar,
}

/// How far the look-up of a name has come.
enum Progress {
    UnderWay,
    Found(Instant, Vec<IpAddr>),
    Failed(Instant, io::ErrorKind, String),
}

impl Default for Lookup {
    /// Asks the system.
    fn default() -> Self {
        Self::by(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }
}

impl Lookup {
    /// Asks `find`, which may take any time.
    pub fn by(find: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self { find: Arc::new(find), process: ArcSwap::new(Process::new()) }
    }

    /// The addresses of `name`, at least one, in the system's order. One that is an address
    /// already is its own.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] at `deadline` (local), and what the system says of a name
    /// that it does not know.
    pub fn find(&self, name: &str, deadline: Instant) -> io::Result<Vec<IpAddr>> {
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        let process = self.process();
        let mut names = process.names();
        loop {
            let now = Instant::now();
            match names.remove(name) {
                Some(Progress::Found(at, found)) if now < at + GOOD_FOR => return Ok(found),
                Some(Progress::Failed(at, kind, what)) if now < at + GOOD_FOR => {
                    return Err(io::Error::new(kind, what));
                }
                Some(Progress::UnderWay) => drop(names.insert(name.to_owned(), Progress::UnderWay)),
                Some(Progress::Found(..) | Progress::Failed(..)) | None => {
                    let running = |one: &&Progress| matches!(one, Progress::UnderWay);
                    if names.values().filter(running).count() < MOST {
                        self.begin(&process, name)?;
                        names.insert(name.to_owned(), Progress::UnderWay);
                    }
                }
            }
            if now >= deadline {
                let what = format!("no answer yet about the name {name}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, what));
            }
            let waited = process.changed.wait_timeout(names, deadline - now);
            names = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// As [`find`](Self::find), with the port added to each address.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn sockets(&self, name: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        let found = self.find(name, deadline)?;
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    fn begin(&self, process: &Arc<Process>, name: &str) -> io::Result<()> {
        let (find, process, name) = (Arc::clone(&self.find), Arc::clone(process), name.to_owned());
        let look = move || {
            let found = find(&name);
            let progress = match found {
                Ok(found) if !found.is_empty() => Progress::Found(Instant::now(), found),
                Ok(_) => {
                    let what = format!("the name {name} has no address");
                    Progress::Failed(Instant::now(), io::ErrorKind::NotFound, what)
                }
                Err(error) => Progress::Failed(Instant::now(), error.kind(), error.to_string()),
            };
            let mut names = process.names();
            // What nobody has come for may be of names that nobody wants any more.
            names.retain(|_, progress| match progress {
                Progress::UnderWay => true,
                Progress::Found(at, _) | Progress::Failed(at, ..) => at.elapsed() < GOOD_FOR,
            });
            names.insert(name, progress);
            drop(names);
            process.changed.notify_all();
        };
        thread::Builder::new().name("tidegate-lookup".to_owned()).spawn(look).map(|_| ())
    }

    fn process(&self) -> Arc<Process> {
        let process = self.process.load_full();
        if process.id == std::process::id() {
            return process;
        }
        let new = Process::new();
        self.process.store(Arc::clone(&new));
        new
    }
}

impl Process {
    fn new() -> Arc<Self> {
        let id = std::process::id();
        Arc::new(Self { id, names: Mutex::default(), changed: Condvar::new() })
    }

    fn names(&self) -> MutexGuard<'_, HashMap<String, Progress>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    };

    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// A look-up that hangs until it is told to answer, and how often it was begun.
    fn hanging() -> (Lookup, Sender<()>, Arc<AtomicUsize>) {
        let (answer, told): (Sender<()>, Receiver<()>) = channel();
        let (told, begun) = (Mutex::new(told), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&begun);
        let lookup = Lookup::by(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = told.lock().unwrap().recv();
            Ok(vec![HOME])
        });
        (lookup, answer, begun)
    }

    fn shortly() -> Instant {
        Instant::now() + Duration::from_millis(5)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn a_look_up_that_hangs_is_given_up_and_its_late_answer_kept() {
        let (lookup, answer, begun) = hanging();
        for _ in 0..3 {
            let error = lookup.find("db.example", shortly()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }

        answer.send(()).unwrap();

        assert_eq!(lookup.find("db.example", soon()).unwrap(), [HOME]);
        assert_eq!(begun.load(Ordering::SeqCst), 1, "one look-up of a name at a time");
    }

    #[test]
    fn look_ups_that_hang_are_bounded_in_number() {
        let (lookup, answer, begun) = hanging();
        for number in 0..3 * MOST {
            assert!(lookup.find(&format!("host-{number}"), shortly()).is_err());
        }
        assert!(begun.load(Ordering::SeqCst) <= MOST);

        (0..=MOST).for_each(|_| answer.send(()).unwrap());

        assert_eq!(lookup.find("another", soon()).unwrap(), [HOME]);
    }

    #[test]
    fn an_address_is_not_looked_up() {
        let lookup = Lookup::by(|_| Err(io::Error::other("asked")));

        assert_eq!(lookup.find("127.0.0.1", Instant::now()).unwrap(), [HOME]);
        assert_eq!(lookup.find("localhost", soon()).unwrap_err().to_string(), "asked");
    }

    #[test]
    fn the_system_is_asked_by_default() {
        let found = Lookup::default().sockets("localhost", 7, soon()).unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 7));
    }
}
