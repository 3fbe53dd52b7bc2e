//! Which right a user lacks, out of what the server says when a script meets an access list.
//!
//! Redis names the script and its line, and not the command; an answer to `pcall` names
//! neither.

use tidegate_remote::RemoteError;

use crate::{
    STORE,
    script::{ADJUST, CHECK},
};

/// What Redis says inside a script, with no code of its own before version 7.2.
const IN_SCRIPT: &str = "The user executing the script";

/// The error for a right that `said` speaks of; `None` when it speaks of something else.
/// `command` is what was run, where that is known.
pub(crate) fn missing(said: &str, command: Option<&str>) -> Option<RemoteError> {
    if !said.contains(IN_SCRIPT) && !said.starts_with("NOPERM") {
        return None;
    }
    let reason = if said.contains("the keys") {
        format!("the user lacks the right to keys below the prefix (~PREFIX*): {said}")
    } else {
        let found = command.map(str::to_owned).or_else(|| command_in(said));
        match found {
            Some(command) => {
                format!("the user lacks the right to {command} (+{}): {said}", lower(&command))
            }
            None => format!("the user lacks a right that the store needs: {said}"),
        }
    };
    Some(RemoteError::Access { store: STORE, reason })
}

/// The command in the line of the script that `said` names.
fn command_in(said: &str) -> Option<String> {
    let script = [&CHECK, &ADJUST].into_iter().find(|script| said.contains(script.digest()))?;
    let (_, place) = said.rsplit_once("user_script:")?;
    let digits = place.trim_start();
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    let line = script.line(digits[..end].parse().ok()?)?;
    let (_, command) = line.split_once("call('")?;
    command.split_once('\'').map(|(command, _)| command.to_owned())
}

fn lower(command: &str) -> String {
    command.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(said: &str, command: Option<&str>) -> Option<String> {
        missing(said, command).map(|error| error.to_string())
    }

    #[test]
    fn other_trouble_is_no_missing_right() {
        assert_eq!(reason("WRONGTYPE Operation against a key", Some("GET")), None);
    }

    #[test]
    fn a_command_is_named_by_its_line_in_the_script() {
        let sets = |line: &usize| CHECK.line(*line).is_some_and(|it| it.contains("call('SET'"));
        let line = (1..1000).find(sets).unwrap();
        let digest = CHECK.digest();
        for said in [
            format!(
                "ERR {IN_SCRIPT} can't run this command script: {digest}, on @user_script:{line}."
            ),
            format!(
                "ERR Error running script (call to f_{digest}): @user_script:{line}: @user_script: {line}: {IN_SCRIPT} can't run this command"
            ),
        ] {
            let reason = reason(&said, None).unwrap();
            assert!(reason.contains("lacks the right to SET (+set)"), "{reason}");
        }
    }
}
