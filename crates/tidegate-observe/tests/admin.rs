//! An application that is asked, by whoever may.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{
    borrow::Cow,
    fs,
    io::{BufRead, BufReader, Write},
    os::fd::OwnedFd,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use tidegate::{Facts, Gate, Key, Lines, Rule, Watch};
use tidegate_observe::{Admin, Answer, Client, Error, Question, Source};

struct Application(Arc<Gate>);

impl Source for Application {
    fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.0)
    }
}

struct Request(&'static str);

impl Facts for Request {
    fn peer(&self) -> Option<&str> {
        Some(self.0)
    }

    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> Cow<'_, [u8]> {
        b"/".into()
    }

    fn header(&self, _: &str) -> Lines<'_> {
        Lines::new()
    }
}

/// An application, its socket, and a folder that goes with them.
struct Running {
    folder: PathBuf,
    gate: Arc<Gate>,
    admin: Admin,
}

impl Running {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tg-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let gate = Gate::builder()
            .rule(Rule::new("api", "3/hour".parse().unwrap()).key(Key::Ip))
            .watched(Arc::new(Watch::new()))
            .build();
        let gate = Arc::new(gate.unwrap());
        let admin = Admin::start(&folder.join("t.sock"), Arc::new(Application(gate.clone())));
        Self { folder, gate, admin: admin.unwrap() }
    }

    fn client(&self) -> Client {
        Client::new(self.folder.join("t.sock"))
    }

    fn request(&self, peer: &'static str) -> bool {
        self.gate.admit(&Request(peer)).unwrap().allowed
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.admin.close();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn counts_and_keys_are_told_and_reset() {
    let running = Running::new("told");
    let admitted = (0..5).filter(|_| running.request("192.0.2.1")).count();
    assert_eq!(admitted, 3);

    let stats = running.client().stats().unwrap();
    assert_eq!((stats.requests, stats.refused), (5, 2));
    assert_eq!((&*stats.rules[0].limit, &*stats.rules[0].key), ("3/hour", "ip"));
    assert_eq!((&*stats.keys[0].key, stats.keys[0].refused), ("192.0.2.1", 2));
    assert!(stats.quantile(0.5) > 0 && stats.store.name == "memory");

    let (rule, key) = ("api".to_owned(), "192.0.2.1".to_owned());
    let inspect = Question::Inspect { rule: rule.clone(), key: key.clone() };
    let answers = running.client().ask(&inspect).unwrap();
    let [Answer::Inspect { limits }] = &answers[..] else { panic!("{answers:?}") };
    let [held] = &limits[..] else { panic!("{limits:?}") };
    assert_eq!((held.used, held.remaining, held.allowed), (3, 0, false));
    assert_eq!((&*held.limit, held.capacity), ("3/hour", 3));
    assert!(held.retry_after > Some(1190.0));

    running.client().ask(&Question::Reset { rule, key }).unwrap();
    assert!(running.request("192.0.2.1"));
}

#[test]
fn an_address_is_kept_out_at_once_and_let_in_again() {
    let running = Running::new("kept-out");
    let network = || "192.0.2.0/24".to_owned();
    let except = Question::Except { network: network(), lets_in: false, seconds: 60 };

    running.client().ask(&except).unwrap();
    assert!(!running.request("192.0.2.1") && running.request("198.51.100.1"));
    assert_eq!(running.client().stats().unwrap().exceptions, [(network(), false)]);
    running.client().ask(&Question::Forget { network: network() }).unwrap();
    assert!(running.request("192.0.2.1"));
}

#[test]
fn a_key_that_is_no_address_is_kept_out_too() {
    let running = Running::new("key");
    let (rule, key) = (|| "api".to_owned(), || "192.0.2.1".to_owned());
    let except = |rule: &str, lets_in| Question::ExceptKey {
        rule: rule.to_owned(),
        key: key(),
        lets_in,
        seconds: 60,
    };
    running.client().ask(&except("api", false)).unwrap();
    assert!(!running.request("192.0.2.1") && running.request("192.0.2.2"));
    let stats = running.client().stats().unwrap();
    assert_eq!(stats.exception_of("api", "192.0.2.1"), Some(false));
    assert_eq!(stats.exception_of("api", "192.0.2.2"), None);
    running.client().ask(&except("api", true)).unwrap();
    assert!((0..9).all(|_| running.request("192.0.2.1")));
    let forget = Question::ForgetKey { rule: rule(), key: key() };
    running.client().ask(&forget).unwrap();
    assert!(running.client().ask(&forget).unwrap_err().to_string().contains("no exception"));
    let unknown = running.client().ask(&except("apy", false)).unwrap_err().to_string();
    assert!(unknown.contains("did you mean `api`?"), "{unknown}");
}

#[test]
fn what_cannot_be_done_is_told() {
    let running = Running::new("cannot");
    let refused = |question: &Question| match running.client().ask(question).unwrap_err() {
        Error::Refused { message } => message,
        other => panic!("{other}"),
    };
    let inspect = Question::Inspect { rule: "apy".to_owned(), key: String::new() };
    assert!(refused(&inspect).contains("did you mean `api`?"));
    let keys = Question::Keys { prefix: String::new(), limit: 10 };
    assert!(refused(&keys).contains("cannot list its keys"));
    let forget = Question::Forget { network: "192.0.2.1".to_owned() };
    assert!(refused(&forget).contains("no exception"));
}

#[test]
fn only_the_owner_may_open_the_socket_and_it_goes_with_the_application() {
    let running = Running::new("owner");
    let path = running.admin.path().to_owned();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    running.admin.close();
    assert!(!path.exists());
    assert!(matches!(running.client().stats(), Err(Error::Nobody { .. })));
}

#[test]
fn what_a_dead_worker_left_is_cleared_and_what_is_no_socket_is_not() {
    let running = Running::new("dead");
    // No process has this number; the kernel's largest is smaller.
    let dead = running.folder.join("t.999999999.sock");
    drop(UnixListener::bind(&dead).unwrap());
    assert_eq!(running.client().workers().unwrap().len(), 1);
    assert!(!dead.exists());

    // One that a worker with our number left is replaced.
    let own = running.folder.join("d.sock");
    let left = running.folder.join(format!("d.{}.sock", std::process::id()));
    drop(UnixListener::bind(&left).unwrap());
    let source = || Arc::new(Application(running.gate.clone()));
    let _admin = Admin::start(&own, source()).unwrap();
    assert_eq!(Client::new(own.clone()).workers().unwrap().len(), 1);
    // One at which somebody listens is not.
    assert!(matches!(Admin::start(&own, source()), Err(Error::InUse { .. })));

    let other = running.folder.join("o.sock");
    fs::write(running.folder.join(format!("o.{}.sock", std::process::id())), "mine").unwrap();
    assert!(matches!(Admin::start(&other, source()), Err(Error::Occupied { .. })));
}

#[test]
fn nonsense_is_answered_and_too_much_of_it_ends_the_conversation() {
    let running = Running::new("nonsense");
    let mut stream = UnixStream::connect(running.admin.path()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    for question in [
        "nonsense\n",
        "{\"ask\":\"everything\"}\n",
        "{\"ask\":\"forget\",\"network\":\"::1\",\"x\":1}\n",
        "\n",
    ] {
        stream.write_all(question.as_bytes()).unwrap();
        line.clear();
        reader.read_line(&mut line).unwrap();
        assert!(line.contains("not understood"), "{question}: {line}");
    }
    stream.write_all(&vec![b'x'; 64 * 1024]).unwrap();
    line.clear();
    reader.read_line(&mut line).unwrap();
    assert!(line.contains("error"), "{line}");
    line.clear();
    assert_eq!(reader.read_line(&mut line).unwrap(), 0);
}

#[test]
fn a_worker_that_does_not_answer_keeps_nobody_from_hearing_the_others() {
    let running = Running::new("silent");
    running.request("192.0.2.1");
    // Listens, and never answers: this process's parent, which is alive.
    let pid = std::os::unix::process::parent_id();
    let _silent = UnixListener::bind(running.folder.join(format!("t.{pid}.sock"))).unwrap();

    let stats = running.client().patience(Duration::from_millis(100)).stats().unwrap();

    assert_eq!((stats.requests, &stats.silent[..]), (1, &[pid][..]));
    assert_eq!(stats.workers, [std::process::id()]);
}

#[test]
fn whoever_asks_too_much_at_once_is_turned_away_and_later_heard() {
    let running = Running::new("too-many");
    let path = running.admin.path();
    let ask = |stream: &mut UnixStream| {
        let mut answer = String::new();
        let sent = stream.write_all(b"{\"ask\":\"hello\"}\n");
        sent.and_then(|()| BufReader::new(&*stream).read_line(&mut answer)).map(|_| answer)
    };
    let mut crowd: Vec<_> = (0..8).map(|_| UnixStream::connect(path).unwrap()).collect();
    for stream in &mut crowd {
        assert!(ask(stream).unwrap().contains("\"answer\":\"hello\""));
    }
    let mut late = UnixStream::connect(path).unwrap();
    assert!(ask(&mut late).map_or(true, |answer| answer.is_empty()));
    drop(crowd);
    // The others' threads end when they notice.
    while ask(&mut UnixStream::connect(path).unwrap()).is_ok_and(|answer| answer.is_empty()) {
        std::thread::yield_now();
    }
}

/// Not a test of its own: what the test below starts. Listens, has a child that inherits the
/// socket, and ends.
#[test]
#[ignore = "started by another test"]
fn parent_of_an_heir() {
    let Some(path) = std::env::var_os("TG_HEIR") else { return };
    let listener = UnixListener::bind(path).unwrap();
    let mut sleep = Command::new("sleep");
    #[expect(clippy::zombie_processes, reason = "it is to outlive this process")]
    let heir = sleep.arg("600").stdin(OwnedFd::from(listener)).spawn().unwrap();
    fs::write(std::env::var_os("TG_HEIR_PID").unwrap(), heir.id().to_string()).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn the_socket_of_a_dead_worker_is_removed_though_a_child_still_holds_it() {
    let running = Running::new("heir");
    let (path, pid) = (running.folder.join("t.999999999.sock"), running.folder.join("pid"));
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "parent_of_an_heir", "--ignored"])
        .envs([("TG_HEIR", &path), ("TG_HEIR_PID", &pid)])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(ended.unwrap().success());
    let heir = fs::read_to_string(pid).unwrap();
    // It can be connected to, and nobody will ever answer.
    let connected = UnixStream::connect(&path);
    let samples = running.client().samples();
    Command::new("kill").arg(heir).status().unwrap();
    connected.unwrap();
    assert_eq!(samples.unwrap().len(), 1);
    assert!(!path.exists());
}
