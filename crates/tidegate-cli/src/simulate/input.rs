//! Where log lines come from: files, plain or compressed, and standard input.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;

/// The longest line that is read; what is longer is no line.
const MOST_BYTES: usize = 1 << 20;

/// Lines of several inputs, one after the other.
pub(super) struct Input {
    waiting: std::vec::IntoIter<PathBuf>,
    now: Option<(String, Box<dyn BufRead>)>,
    line: Vec<u8>,
    /// Bytes read so far, before they are unpacked.
    pub(super) read: Arc<AtomicU64>,
    /// Bytes that there are in all, if that is known.
    pub(super) size: Option<u64>,
}

/// Counts what passes.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Input {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        let sizes = paths.iter().map(|path| std::fs::metadata(path).map(|it| it.len()));
        let size = sizes.sum::<io::Result<u64>>().ok();
        let read = Arc::new(AtomicU64::new(0));
        Self { waiting: paths.into_iter(), now: None, line: Vec::new(), read, size }
    }

    /// The next line without its end, and the name of its input; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, String> {
        loop {
            if self.now.is_none() {
                let Some(path) = self.waiting.next() else { return Ok(None) };
                self.now = Some(self.open(&path)?);
            }
            let Some((name, reader)) = &mut self.now else { continue };
            self.line.clear();
            let limited = &mut reader.take(MOST_BYTES as u64);
            let count = limited.read_until(b'\n', &mut self.line);
            let count = count.map_err(|error| format!("cannot read `{name}`: {error}"))?;
            if count == 0 {
                self.now = None;
                continue;
            }
            if self.line.last() != Some(&b'\n') && count == MOST_BYTES {
                skip_line(reader).map_err(|error| format!("cannot read `{name}`: {error}"))?;
            }
            return Ok(Some(self.line.trim_ascii_end()));
        }
    }

    fn open(&self, path: &Path) -> Result<(String, Box<dyn BufRead>), String> {
        const BUFFER: usize = 1 << 17;
        const GZIP: [u8; 2] = [0x1f, 0x8b];
        let name = path.display().to_string();
        let source: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            let file =
                File::open(path).map_err(|error| format!("cannot read `{name}`: {error}"))?;
            Box::new(file)
        };
        let counted = Counted { inner: source, read: Arc::clone(&self.read) };
        let mut reader = BufReader::with_capacity(BUFFER, counted);
        let start = reader.fill_buf().map_err(|error| format!("cannot read `{name}`: {error}"))?;
        Ok(if start.starts_with(&GZIP) {
            (name, Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(reader))))
        } else {
            (name, Box::new(reader))
        })
    }
}

fn skip_line(reader: &mut Box<dyn BufRead>) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let (used, is_over) = match buffer.iter().position(|&byte| byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(used);
        if is_over {
            return Ok(());
        }
    }
}
