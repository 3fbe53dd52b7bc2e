//! Requests that flow while a server is in trouble, and what must hold of them.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use super::lateness;
use tidegate::{
    Decision, Error, Event, Health, Limiter, OnStoreError, Reason, Rule, Store, open_store_with,
};

/// The default of a store's URL.
const TIMEOUT: Duration = Duration::from_millis(50);
/// How late any check may be, on a machine that is never late itself.
const LATE: Duration = Duration::from_millis(20);
/// What the machine may be to blame for, at the most: it has two cores, and other things to do.
const PUT_ASIDE: Duration = Duration::from_millis(130);
/// Times that a request has to be woken, at the most: by the thread that asked for it, which was
/// woken itself.
const WAKINGS: u32 = 2;
/// Within which a server that is back is noticed, and how much longer a busy machine may take.
const NOTICED: Duration = Duration::from_secs(2);
const BUSY: Duration = Duration::from_secs(1);

const THREADS: usize = 8;
/// The limit of every rule: units of a rested key.
const UNITS: usize = 10;

/// Times are measured, so no two of these tests run at once.
static ALONE: Mutex<()> = Mutex::new(());

/// Whether what a server counted before an outage is there afterwards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    Kept,
    Gone,
}

/// A store in trouble.
pub(crate) struct Trial {
    store: Arc<dyn Store>,
    limiters: [Limiter; 3],
    heard: Arc<Mutex<Vec<Event>>>,
    /// Names of keys, by a number.
    key: Box<dyn Fn(usize) -> String + Sync>,
}

/// What one check was like.
struct Seen {
    took: Duration,
    decided: Result<Decision, Error>,
}

impl Trial {
    pub(crate) fn new(url: &str) -> Self {
        Self::with_keys(url, |number| format!("key {number}"))
    }

    pub(crate) fn with_keys(url: &str, key: impl Fn(usize) -> String + Sync + 'static) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        let listener = move |event: &Event| told.lock().unwrap().push(event.clone());
        let store = open_store_with(url, Arc::new(listener)).unwrap();
        let limiter = |name, mode| {
            let limits = format!("{UNITS}/hour").parse().unwrap();
            let rule = Rule::new(name, limits).on_store_error(mode);
            Limiter::builder().rule(rule).shared_store(Arc::clone(&store)).build().unwrap()
        };
        let limiters = [
            limiter("local", OnStoreError::Local),
            limiter("open", OnStoreError::Open),
            limiter("closed", OnStoreError::Closed),
        ];
        Self { store, limiters, heard, key: Box::new(key) }
    }

