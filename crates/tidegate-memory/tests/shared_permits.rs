//! Requests in flight in several processes: never more than may, whatever becomes of a process.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests, where a panic is the report")]

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Seek, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Barrier,
    thread,
};

use tidegate_memory::{Permit, SharedOptions, SharedPermits, SharedStore, Taken};

const SMALL: SharedOptions = SharedOptions { capacity: Some(1024), replace: false };
const RULE: u64 = 7;

/// A folder of its own, gone when the test ends.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let name = format!("tidegate-permits-{test}-{}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn open(&self) -> SharedPermits {
        open(&self.0)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open(folder: &Path) -> SharedPermits {
    SharedStore::open(&folder.join("table"), SMALL).unwrap().permits().unwrap()
}

fn acquire(permits: &SharedPermits, subject: &str, limit: u32) -> Option<Permit> {
    match permits.acquire(RULE, subject.as_bytes(), limit).unwrap() {
        Taken::Yes { permit, .. } => Some(permit),
        Taken::No { .. } => None,
    }
}

/// Starts this program again, as one that plays `role` in the folder.
fn start(role: &str, folder: &Path, number: u32) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "one_process", "--ignored", "--nocapture"]);
    command.env("ROLE", role).env("FOLDER", folder).env("NUMBER", number.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Waits until the child has said that it is where it is wanted.
fn until_ready(child: &mut Child) {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line.ends_with("ready")));
}

/// What one of the processes does: started by the tests below.
#[test]
#[ignore = "a part of the other tests, which start it with what it needs"]
fn one_process() {
    let [role, folder, number] = ["ROLE", "FOLDER", "NUMBER"].map(|name| env::var(name).unwrap());
    let (folder, number) = (PathBuf::from(folder), number.parse::<u32>().unwrap());
    match role.as_str() {
        "crowd" => crowd(&folder, number),
        "hold" => {
            let permits = open(&folder);
            for _ in 0..number {
                assert!(acquire(&permits, "ana", u32::MAX).is_some());
            }
            wait_to_be_told();
        }
        "churn" => {
            let permits = open(&folder);
            std::io::stdout().write_all(b"ready\n").unwrap();
            loop {
                if let Some(permit) = acquire(&permits, "ana", number) {
                    permits.release(permit);
                }
            }
        }
        "freeze" => {
            let file = File::options().write(true).open(folder.join("table.permits")).unwrap();
            let lock = nix::libc::flock {
                l_type: i16::try_from(nix::libc::F_WRLCK).unwrap(),
                l_whence: i16::try_from(nix::libc::SEEK_SET).unwrap(),
                l_start: 4096,
                l_len: 4096 * 256,
                l_pid: 0,
            };
            nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETLK(&lock)).unwrap();
            wait_to_be_told();
        }
        other => panic!("no role {other}"),
    }
}

fn wait_to_be_told() {
    let mut out = std::io::stdout();
    out.write_all(b"ready\n").unwrap();
    out.flush().unwrap();
    let _ = std::io::stdin().read(&mut [0]);
}

const THREADS: usize = 4;
const TURNS: usize = 400;

/// Threads that take, look how many others have, and give back.
fn crowd(folder: &Path, limit: u32) {
    let permits = open(folder);
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut counter = Counter::open(folder);
                barrier.wait();
                for _ in 0..TURNS {
                    let Some(permit) = acquire(&permits, "ana", limit) else { continue };
                    assert!(permit.is_counted());
                    let inside = counter.add(1);
                    thread::yield_now();
                    counter.add(-1);
                    permits.release(permit);
                    assert!(inside <= i64::from(limit), "{inside} at once, of {limit}");
                }
            });
        }
    });
}

/// Counts who is inside and the most who ever were, in a file, by means of its own.
struct Counter(File);

impl Counter {
    fn open(folder: &Path) -> Self {
        let mut options = File::options();
        let path = folder.join("counter");
        Self(options.read(true).write(true).create(true).truncate(false).open(path).unwrap())
    }

    /// Who is inside afterwards.
    fn add(&mut self, change: i64) -> i64 {
        self.0.lock().unwrap();
        let (now, most, all) = self.read();
        let now = now + change;
        let text = format!("{now} {} {}\n", most.max(now), all + change.max(0));
        self.0.rewind().unwrap();
        self.0.write_all(text.as_bytes()).unwrap();
        self.0.set_len(text.len() as u64).unwrap();
        self.0.unlock().unwrap();
        now
    }

    fn read(&mut self) -> (i64, i64, i64) {
        let mut text = String::new();
        self.0.rewind().unwrap();
        self.0.read_to_string(&mut text).unwrap();
        let mut numbers = text.split_whitespace().map(|number| number.parse().unwrap());
        let mut next = || numbers.next().unwrap_or(0);
        (next(), next(), next())
    }
}

#[test]
fn processes_and_threads_never_have_more_than_may() {
    for limit in [1, 3] {
        let place = Place::new(&format!("crowd-{limit}"));
        let crowds: Vec<Child> = (0..4).map(|_| start("crowd", &place.0, limit)).collect();
        for crowd in crowds {
            assert!(crowd.wait_with_output().unwrap().status.success());
        }

        let (inside, most, all) = Counter::open(&place.0).read();

        assert_eq!((inside, most), (0, i64::from(limit)), "of {all} in all");
        let permits = place.open();
        let held = (0..=limit).filter_map(|_| acquire(&permits, "ana", limit)).count();
        assert_eq!(held, limit as usize, "what was taken has come back");
    }
}

