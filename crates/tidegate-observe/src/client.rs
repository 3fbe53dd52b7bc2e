//! Asks the workers of an application.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use crate::{
    Answer, Error, Question, Sample, Stats, Totals,
    connect::{Listener, connect, is_dead},
    socket::of_all,
};

/// How long a worker may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer, in bytes.
const MOST_BYTES: u64 = 64 << 20;
/// Workers that are asked at the same moment.
const AT_ONCE: usize = 32;

/// Whoever asks.
#[derive(Clone, Debug)]
pub struct Client {
    base: PathBuf,
    patience: Duration,
}

/// A worker that listens.
#[derive(Debug)]
pub struct Worker {
    /// Its process.
    pub pid: u32,
    stream: BufReader<UnixStream>,
    path: PathBuf,
}

/// The number of a worker that has a socket, and the connection to it.
type Reached = (u32, Result<Worker, Error>);

impl Client {
    /// For the application whose socket is configured as `base`. Waits five seconds for an answer.
    #[must_use]
    pub fn new(base: PathBuf) -> Self {
        Self { base, patience: PATIENCE }
    }

    /// Waits for so long for an answer, which is not zero.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The workers that listen. Sockets that dead workers have left are removed.
    ///
    /// # Errors
    ///
    /// [`Error::Nobody`] when none does; [`Error::Socket`] when one may not be asked.
    pub fn workers(&self) -> Result<Vec<Worker>, Error> {
        let workers: Vec<_> =
            self.reach()?.into_iter().map(|(_, reached)| reached).collect::<Result<_, _>>()?;
        if workers.is_empty() { Err(self.nobody()) } else { Ok(workers) }
    }

    /// Asks all workers, one after the other, and returns what each answers.
    ///
    /// # Errors
    ///
    /// As [`workers`](Self::workers); and [`Error::Refused`] when a worker cannot do it.
    pub fn ask(&self, question: &Question) -> Result<Vec<Answer>, Error> {
        let mut workers = self.workers()?;
        workers.iter_mut().map(|worker| worker.ask(question)).collect()
    }

    /// What every worker tells, all asked at once; nothing when there is none. One that does not
    /// answer keeps nobody from hearing the others.
    ///
    /// # Errors
    ///
    /// [`Error::Path`], and [`Error::Socket`] when the folder of the sockets cannot be read.
    pub fn samples(&self) -> Result<Vec<Sample>, Error> {
        let mut samples = Vec::new();
        let mut reached = self.reach()?.into_iter();
        loop {
            let asked: Vec<_> = reached.by_ref().take(AT_ONCE).collect();
            if asked.is_empty() {
                return Ok(samples);
            }
            thread::scope(|scope| {
                let running: Vec<_> = asked
                    .into_iter()
                    .map(|(pid, worker)| (pid, scope.spawn(|| worker?.stats())))
                    .collect();
                for (pid, told) in running {
                    let told = told.join().unwrap_or_else(|_| Err(self.nobody()));
                    samples.push(Sample { pid, told });
                }
            });
        }
    }

    /// What all workers tell, added up, whether or not some are silent.
    ///
    /// # Errors
    ///
    /// [`Error::Nobody`] when there is none; when none answers, what went wrong with the first.
    pub fn stats(&self) -> Result<Stats, Error> {
        let mut samples = self.samples()?;
        if samples.iter().all(|sample| sample.told.is_err()) {
            return Err(match samples.drain(..).next() {
                Some(Sample { told: Err(error), .. }) => error,
                _ => self.nobody(),
            });
        }
        Ok(Totals::new().take(samples))
    }

    /// The sockets that are there, and the connections to them.
    fn reach(&self) -> Result<Vec<Reached>, Error> {
        let mut reached = Vec::new();
        for (pid, path) in of_all(&self.base)? {
            match connect(&path, self.patience) {
                Ok(stream) if Listener::of(&stream) == Listener::Dead => remove(&path),
                Ok(stream) => {
                    let worker = Worker { pid, stream: BufReader::new(stream), path };
                    reached.push((pid, Ok(worker)));
                }
                // Elsewhere than on Linux also when too many wait at it.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    if is_dead(pid) || cfg!(target_os = "linux") {
                        remove(&path);
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(source) => reached.push((pid, Err(Error::Socket { path, source }))),
            }
        }
        Ok(reached)
    }

    /// What is wrong when no worker listens.
    #[must_use]
    pub fn nobody(&self) -> Error {
        Error::Nobody { path: self.base.clone() }
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

    fn stats(mut self) -> Result<Stats, Error> {
        match self.ask(&Question::Stats)? {
            Answer::Stats(stats) => Ok(*stats),
            other => Err(Error::Refused { message: format!("an answer to nothing: {other:?}") }),
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

fn remove(path: &Path) {
    // Somebody else may have been quicker, or it may not be ours to remove.
    let _ = fs::remove_file(path);
}
