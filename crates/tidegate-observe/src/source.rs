//! Who is asked, and what it answers.

use std::{sync::Arc, time::Duration};

use tidegate::{Gate, Subject, subject_bytes, subject_text};

use crate::{Answer, ConfigState, Held, Kept, Question, Stats, VERSION};

/// The application that is asked: its gate, whichever it is at the moment.
pub trait Source: Send + Sync {
    /// The gate that requests pass now.
    fn gate(&self) -> Arc<Gate>;

    /// The configuration that it follows, if it does.
    fn config(&self) -> Option<ConfigState> {
        None
    }
}

/// The longest that an exception may be asked for, in seconds: a year.
const LONGEST: u64 = 365 * 86_400;

/// Answers one question.
pub(crate) fn answer(source: &dyn Source, question: Question) -> Answer {
    let gate = source.gate();
    let done = match question {
        Question::Hello => {
            return Answer::Hello { version: VERSION, pid: std::process::id() };
        }
        Question::Stats => return Answer::Stats(Box::new(Stats::of(&gate, source.config()))),
        Question::Inspect { rule, key } => match Held::all(&gate, &rule, &subject_bytes(&key)) {
            Ok(limits) => return Answer::Inspect { limits },
            Err(error) => Err(error),
        },
        Question::Keys { prefix, limit } => match gate.keys(&subject_bytes(&prefix), limit) {
            Ok(keys) => {
                let kept = keys.into_iter().map(|key| Kept {
                    rule: key.rule,
                    key: match key.subject {
                        Subject::Plain(text) => subject_text(&text).into_owned(),
                        Subject::Digest(_) => "(too long to be kept)".to_owned(),
                    },
                });
                return Answer::Keys { keys: kept.collect() };
            }
            Err(error) => Err(error),
        },
        Question::Reset { rule, key } => gate.reset(&rule, &subject_bytes(&key)),
        Question::Except { .. }
        | Question::ExceptKey { .. }
        | Question::Forget { .. }
        | Question::ForgetKey { .. } => return except(&gate, question),
    };
    match done {
        Ok(()) => Answer::Done,
        Err(error) => Answer::Error { message: error.to_string() },
    }
}

/// Adds an exception, or ends one.
fn except(gate: &Gate, question: Question) -> Answer {
    let wrong = |message: String| Answer::Error { message };
    let time = |seconds: u64| Duration::from_secs(seconds.min(LONGEST));
    let Some(watch) = gate.watch() else {
        return wrong(
            "the application does not watch its gate, and keeps no exceptions".to_owned(),
        );
    };
    let (is_done, what) = match question {
        Question::Except { network, lets_in, seconds } => {
            match watch.except(&network, lets_in, time(seconds)) {
                Ok(()) => return Answer::Done,
                Err(error) => return wrong(error.to_string()),
            }
        }
        Question::ExceptKey { rule, key, lets_in, seconds } => {
            if !gate.rules().iter().any(|known| known.name() == rule) {
                // Says which rules there are.
                let unknown = gate.inspect(&rule, b"").err().map(|error| error.to_string());
                return wrong(unknown.unwrap_or_default());
            }
            let is_added = watch.except_key(&rule, &subject_bytes(&key), lets_in, time(seconds));
            (is_added, format!("no room for {key}: 1024 exceptions are kept already"))
        }
        Question::Forget { network } => {
            (watch.forget(&network), format!("there is no exception for {network}"))
        }
        Question::ForgetKey { rule, key } => (
            watch.forget_key(&rule, &subject_bytes(&key)),
            format!("there is no exception for {key} of the rule {rule}"),
        ),
        other => (false, format!("no exception: {other:?}")),
    };
    if is_done { Answer::Done } else { wrong(what) }
}
