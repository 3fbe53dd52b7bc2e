//! How many processes serve the application, as far as that can be known from outside.

/// A number of workers, and who says so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Workers {
    pub(super) number: u32,
    pub(super) source: String,
}

/// The number that was `given`, that the `command` has, or that the environment has.
pub(super) fn count(given: Option<u32>, command: Option<&str>) -> Option<Workers> {
    let of = |number: Option<u32>, source: &str| {
        number.map(|number| Workers { number, source: source.to_owned() })
    };
    let variable = |name: &str| std::env::var(name).ok();
    of(given, "--workers")
        .or_else(|| of(command.and_then(in_command), "--command"))
        .or_else(|| {
            of(variable("GUNICORN_CMD_ARGS").as_deref().and_then(in_command), "GUNICORN_CMD_ARGS")
        })
        .or_else(|| {
            let names = ["WEB_CONCURRENCY", "UVICORN_WORKERS"];
            names.into_iter().find_map(|name| of(variable(name)?.trim().parse().ok(), name))
        })
}

/// The value of `-w` or `--workers` among the words of a command.
fn in_command(command: &str) -> Option<u32> {
    let words: Vec<&str> = command.split_whitespace().collect();
    words.iter().enumerate().find_map(|(index, word)| {
        let next = words.get(index + 1).copied();
        let value = match *word {
            "-w" | "--workers" | "--processes" | "-p" if is_uwsgi(&words, word) => next,
            word => word
                .strip_prefix("--workers=")
                .or_else(|| word.strip_prefix("--processes="))
                .or_else(|| word.strip_prefix("-w").filter(|rest| !rest.is_empty())),
        };
        value?.parse().ok()
    })
}

/// Whether a short option means workers: `-p` does to uwsgi, and a port to others.
fn is_uwsgi(words: &[&str], word: &str) -> bool {
    word != "-p" || words.first().is_some_and(|program| program.ends_with("uwsgi"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_spellings_are_read() {
        for (command, expected) in [
            ("gunicorn -w 4 app:app", Some(4)),
            ("gunicorn -w4 app:app", Some(4)),
            ("gunicorn --workers=8 --bind :80 app:app", Some(8)),
            ("uvicorn app:app --workers 2 --port 8000", Some(2)),
            ("uwsgi -p 3 --http :80", Some(3)),
            ("hypercorn -p 8000 app:app", None),
            ("gunicorn app:app", None),
            ("gunicorn --workers many app:app", None),
        ] {
            assert_eq!(in_command(command), expected, "{command}");
        }
    }

    #[test]
    fn what_is_given_wins() {
        let workers = count(Some(3), Some("gunicorn -w 4 app:app"));
        assert_eq!(workers, Some(Workers { number: 3, source: "--workers".to_owned() }));
    }
}
