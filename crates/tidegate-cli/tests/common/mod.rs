//! The real program, run in a folder of its own.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses a part of it, and may fail anywhere"
)]

pub mod application;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A folder that the program is run in, and that is gone with the test.
pub struct Place(TempDir);

/// What the program said.
#[derive(Debug)]
pub struct Ran {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("cli").tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A command that runs the program here, with no settings of whoever runs the tests.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.current_dir(self.0.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TIDEGATE_") {
                command.env_remove(name);
            }
        }
        for name in ["WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "UVICORN_WORKERS"] {
            command.env_remove(name);
        }
        command.env("COLUMNS", "100");
        command
    }

    /// Runs the program with words that a shell would split at spaces; `'` quotes nothing.
    pub fn run<S: AsRef<str>>(&self, words: &[S]) -> Ran {
        let output = self.command().args(words.iter().map(AsRef::as_ref)).output().unwrap();
        Ran {
            exit: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// What it said, when it ended as `exit` and complained of nothing.
    #[track_caller]
    pub fn said(self, exit: i32) -> String {
        assert_eq!((self.exit, self.err.as_str()), (exit, ""), "{}", self.out);
        self.out
    }

    /// What it complained of, when it ended as `exit`.
    #[track_caller]
    pub fn complained(self, exit: i32) -> String {
        assert_eq!(self.exit, exit, "{}{}", self.out, self.err);
        assert!(self.err.starts_with("tidegate: "), "{}", self.err);
        self.err
    }

    /// Its answer as JSON.
    #[track_caller]
    pub fn json(self, exit: i32) -> serde_json::Value {
        serde_json::from_str(&self.said(exit)).unwrap()
    }
}

/// The path of a file as an argument.
pub fn text(path: &Path) -> String {
    path.display().to_string()
}
