//! A client of Redis that can do no more than tests need: it shares nothing with the code under
//! test.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A number.
    Number(i64),
    /// Text, or a status.
    Text(String),
    /// Nothing.
    Nil,
    /// A list.
    List(Vec<Answer>),
    /// An error.
    Error(String),
}

impl Answer {
    /// The text, or the number as text; for anything else an empty text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) | Self::Error(text) => text.clone(),
            Self::Nil | Self::List(_) => String::new(),
        }
    }

    /// The number; for anything else `None`.
    #[must_use]
    pub const fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The parts of a list; of anything else none.
    #[must_use]
    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }
}

/// A connection by a Unix socket.
#[derive(Debug)]
pub struct Resp(BufReader<UnixStream>);

impl Resp {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody listens.
    pub fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends one command and reads its answer.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub fn ask(&mut self, words: &[&str]) -> io::Result<Answer> {
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            // Writing to a string cannot fail.
            let _ = write!(command, "${}\r\n{word}\r\n", word.len());
        }
        self.0.get_mut().write_all(command.as_bytes())?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<Answer> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        let Some((sign, rest)) = line.split_at_checked(1) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let number =
            || rest.parse::<i64>().map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
        match sign {
            "+" => Ok(Answer::Text(rest.to_owned())),
            "-" => Ok(Answer::Error(rest.to_owned())),
            ":" => Ok(Answer::Number(number()?)),
            "$" => self.text(number()?),
            "*" => {
                let Ok(length) = usize::try_from(number()?) else { return Ok(Answer::Nil) };
                (0..length).map(|_| self.answer()).collect::<io::Result<_>>().map(Answer::List)
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn text(&mut self, length: i64) -> io::Result<Answer> {
        let Ok(length) = usize::try_from(length) else { return Ok(Answer::Nil) };
        let mut bytes = vec![0; length + 2];
        self.0.read_exact(&mut bytes)?;
        bytes.truncate(length);
        // Dumps of values are not text, and only ever compared.
        Ok(Answer::Text(bytes.iter().map(|byte| char::from(*byte)).collect()))
    }
}
