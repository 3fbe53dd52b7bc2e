//! Asks the workers of an application.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{Answer, Error, Question, Stats, socket::of_all};

/// How long a worker may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// Whoever asks.
#[derive(Clone, Debug)]
pub struct Client {
    base: PathBuf,
}

/// A worker that listens.
#[derive(Debug)]
pub struct Worker {
    /// Its process.
    pub pid: u32,
    stream: BufReader<UnixStream>,
    path: PathBuf,
}

impl Client {
    /// For the application whose socket is configured as `base`.
    #[must_use]
    pub fn new(base: PathBuf) -> Self {
        Self { base }
    }

    /// The workers that listen. Sockets that dead workers have left are removed.
    ///
    /// # Errors
    ///
    /// [`Error::Nobody`] when none does; [`Error::Socket`] when one may not be asked.
    pub fn workers(&self) -> Result<Vec<Worker>, Error> {
        let mut workers = Vec::new();
        for (pid, path) in of_all(&self.base)? {
            match UnixStream::connect(&path) {
                Ok(stream) => {
                    let wrong = |source| Error::Socket { path: path.clone(), source };
                    stream.set_read_timeout(Some(PATIENCE)).map_err(wrong)?;
                    stream.set_write_timeout(Some(PATIENCE)).map_err(wrong)?;
                    workers.push(Worker { pid, stream: BufReader::new(stream), path });
                }
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    remove_dead(pid, &path);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(source) => return Err(Error::Socket { path, source }),
            }
        }
        if workers.is_empty() {
            return Err(Error::Nobody { path: self.base.clone() });
        }
        Ok(workers)
    }

    /// Asks all workers, or one if that is enough, and returns what each answers.
    ///
    /// # Errors
    ///
    /// As [`workers`](Self::workers); and [`Error::Refused`] when a worker cannot do it.
    pub fn ask(&self, question: &Question) -> Result<Vec<Answer>, Error> {
        let mut workers = self.workers()?;
        workers.iter_mut().map(|worker| worker.ask(question)).collect()
    }

    /// What all workers tell, added up.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn stats(&self) -> Result<Stats, Error> {
        let mut sum: Option<Stats> = None;
        for answer in self.ask(&Question::Stats)? {
            let Answer::Stats(stats) = answer else { continue };
            match &mut sum {
                None => sum = Some(*stats),
                Some(sum) => sum.add(*stats),
            }
        }
        sum.ok_or_else(|| Error::Nobody { path: self.base.clone() })
    }
}

impl Worker {
    /// Asks one question.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when it cannot be done; [`Error::Socket`] when there is no answer.
    pub fn ask(&mut self, question: &Question) -> Result<Answer, Error> {
        let answer = self.exchange(question);
        let path = self.path.clone();
        match answer.map_err(|source| Error::Socket { path, source })? {
            Answer::Error { message } => Err(Error::Refused { message }),
            answer => Ok(answer),
        }
    }

    fn exchange(&mut self, question: &Question) -> std::io::Result<Answer> {
        let mut text = serde_json::to_vec(question)?;
        text.push(b'\n');
        self.stream.get_mut().write_all(&text)?;
        let mut line = Vec::new();
        self.stream.by_ref().take(MOST_BYTES).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_slice(&line)?)
    }
}

fn remove_dead(pid: u32, path: &Path) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // Refused also when too many wait at it; only that the process is gone is a reason.
    let is_dead = pid
        .is_none_or(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH));
    if is_dead {
        // Somebody else may have been quicker.
        let _ = fs::remove_file(path);
    }
}
