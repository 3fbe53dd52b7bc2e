//! The commands in `docs/how-to/command-line.md` do what the page says.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::{fs, path::Path, process::Command};

use common::Place;
use tidegate_testkit::servers::RedisServer;

const PAGE: &str = "docs/how-to/command-line.md";

/// A command of the page, and what it prints; `...` stands for anything.
struct Example {
    line: usize,
    command: String,
    expected: Vec<String>,
}

/// The examples of a page, and its files by name.
fn parts(page: &str) -> (Vec<Example>, Vec<(String, String)>) {
    let (mut examples, mut files) = (Vec::<Example>::new(), Vec::new());
    let (mut fence, mut name) = ("", None);
    for (index, line) in page.lines().enumerate() {
        if let Some(of) = line.strip_prefix("```") {
            fence = if fence.is_empty() { of } else { "" };
            if fence.is_empty() {
                name = None;
            }
        } else if let Some(file) = line.strip_prefix("<!-- file: ") {
            name = Some(file.trim_end_matches(" -->"));
            files.push((file.trim_end_matches(" -->").to_owned(), String::new()));
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| fence == "console") {
            let command = command.to_owned();
            examples.push(Example { line: index + 1, command, expected: Vec::new() });
        } else if fence == "console" {
            examples.last_mut().unwrap().expected.push(line.to_owned());
        } else if !fence.is_empty() && name.is_some() {
            let (_, text) = files.last_mut().unwrap();
            text.push_str(line);
            text.push('\n');
        }
    }
    (examples, files)
}

/// Whether a line is what the page says, however many spaces stand between its words.
fn is_like(said: &str, expected: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (said, expected) = (words(said), words(expected));
    let mut rest = said.as_str();
    let mut parts = expected.split("...");
    let Some(after) = parts.next().and_then(|first| rest.strip_prefix(first)) else { return false };
    rest = after;
    let mut is_open = false;
    for part in parts {
        is_open = part.is_empty();
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    is_open || rest.is_empty()
}

#[test]
fn the_examples_are_real() {
    let (place, server) = (Place::new(), RedisServer::start());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (examples, files) = parts(&fs::read_to_string(root.join(PAGE)).unwrap());
    for (name, text) in &files {
        place.write(name, text);
    }
    let program = Path::new(env!("CARGO_BIN_EXE_tidegate")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    assert!(examples.len() > 10 && files.len() == 2);
    for Example { line, command, expected } in &examples {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(place.path("")).env("PATH", &path);
        shell.env("REDIS_URL", format!("{}?timeout=20s", server.url()));
        shell.env_remove("TIDEGATE_CONFIG").env_remove("WEB_CONCURRENCY");
        let output = shell.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(told, "", "{PAGE}:{line}: $ {command}");
        let said: Vec<&str> = said.lines().collect();
        let is_same = said.len() == expected.len()
            && said.iter().zip(expected).all(|(said, expected)| is_like(said, expected));
        let (said, expected) = (said.join("\n"), expected.join("\n"));
        assert!(is_same, "{PAGE}:{line}: $ {command}\n{said}\n\nthe page says:\n{expected}");
    }
}

#[test]
fn a_line_is_compared_by_its_words() {
    assert!(is_like("a  b", "a b") && is_like("a 17 b", "a ... b") && is_like("a 17", "a ..."));
    assert!(!is_like("a b", "a") && !is_like("a 17 c", "a ... b") && !is_like("b", "a"));
}
