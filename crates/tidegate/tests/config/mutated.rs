//! Configurations that are wrong because something in a right one was changed, by rule and at
//! random: each is refused with its place, and none makes the program panic.

use std::collections::HashSet;

use tidegate::config::Problems;

use super::{FULL_TOML, FULL_YAML, toml, yaml};

/// Keys of `text`, as ranges of bytes.
fn keys(text: &str) -> Vec<std::ops::Range<usize>> {
    let is_name = |b: u8| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for (at, pair) in bytes.windows(2).enumerate() {
        let is_key = pair == b" =" || pair == b": " || pair == b":\n";
        let start = (0..at).rev().find(|&it| !is_name(bytes[it])).map_or(0, |it| it + 1);
        let before = text[..start].chars().next_back().unwrap_or('\n');
        if is_key && start < at && matches!(before, '\n' | ' ' | '{') {
            found.push(start..at);
        }
    }
    found
}

/// Each key misspelt, each key twice over, and each line's value replaced by what fits nowhere.
fn mutants(text: &str, is_toml: bool) -> Vec<(usize, String)> {
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    let mut all = Vec::new();
    for key in keys(text) {
        let name = &text[key.clone()];
        for wrong in [format!("{name}z"), format!("x_{name}"), name.to_uppercase()] {
            let line = line_of(key.start);
            all.push((line, format!("{}{wrong}{}", &text[..key.start], &text[key.end..])));
        }
    }
    let values = if is_toml {
        ["{ nonsense = 1 }", "1979-05-27", "[[]]", "\"\\u0000\""]
    } else {
        ["{ nonsense: 1 }", "!!nonsense x", "[[]]", "\"\\0\""]
    };
    for (number, line) in text.lines().enumerate() {
        let parts = line.split_once(if is_toml { " = " } else { ": " });
        let Some((before, _)) = parts.filter(|(key, _)| !key.trim().starts_with("- {")) else {
            continue;
        };
        for value in values {
            let separator = if is_toml { " = " } else { ": " };
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines[number] = format!("{before}{separator}{value}");
            all.push((number + 1, lines.join("\n") + "\n"));
        }
    }
    all
}

fn check<T: std::fmt::Debug>(
    text: &str,
    is_toml: bool,
    parse: fn(&str) -> Result<T, Problems>,
) -> usize {
    let all: HashSet<_> = mutants(text, is_toml).into_iter().collect();
    let mut refused = 0;
    for (line, mutant) in &all {
        let told = match parse(mutant) {
            // A socket may be called anything.
            Ok(_) if mutant.lines().nth(line - 1).unwrap().contains("socket") => continue,
            Ok(_) => panic!("line {line} is taken as right:\n{mutant}"),
            Err(told) => told,
        };
        let place = told.iter().find(|it| it.line == *line);
        let of_the_line =
            place.unwrap_or_else(|| panic!("line {line} is not told: {told}\n{mutant}"));
        assert!(of_the_line.column > 0, "{told}");
        let is_notation =
            of_the_line.message.starts_with("not ") || of_the_line.message.starts_with("the tag");
        assert!(is_notation || !of_the_line.field.is_empty(), "{told}\n{mutant}");
        refused += 1;
    }
    refused
}

#[test]
fn whatever_is_changed_is_told_with_its_line() {
    let count = check(FULL_TOML, true, toml) + check(FULL_YAML, false, yaml);
    assert!(count >= 400, "only {count} mutants are refused");
}

/// Numbers that look random and are the same in every run (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// Bytes that mean something to one notation or the other.
const MEANINGFUL: &[u8] = b"[]{}'\":=,#&*!|>-?%@\n\t \\.0/9a\x00\xff~";

fn fuzz<T>(text: &str, parse: fn(&str) -> Result<T, Problems>) {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..15_000 {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=random.below(6) {
            if bytes.len() < 2 {
                break;
            }
            let at = random.below(bytes.len());
            match random.below(5) {
                0 => bytes[at] = MEANINGFUL[random.below(MEANINGFUL.len())],
                1 => bytes.insert(at, MEANINGFUL[random.below(MEANINGFUL.len())]),
                2 => drop(bytes.remove(at)),
                3 => bytes.truncate(at.max(1)),
                _ => {
                    let piece = bytes[at..(at + random.below(40)).min(bytes.len())].to_vec();
                    let to = random.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        let mutant = String::from_utf8_lossy(&bytes);
        if let Err(told) = parse(&mutant) {
            assert!(told.iter().len() > 0, "{mutant}");
            assert!(told.iter().all(|it| it.line > 0 && it.column > 0), "{told}\n{mutant}");
        }
    }
}

#[test]
fn random_changes_to_toml_make_no_panic() {
    fuzz(FULL_TOML, toml);
}

#[test]
fn random_changes_to_yaml_make_no_panic() {
    fuzz(FULL_YAML, yaml);
}
