//! An application that is asked, by whoever may.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{
    borrow::Cow,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::PathBuf,
    sync::Arc,
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
    let [Answer::Inspect(held)] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!((held.used, held.remaining, held.allowed), (3, 0, false));
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
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    assert_eq!(running.client().workers().unwrap().len(), 1);
    assert!(!dead.exists());

    let other = running.folder.join("o.sock");
    fs::write(running.folder.join(format!("o.{}.sock", std::process::id())), "mine").unwrap();
    let source = Arc::new(Application(running.gate.clone()));
    assert!(matches!(Admin::start(&other, source), Err(Error::Occupied { .. })));
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
