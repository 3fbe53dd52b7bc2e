//! `tidegate check`: what is wrong with a configuration.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tidegate::config::{self, Problem};

use crate::{
    configuration::ConfigArgs,
    exit::{Exit, Failure},
    output::{Output, Paint},
};

/// Find mistakes in configurations; what is probably not meant is a warning.
#[derive(clap::Args)]
pub(crate) struct CheckArgs {
    /// The configurations; without any, the one that an application would take.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Take a warning for a mistake.
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Serialize)]
struct Checked {
    file: PathBuf,
    /// Whether an application would start with it.
    valid: bool,
    /// How many rules it has; 0 when it is not valid.
    rules: usize,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

pub(crate) fn run(args: &CheckArgs, output: &Output) -> Result<Exit, Failure> {
    let files = if args.files.is_empty() { vec![args.config.path()?] } else { args.files.clone() };
    let checked = files.iter().map(|file| check(file)).collect::<Result<Vec<_>, _>>()?;
    if output.json {
        output.json(&checked)?;
    } else {
        output.text(&checked.iter().map(|it| it.text(output)).collect::<String>())?;
    }
    let is_found = |it: &Checked| !it.valid || args.strict && !it.warnings.is_empty();
    Ok(if checked.iter().any(is_found) { Exit::Found } else { Exit::Success })
}

fn check(file: &Path) -> Result<Checked, Failure> {
    // That a file is not there is no mistake in it.
    std::fs::File::open(file).map_err(|error| {
        Failure::new(Exit::Config, format!("cannot read `{}`: {error}", file.display()))
    })?;
    let name = file.to_owned();
    Ok(match config::load(file) {
        Ok(loaded) => Checked {
            file: name,
            valid: true,
            rules: loaded.rules().len(),
            problems: Vec::new(),
            warnings: loaded.warnings,
        },
        Err(problems) => Checked {
            file: name,
            valid: false,
            rules: 0,
            problems: problems.iter().cloned().collect(),
            warnings: Vec::new(),
        },
    })
}

impl Checked {
    fn text(&self, output: &Output) -> String {
        let problems = self.problems.iter().map(|it| output.paint(Paint::Bad, &it.to_string()));
        let warnings = self.warnings.iter().map(|it| format!("{it} (warning)"));
        let warnings = warnings.map(|it| output.paint(Paint::Doubtful, &it));
        let mut lines: Vec<String> = problems.chain(warnings).collect();
        let file = self.file.display();
        lines.push(match (self.problems.len(), self.warnings.len()) {
            (0, 0) => format!("{file}: no mistakes, {}", number(self.rules, "rule")),
            (0, warnings) => format!(
                "{file}: no mistakes, {}, {}",
                number(self.rules, "rule"),
                number(warnings, "warning")
            ),
            (problems, _) => format!("{file}: {}", number(problems, "mistake")),
        });
        lines.join("\n") + "\n"
    }
}

/// `1 rule`, `2 rules`.
fn number(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
