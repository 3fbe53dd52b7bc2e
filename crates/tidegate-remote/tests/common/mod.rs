//! A server in memory that does as it is told: stands still, fails, or decides by GCRA.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test's set-up that fails fails the test")]

use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use tidegate_core::{Charge, Key, Limit, Nanos, Program, algorithm::Algorithm as _};
use tidegate_remote::{
    Ask, AskKind, Backend, Event, Fix, Link, Listed, Listener, Name, Page, Record, Remote,
    RemoteError, Reply, Settings,
};

/// How late an answer may be on a busy machine.
pub const LATE: Duration = Duration::from_millis(150);

/// The server, shared by the test and the store under test.
#[derive(Clone)]
pub struct Fake {
    name: &'static str,
    shared: Arc<(Mutex<Server>, Condvar)>,
}

/// What there is to see and to set.
#[derive(Default)]
pub struct Server {
    /// Nobody is answered, nor told that his time is over.
    pub stands_still: bool,
    /// Nobody who connects gets anywhere.
    pub hangs: bool,
    /// Attempts to connect that hang.
    pub hanging: usize,
    /// What the next exchanges fail with, the link with them.
    pub breaks: Vec<RemoteError>,
    /// What every ask is answered with.
    pub refuses: Option<RemoteError>,
    /// How many asks each exchange had, in order.
    pub exchanges: Vec<usize>,
    /// Links that are open, and the most that ever were.
    pub open: usize,
    pub most_open: usize,
    /// Exchanges under way, and the most that ever were.
    pub busy: usize,
    pub most_busy: usize,
    /// Questions that were thought about.
    pub programs: usize,
    /// By which process each link was opened.
    pub opened_by: Vec<u32>,
    tats: HashMap<Name, Nanos>,
}

impl Fake {
    /// Threads that work for it are found by its name, so tests that count them have one each.
    pub fn new(name: &'static str) -> Self {
        Self { name, shared: Arc::default() }
    }

    pub fn see(&self) -> MutexGuard<'_, Server> {
        self.shared.0.lock().unwrap()
    }

    /// Lets those go on who wait.
    pub fn set(&self, change: impl FnOnce(&mut Server)) {
        change(&mut self.see());
        self.shared.1.notify_all();
    }

    pub fn remote(&self, settings: Settings) -> Remote<Self> {
        self.remote_with(settings, Arc::new(|_| ()))
    }

    pub fn remote_with(&self, settings: Settings, listener: Listener) -> Remote<Self> {
        Remote::new(self.clone(), settings, listener)
    }

    /// Threads that ask for those who do not wait.
    pub fn threads(&self) -> usize {
        let name = format!("tidegate-{}", self.name);
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|found| found.trim_end() == name).count()
    }
}

/// Patient, and without a memory of its own.
pub fn settings() -> Settings {
    Settings { timeout: Duration::from_secs(20), recheck: Duration::ZERO, ..Settings::default() }
}

/// A listener, and what it heard.
pub fn listener() -> (Listener, Arc<Mutex<Vec<Event>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    (Arc::new(move |event| told.lock().unwrap().push(event.clone())), heard)
}

pub fn limit(text: &str) -> Limit {
    text.parse().unwrap()
}

pub fn charge<'a>(limit: &'a Limit, subject: &'a str) -> Charge<'a> {
    Charge { key: Key::new("api", limit.tag(0), subject.as_bytes()), limit, cost: 1, at: Nanos(0) }
}

/// One request of `subject`, and whether it passes.
pub fn check<B: Backend>(
    remote: &Remote<B>,
    limit: &Limit,
    subject: &str,
) -> Result<bool, RemoteError> {
    let answer = remote.check(&[charge(limit, subject)], 1)?;
    Ok(answer.requests[0][0].is_allowed())
}

pub fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !ready() {
        assert!(Instant::now() < end, "it never came that {what}");
        thread::yield_now();
    }
}

/// Waits until `count` more questions are about to be put. The moment between that and the
/// queue has no name, so it is given a little time; who is later makes another batch.
pub fn wait_for_questions(fake: &Fake, count: usize) {
    wait_until("all have asked", || fake.see().programs >= count);
    thread::sleep(Duration::from_millis(20));
}

pub fn unavailable() -> RemoteError {
    RemoteError::Unavailable { store: "fake", reason: "as told".to_owned() }
}

impl Backend for Fake {
    type Link = FakeLink;

    fn name(&self) -> &'static str {
        self.name
    }

    fn program(&self, limit: &Limit) -> Result<Program, String> {
        self.see().programs += 1;
        Ok(limit.program().clone())
    }

    fn connect(&self, _deadline: Instant) -> Result<FakeLink, RemoteError> {
        let mut server = self.see();
        server.hanging += 1;
        while server.hangs {
            server = self.shared.1.wait(server).unwrap();
        }
        server.hanging -= 1;
        server.open += 1;
        server.most_open = server.most_open.max(server.open);
        server.opened_by.push(std::process::id());
        Ok(FakeLink(self.clone()))
    }
}

pub struct FakeLink(Fake);

impl Drop for FakeLink {
    fn drop(&mut self) {
        self.0.see().open -= 1;
    }
}

impl Link for FakeLink {
    fn exchange(
        &mut self,
        asks: &[Ask],
        replies: &mut Vec<Result<Reply, RemoteError>>,
        _deadline: Instant,
    ) -> Result<(), RemoteError> {
        let mut server = self.0.see();
        server.exchanges.push(asks.len());
        server.busy += 1;
        server.most_busy = server.most_busy.max(server.busy);
        while server.stands_still {
            server = self.0.shared.1.wait(server).unwrap();
        }
        server.busy -= 1;
        if let Some(error) = server.breaks.pop() {
            return Err(error);
        }
        for ask in asks {
            let reply = server.refuses.clone().map_or_else(|| Ok(server.decide(ask)), Err);
            replies.push(reply);
        }
        Ok(())
    }

    fn adjust(&mut self, fixes: &[Fix], _deadline: Instant) -> Result<(), RemoteError> {
        for fix in fixes {
            self.0.see().tats.remove(&fix.name);
        }
        Ok(())
    }

    fn time(&mut self, _deadline: Instant) -> Result<Nanos, RemoteError> {
        Ok(now())
    }

    fn list(&mut self, _page: &Page, _deadline: Instant) -> Result<Listed, RemoteError> {
        Ok(Listed::default())
    }
}

/// The server's time.
fn now() -> Nanos {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().into()
}

impl Server {
    /// Decides an ask of one counter, by GCRA.
    fn decide(&mut self, ask: &Ask) -> Reply {
        let [counter] = ask.counters.as_slice() else { panic!("one counter, please") };
        let Program::Gcra(gcra) = &counter.program else { panic!("GCRA, please") };
        let found = self.tats.get(&counter.name).copied().unwrap_or_default();
        let (mut tat, mut granted, now) = (found, 0, now());
        while granted < ask.count && ask.kind == AskKind::Check {
            let Some(next) = gcra.check(tat, now, counter.cost).next else { break };
            (tat, granted) = (next, granted + 1);
        }
        self.tats.insert(counter.name.clone(), tat);
        Reply { granted, now, found: [Record::Time(found)].into_iter().collect() }
    }
}