#[test]
fn the_permits_of_a_killed_process_are_free_at_once() {
    let place = Place::new("kill");
    let permits = place.open();
    let own = acquire(&permits, "ana", 4).unwrap();
    let mut worker = start("hold", &place.0, 3);
    until_ready(&mut worker);
    assert_eq!(permits.acquire(RULE, b"ana", 4).unwrap(), Taken::No { in_flight: 4 });

    worker.kill().unwrap();
    worker.wait().unwrap();

    let others: Vec<_> = (0..4).map_while(|_| acquire(&permits, "ana", 4)).collect();
    assert_eq!(others.len(), 3);
    assert_eq!(permits.in_flight(RULE, b"ana").unwrap(), 4);
    for permit in others.into_iter().chain([own]) {
        permits.release(permit);
    }
    assert_eq!(permits.in_flight(RULE, b"ana").unwrap(), 0);
}

/// Workers that take and give back until they are killed, at any instruction.
#[test]
fn processes_killed_at_random_leave_nothing_taken() {
    let place = Place::new("storm");
    let permits = place.open();
    let mut crowd: Vec<Child> = (0..3).map(|_| start("churn", &place.0, 2)).collect();
    crowd.iter_mut().for_each(until_ready);
    for round in 0..40 {
        let slot = round % crowd.len();
        // The others go on meanwhile, so that the kill comes in the midst of something.
        for _ in 0..100 + round {
            if let Some(permit) = acquire(&permits, "ana", 2) {
                permits.release(permit);
            }
        }
        crowd[slot].kill().unwrap();
        crowd[slot].wait().unwrap();
        crowd[slot] = start("churn", &place.0, 2);
        until_ready(&mut crowd[slot]);
        assert!(permits.in_flight(RULE, b"ana").unwrap() <= 2);
    }
    for worker in &mut crowd {
        worker.kill().unwrap();
        worker.wait().unwrap();
    }

    assert_eq!(permits.in_flight(RULE, b"ana").unwrap(), 0);
    assert!(acquire(&permits, "ana", 2).is_some() && acquire(&permits, "ana", 2).is_some());
    assert!(acquire(&permits, "ana", 2).is_none());
}

#[test]
fn those_of_a_living_process_stay() {
    let place = Place::new("living");
    let permits = place.open();
    let mut worker = start("hold", &place.0, 2);
    until_ready(&mut worker);

    for _ in 0..100 {
        assert_eq!(permits.acquire(RULE, b"ana", 2).unwrap(), Taken::No { in_flight: 2 });
    }
    assert_eq!(permits.in_flight(RULE, b"ana").unwrap(), 2);
    drop(worker.stdin.take());
    worker.wait().unwrap();
    assert!(acquire(&permits, "ana", 1).is_some());
}

#[test]
fn stores_on_one_file_count_together_and_closing_one_frees_nothing() {
    let place = Place::new("stores");
    let (one, other) = (place.open(), place.open());
    let permit = acquire(&one, "ana", 1).unwrap();

    assert!(acquire(&other, "ana", 1).is_none());
    drop(other);
    drop(place.open());
    let mut worker = start("crowd", &place.0, 1);
    assert!(worker.wait().unwrap().success());
    assert_eq!(Counter::open(&place.0).read().2, 0, "nobody else got in meanwhile");
    one.release(permit);
    assert!(acquire(&place.open(), "ana", 1).is_some());
}

#[test]
fn rules_and_subjects_are_counted_apart_and_zero_lets_nobody_in() {
    let place = Place::new("apart");
    let permits = place.open();

    assert!(acquire(&permits, "ana", 1).is_some() && acquire(&permits, "ben", 1).is_some());
    assert!(matches!(permits.acquire(RULE + 1, b"ana", 1).unwrap(), Taken::Yes { .. }));
    assert!(acquire(&permits, "ana", 1).is_none());
    assert_eq!(permits.acquire(RULE, b"cem", 0).unwrap(), Taken::No { in_flight: 0 });
    let _held: Vec<_> = (0..4).map(|_| acquire(&permits, "ana", 5)).collect();
    assert_eq!(permits.acquire(RULE, b"ana", 2).unwrap(), Taken::No { in_flight: 5 });
}

#[test]
fn those_there_is_no_room_for_are_let_through() {
    let place = Place::new("full");
    let permits = place.open();
    let held: Vec<Permit> =
        (0..40_000).map(|user| acquire(&permits, &format!("user {user}"), 1).unwrap()).collect();

    let counted = held.iter().filter(|permit| permit.is_counted()).count();
    assert!((20_000..=32_768).contains(&counted), "{counted}");
    assert_eq!(permits.uncounted(), 40_000 - counted as u64);
    for permit in held {
        permits.release(permit);
    }
    let left = (0..40_000).map(|user| permits.in_flight(RULE, format!("user {user}").as_bytes()));
    assert_eq!(left.map(Result::unwrap).sum::<u32>(), 0);
}

#[test]
fn a_process_that_is_frozen_in_the_midst_stops_nobody_and_nothing_is_lost() {
    let place = Place::new("frozen");
    let permits = place.open();
    let held = acquire(&permits, "ana", 1).unwrap();
    let mut frozen = start("freeze", &place.0, 0);
    until_ready(&mut frozen);

    for _ in 0..100 {
        // The first waits; the others know.
        let through = acquire(&permits, "ana", 1).unwrap();
        assert!(!through.is_counted());
        permits.release(through);
    }
    permits.release(held);
    frozen.kill().unwrap();
    frozen.wait().unwrap();

    assert_eq!(permits.in_flight(RULE, b"ana").unwrap(), 0);
    assert_eq!(permits.uncounted(), 100);
    assert!(acquire(&permits, "ana", 1).unwrap().is_counted());
    assert!(acquire(&permits, "ana", 1).is_none());
}