    /// Lets requests flow, brings the trouble about and ends it, and sees that all is well
    /// before, meanwhile and afterwards.
    ///
    /// No request takes longer than its time-out and 20 ms, but for what the machine is to blame
    /// for: as much as a thread suffered meanwhile that only sleeps, for each time that the
    /// request was woken, and no more than 130 ms. Of a thousand requests, all but one do without
    /// that.
    pub(crate) fn survives(&self, counts: Counts, trouble: impl FnOnce(), end: impl FnOnce()) {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let [spent, half] = [(self.key)(0), (self.key)(1)];
        self.begins();
        self.uses(&spent, UNITS);
        self.uses(&half, 6);
        self.heard.lock().unwrap().clear();
        let ends = AtomicBool::new(false);
        let (seen, machine) = lateness::during(|| {
            thread::scope(|scope| {
                let work = |thread| {
                    let ends = &ends;
                    scope.spawn(move || self.load(thread, ends))
                };
                let threads: Vec<_> = (0..THREADS).map(work).collect();
                // Whatever comes of it, the threads are to end.
                let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    trouble();
                    self.hears("it is down", Duration::from_secs(5), |event| {
                        matches!(event, Event::Down(_))
                    });
                    self.meanwhile(&spent, &half);
                    end();
                    self.afterwards(counts, &spent, &half);
                }));
                ends.store(true, Ordering::Relaxed);
                let seen: Vec<Seen> =
                    threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
                done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                seen
            })
        });
        for (place, one) in seen.iter().enumerate() {
            assert!(one.decided.is_ok(), "request {place}: {:?}", one.decided);
        }
        let degraded = seen.iter().flat_map(|one| &one.decided).filter(|one| one.degraded).count();
        assert!(degraded > 0 && degraded < seen.len(), "{degraded} of {} degraded", seen.len());
        let mut took: Vec<Duration> = seen.iter().map(|one| one.took).collect();
        took.sort_unstable();
        let (nearly_all, longest) = (took[(took.len() - 1) * 999 / 1000], took[took.len() - 1]);
        let told = format!("of {}: {nearly_all:?}, {longest:?}; machine {machine:?}", seen.len());
        assert!(nearly_all <= TIMEOUT + LATE, "{told}");
        assert!(longest <= TIMEOUT + LATE + PUT_ASIDE.min(machine * WAKINGS), "{told}");
    }

    /// Brings about trouble in which the server still refuses, so that it seems to be back again
    /// and again. A half-used key gets its rest, once.
    pub(crate) fn admits_no_more_while_health_changes(&self, trouble: impl FnOnce()) {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let [spent, half] = [(self.key)(0), (self.key)(1)];
        self.begins();
        self.uses(&spent, UNITS);
        self.uses(&half, 6);
        self.heard.lock().unwrap().clear();
        trouble();
        let ups = || self.heard.lock().unwrap().iter().filter(|event| **event == Event::Up).count();
        let (begun, mut admitted) = (Instant::now(), 0);
        while ups() < 5 {
            assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", self.heard.lock());
            assert_eq!(self.admitted(&spent, 1).0, 0);
            // Now and then, so that some tries fall to the key that is refused.
            admitted += self.admitted(&half, 4).0;
            for _ in 0..20 {
                assert_eq!(self.admitted(&spent, 1).0, 0);
                thread::sleep(Duration::from_millis(2));
            }
        }
        assert_eq!(admitted, UNITS - 6, "after {} recoveries that were none", ups());
    }

    /// What one thread sees: two of them do not wait, but are called back.
    fn load(&self, thread: usize, ends: &AtomicBool) -> Vec<Seen> {
        let limiter = &self.limiters[thread % 3];
        let mut seen = Vec::new();
        while !ends.load(Ordering::Relaxed) {
            let key = (self.key)(10 + seen.len() % 40);
            let begun = Instant::now();
            let decided = if thread >= THREADS - 2 {
                let (sender, receiver) = mpsc::channel();
                limiter.start(key, 1, Box::new(move |decided| drop(sender.send(decided))));
                receiver.recv().unwrap()
            } else {
                limiter.check(&key)
            };
            seen.push(Seen { took: begun.elapsed(), decided });
            // Eight threads that never rest measure the scheduler.
            thread::sleep(Duration::from_millis(1));
        }
        seen
    }

    /// How many of `count` requests are admitted, and how many decided without the store.
    fn admitted(&self, key: &str, count: usize) -> (usize, usize) {
        admitted_by(&self.limiters[0], key, count)
    }

    fn meanwhile(&self, spent: &str, half: &str) {
        let [local, open, closed] = &self.limiters;
        assert_eq!(self.admitted(spent, 20).0, 0, "a fresh burst for a key that was used up");
        assert_eq!(self.admitted(half, 20), (4, 20), "a half-used key");
        assert_eq!(self.admitted(&(self.key)(2), 20), (UNITS, 20), "a key that was never seen");
        assert_eq!(admitted_by(local, half, 5), (0, 5), "there is no more");
        assert_eq!(admitted_by(open, half, 30), (30, 30));
        let refused = closed.check(half).unwrap();
        assert!(!refused.allowed && refused.degraded);
        assert_eq!(refused.reason, Some(Reason::StoreError));
    }

    /// The server's counts decide again, soon after the trouble has ended: by a key that was
    /// never seen, another one each time that a decision still was made without the store.
    fn afterwards(&self, counts: Counts, spent: &str, half: &str) {
        let ended = Instant::now();
        let mut fresh = 3..10;
        loop {
            let left = (NOTICED + BUSY).saturating_sub(ended.elapsed());
            self.works_within(left);
            let number = fresh.next().expect("decisions are still made without the store");
            let (admitted, degraded) = self.admitted(&(self.key)(number), UNITS + 5);
            if degraded == 0 {
                assert_eq!(admitted, UNITS, "a key that was never seen");
                break;
            }
        }
        assert!(self.heard.lock().unwrap().contains(&Event::Up), "nobody heard that it is up");
        // What was asked in vain may have been counted, when the server came to it at last.
        match (counts, self.admitted(spent, UNITS).0, self.admitted(half, UNITS).0) {
            (Counts::Kept, spent, half) => assert!(spent == 0 && half <= 4, "{spent}, {half}"),
            (Counts::Gone, _, half) => assert!(half > 4, "{half}"),
        }
        let stats = self.store.remote().unwrap().stats();
        assert!(stats.outages >= 1 && stats.failures >= 1, "{stats:?}");
    }

    /// A first connection on a busy machine may miss its deadline, which is not what this is
    /// about.
    fn begins(&self) {
        self.works_within(Duration::from_secs(5));
    }

    /// Waits until the server answers and is known to.
    fn works_within(&self, time: Duration) {
        let begun = Instant::now();
        let remote = self.store.remote().unwrap();
        let works = || {
            let answers = !self.limiters[0].peek("first", 1).unwrap().degraded;
            answers && remote.health() == Health::Up
        };
        while !works() {
            assert!(begun.elapsed() < time, "not after {time:?}: {:?}", self.heard.lock());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Lets the server, and nobody else, count `units` of a key.
    fn uses(&self, key: &str, units: usize) {
        for turn in 0.. {
            let (admitted, degraded) = self.admitted(key, units);
            if degraded == 0 {
                assert_eq!(admitted, units);
                break;
            }
            assert!(turn < 9, "{:?}", self.heard.lock());
            self.begins();
            let _ = self.limiters[0].reset(key);
        }
    }

    fn hears(&self, what: &str, within: Duration, wanted: impl Fn(&Event) -> bool) {
        let begun = Instant::now();
        while !self.heard.lock().unwrap().iter().any(&wanted) {
            assert!(begun.elapsed() < within, "not after {within:?}: {what}");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn admitted_by(limiter: &Limiter, key: &str, count: usize) -> (usize, usize) {
    let decisions: Vec<_> = (0..count).map(|_| limiter.check(key).unwrap()).collect();
    let admitted = decisions.iter().filter(|decision| decision.allowed).count();
    (admitted, decisions.iter().filter(|decision| decision.degraded).count())
}
