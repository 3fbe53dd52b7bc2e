//! `tidegate completions` and `tidegate man`: what is written out of the description of the
//! arguments.

use std::{fmt::Write as _, fs, path::PathBuf};

use clap::Command;
use clap_complete::Shell;

use crate::{
    exit::{Exit, Failure},
    output::Output,
};

/// Print a script that completes arguments in a shell.
#[derive(clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Print the man page, or write one for each command.
#[derive(clap::Args)]
pub(crate) struct ManArgs {
    /// The folder to write all pages to, such as `/usr/local/share/man/man1`.
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Print the reference of all commands instead, as Markdown.
    #[arg(long, conflicts_with = "output")]
    markdown: bool,
}

pub(crate) fn completions(
    args: &CompletionsArgs,
    mut command: Command,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "tidegate", &mut script);
    output.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}

pub(crate) fn man(args: &ManArgs, command: Command, output: &Output) -> Result<Exit, Failure> {
    if args.markdown {
        return reference(command, output);
    }
    let Some(folder) = &args.output else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut page);
        rendered.map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))?;
        output.text(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Success);
    };
    let made = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    made.map_err(|error| {
        let message = format!("cannot write man pages to `{}`: {error}", folder.display());
        Failure::new(Exit::Config, message)
    })?;
    if !output.json {
        output.text(&format!("wrote man pages to {}\n", folder.display()))?;
    }
    Ok(Exit::Success)
}

/// The reference of every command, as Markdown.
fn reference(mut command: Command, output: &Output) -> Result<Exit, Failure> {
    command.build();
    let mut text = String::from(
        "# Command line\n\nAll commands of `tidegate`. This page is generated from the program's \
         own description of its arguments. How to use them: [how-to](../how-to/command-line.md).\n",
    );
    section(&mut text, &command, "tidegate");
    text.push_str(STATUSES);
    output.text(&text)?;
    Ok(Exit::Success)
}

const STATUSES: &str = "\n## Exit statuses\n\n| status | meaning |\n|---|---|\n\
    | 0 | all went well, and there is nothing to complain of |\n\
    | 1 | the command did its work and the answer is no: a check found a mistake, a try was refused |\n\
    | 2 | the command line makes no sense |\n\
    | 3 | the configuration, or another file that was given, makes no sense or cannot be read |\n\
    | 4 | a store or an application could not be reached, or failed |\n\
    | 5 | what was asked for is not there: a key, a rule |\n";

fn section(text: &mut String, command: &Command, name: &str) {
    let mut plain = command.clone().term_width(100).bin_name(name);
    let about = plain.get_about().map(ToString::to_string).unwrap_or_default();
    let about = about.trim_end_matches('.');
    let usage = plain.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ = write!(text, "\n## `{name}`\n\n{about}.\n\n```text\n{usage}\n```\n");
    let arguments: Vec<_> = command
        .get_arguments()
        .filter(|it| !it.is_hide_set() && !is_common(it.get_id().as_str(), name))
        .collect();
    if !arguments.is_empty() {
        text.push_str("\n| argument | meaning |\n|---|---|\n");
    }
    for argument in arguments {
        text.push_str(&row(argument));
    }
    for inner in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        section(text, inner, &format!("{name} {}", inner.get_name()));
    }
}

/// Whether an argument is one of every command, and told with the whole.
fn is_common(id: &str, name: &str) -> bool {
    matches!(id, "json" | "help" | "version") && name != "tidegate"
}

fn row(argument: &clap::Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let mut help = help.replace('|', "\\|").replace('\n', " ");
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|it| it.to_string_lossy()).collect();
    let is_shown = !argument.is_hide_default_value_set() && argument.get_action().takes_values();
    if is_shown && !defaults.is_empty() {
        let _ = write!(help, " (default: {})", defaults.join(", "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(help, " (variable: {})", variable.to_string_lossy());
    }
    format!("| `{}` | {help} |\n", spelt(argument).replace('|', "\\|"))
}

/// An argument as it is typed.
fn spelt(argument: &clap::Arg) -> String {
    let short = argument.get_short().map(|letter| format!("-{letter}, ")).unwrap_or_default();
    let names = argument.get_value_names().unwrap_or_default();
    let value: Vec<&str> = names.iter().map(clap::builder::Str::as_str).collect();
    let value = match value.as_slice() {
        [_, ..] if argument.get_action().takes_values() => format!(" {}", value.join(" ")),
        _ => String::new(),
    };
    match argument.get_long() {
        Some(long) => format!("{short}--{long}{value}"),
        None if !short.is_empty() => format!("{}{value}", short.trim_end_matches(", ")),
        None => value.trim_start().to_owned(),
    }
}
