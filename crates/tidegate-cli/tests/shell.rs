//! What is written out of the description of the arguments: completions, man pages, the reference.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::{fs, path::Path, process::Command};

use common::{Place, text};

#[test]
fn every_shell_has_completions() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).said(0);
        assert!(script.contains("migrate") && script.contains("inspect"), "{shell}");
    }
    assert_eq!(place.run(&["completions", "dos"]).exit, 2);
    let script = place.run(&["completions", "bash"]).said(0);
    let script = place.write("complete.bash", &script);
    // The words that bash offers behind `tidegate keys`.
    let ask = "source \"$1\"; COMP_WORDS=(tidegate keys ''); COMP_CWORD=2; _tidegate tidegate '' keys; echo \"${COMPREPLY[*]}\"";
    let asked = Command::new("bash").args(["-c", ask, "bash", &text(&script)]).output().unwrap();
    let offered = String::from_utf8(asked.stdout).unwrap();
    for word in ["list", "inspect", "reset"] {
        assert!(offered.split_whitespace().any(|offer| offer == word), "{offered}");
    }
}

#[test]
fn every_command_has_a_man_page() {
    let place = Place::new();
    place.run(&["man", "--output", "pages/man1"]).said(0);

    let page = place.read("pages/man1/tidegate-keys-inspect.1");
    assert!(page.contains(".SH SYNOPSIS"), "{page}");
    assert!(place.path("pages/man1/tidegate.1").is_file());
    assert!(place.run(&["man"]).said(0).starts_with(".ie"));
    place.write("file", "");
    place.run(&["man", "--output", "file/man1"]).complained(3);
}

#[test]
fn the_reference_in_the_documents_is_the_programs_own() {
    let place = Place::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    let written = place.run(&["man", "--markdown"]).said(0);
    if std::env::var_os("TIDEGATE_TEST_WRITE").is_some() {
        fs::write(&file, &written).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap();
    assert!(
        kept == written,
        "docs/reference/cli.md is old; run this test with TIDEGATE_TEST_WRITE=1"
    );
}

#[test]
fn usage_errors_and_help_have_their_own_statuses() {
    let place = Place::new();
    let help = place.run(&["--help"]).said(0);
    assert!(help.contains("migrate"), "{help}");
    assert!(place.run(&["--version"]).said(0).starts_with("tidegate "));
    for words in [&["nonsense"][..], &[], &["keys"], &["test", "a"]] {
        let ran = place.run(words);
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{words:?}: {}", ran.err);
        assert!(ran.err.contains("Usage: tidegate"), "{}", ran.err);
    }
}
