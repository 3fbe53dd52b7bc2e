//! The examples in `docs/how-to/simulate.md` do what the page says.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::{Folder, text};

const PAGE: &str = "docs/how-to/simulate.md";

/// What stands between fences: the line before them, what they hold, and what it is.
fn blocks(page: &str) -> Vec<(&str, &str, String)> {
    let (mut blocks, mut before, mut open) = (Vec::new(), "", None);
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => open = Some((before, kind, String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, _, held))) => held.extend([line, "\n"]),
            (None, None) => before = line,
        }
    }
    blocks
}

#[test]
fn the_examples_are_real() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join(PAGE)).unwrap();
    let folder = Folder::new("page");
    let mut commands = 0;
    for (before, kind, held) in blocks(&page) {
        if let Some(name) = before.strip_prefix("<!-- file: ") {
            folder.write(name.trim_end_matches(" -->"), held);
            continue;
        }
        let (command, expected) = held.strip_prefix("$ ").unwrap().split_once('\n').unwrap();
        // Those without an answer are of logs that only the reader has.
        if kind != "console" || expected.is_empty() || expected.starts_with("$ ") {
            continue;
        }
        let program = Path::new(env!("CARGO_BIN_EXE_tidegate")).parent().unwrap();
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(&folder.0)
            .env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()))
            .env("LC_ALL", "C.UTF-8")
            .env_remove("TIDEGATE_CONFIG")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(text(&output.stderr), "", "{command}");
        assert_eq!(text(&output.stdout), expected, "{command}");
        commands += 1;
    }
    assert_eq!(commands, 3);
}
