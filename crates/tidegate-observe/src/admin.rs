//! The socket of one worker: answers questions about its gate, in a thread of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    Answer, Error, Question, Source,
    connect::{connect, may_ask},
    socket::{clear, of_worker},
    source::answer,
};

/// Who may ask at once; more are turned away.
const MOST_ASKERS: usize = 8;
/// The longest question, in bytes.
const MOST_BYTES: u64 = 64 * 1024;
/// How long an asker may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A worker's socket. Removed when this is dropped, by the process that made it.
///
/// A child that was forked has none: it makes its own, by [`start`](Self::start), and may drop
/// what it has inherited, which does nothing to the parent's. Its memory begins with the parent's
/// counts: see [`Watch::clear`](tidegate::Watch::clear).
#[derive(Debug)]
pub struct Admin {
    path: PathBuf,
    pid: u32,
    /// Device and number of the socket's file, so that another's is never removed.
    identity: (u64, u64),
    is_closed: Arc<AtomicBool>,
}

impl Admin {
    /// Listens at `base`, with this process's number in it, until the process ends.
    ///
    /// The thread waits for whoever asks; it holds nobody up, also not at the end of the process.
    ///
    /// # Errors
    ///
    /// [`Error`] when no socket can be made there.
    pub fn start(base: &Path, source: Arc<dyn Source>) -> Result<Self, Error> {
        let pid = std::process::id();
        let path = of_worker(base, pid)?;
        clear(&path)?;
        let wrong = |source| Error::Socket { path: path.clone(), source };
        let listener = listen(&path).map_err(wrong)?;
        let about = fs::symlink_metadata(&path).map_err(wrong)?;
        let identity = (about.dev(), about.ino());
        let is_closed = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_closed);
        thread::Builder::new()
            .name("tidegate-admin".to_owned())
            .spawn(move || serve(&listener, &source, &told))
            .map_err(wrong)?;
        Ok(Self { path, pid, identity, is_closed })
    }

    /// The socket's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this process made it; a child that was forked has to make its own.
    #[must_use]
    pub fn is_of_this_process(&self) -> bool {
        self.pid == std::process::id()
    }

    /// Removes the socket's file, so that nobody asks any more, and ends the thread. Whoever is
    /// asking already may go on.
    pub fn close(&self) {
        if self.pid != std::process::id() || self.is_closed.swap(true, Ordering::Relaxed) {
            return;
        }
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|about| (about.dev(), about.ino()) == self.identity);
        if is_ours {
            // Wakes the thread, so that it sees that it is over.
            let _ = connect(&self.path, PATIENCE);
            // Whoever asks next finds nobody, which is all there is to it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.close();
    }
}

/// A socket that only its owner may open, from its first moment on.
fn listen(path: &Path) -> std::io::Result<UnixListener> {
    // Made under a name that nobody knows yet; the mask of a process is for all of its threads.
    let hidden = path.with_extension(format!("{}.new", std::process::id()));
    let _ = fs::remove_file(&hidden);
    let listener = UnixListener::bind(&hidden)?;
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o600))?;
    fs::rename(&hidden, path)?;
    Ok(listener)
}

fn serve(listener: &UnixListener, source: &Arc<dyn Source>, is_closed: &AtomicBool) {
    let askers = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        if is_closed.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else {
            // Too many open files, for instance. It may be better in a while.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        if !may_ask(&stream) {
            continue;
        }
        if askers.fetch_add(1, Ordering::Relaxed) >= MOST_ASKERS {
            askers.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (source, count) = (Arc::clone(source), Arc::clone(&askers));
        let spawned = thread::Builder::new().name("tidegate-asker".to_owned()).spawn(move || {
            // An asker who goes away in the middle is no concern of ours.
            let _ = converse(&stream, &*source);
            count.fetch_sub(1, Ordering::Relaxed);
        });
        if spawned.is_err() {
            askers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn converse(stream: &UnixStream, source: &dyn Source) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = reader.by_ref().take(MOST_BYTES).read_until(b'\n', &mut line)?;
        if count == 0 {
            return Ok(());
        }
        let is_whole = line.last() == Some(&b'\n');
        let answered = match serde_json::from_slice::<Question>(&line) {
            Ok(question) if is_whole => answer(source, question),
            Ok(_) => Answer::Error { message: "the question is too long".to_owned() },
            Err(error) => Answer::Error { message: format!("not understood: {error}") },
        };
        let mut text = serde_json::to_vec(&answered)?;
        text.push(b'\n');
        (&*stream).write_all(&text)?;
        if !is_whole {
            return Ok(());
        }
    }
}
