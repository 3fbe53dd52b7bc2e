//! Where log lines come from: files, plain or compressed, and standard input.
//!
//! Knows nothing of lines but where they end.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;

/// The longest line that is read; what is longer is no line.
const MOST_BYTES: usize = 1 << 20;

/// Bytes of a log, unpacked.
pub(super) type Bytes = Box<dyn BufRead>;

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

/// The log at `path`, or standard input for `-`; whether it is compressed is told by its first
/// bytes. What is read is added to `read`, in bytes before they are unpacked.
pub(super) fn open(path: &Path, read: &Arc<AtomicU64>) -> Result<Bytes, String> {
    const BUFFER: usize = 1 << 17;
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    let wrong = |error: io::Error| unreadable(path, &error);
    let source: Box<dyn Read> = if is_standard_input(path) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(wrong)?)
    };
    let counted = Counted { inner: source, read: Arc::clone(read) };
    let mut reader = BufReader::with_capacity(BUFFER, counted);
    let start = reader.fill_buf().map_err(wrong)?;
    Ok(if start.starts_with(&GZIP) {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(reader)))
    } else {
        Box::new(reader)
    })
}

/// Whether a log can be opened again, to be read from its beginning.
pub(super) fn is_lasting(path: &Path) -> bool {
    !is_standard_input(path) && path.is_file()
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read `{}`: {error}", path.display())
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads the next line into `line`, with its end; false when there is none. Of a line that is
/// too long, its beginning.
pub(super) fn read_line(bytes: &mut Bytes, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let count = bytes.take(MOST_BYTES as u64).read_until(b'\n', line)?;
    if count == MOST_BYTES && line.last() != Some(&b'\n') {
        bytes.skip_until(b'\n')?;
    }
    Ok(count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_ends_where_it_ends() {
        let text = [&b"a\n"[..], &vec![b'x'; 3 * MOST_BYTES], b"\nlast"].concat();
        let mut bytes: Bytes = Box::new(io::Cursor::new(text));
        let mut line = Vec::new();
        let mut lengths = Vec::new();
        while read_line(&mut bytes, &mut line).unwrap() {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [2, MOST_BYTES, 4]);
    }
}
