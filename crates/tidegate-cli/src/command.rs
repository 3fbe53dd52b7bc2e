//! The commands by name, and what each is handed to.

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::{
    bench, check, doctor,
    exit::{Exit, Failure},
    init, keys, lists, migrate, monitor,
    output::Output,
    serve, shell, show,
    simulate::Simulate,
    stats, try_rule,
};

/// The whole command line.
#[derive(Parser)]
#[command(name = "tidegate", version, about, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Answer in JSON.
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::InitArgs),
    Check(check::CheckArgs),
    Show(show::ShowArgs),
    Schema(show::SchemaArgs),
    Test(try_rule::TestArgs),
    Simulate(Simulate),
    Keys(keys::KeysArgs),
    /// Let addresses in that no rule limits: add, remove or list them.
    Allow(lists::ListArgs),
    /// Keep addresses out: add, remove or list them.
    Deny(lists::ListArgs),
    Stats(stats::StatsArgs),
    Monitor(monitor::MonitorArgs),
    Serve(serve::ServeArgs),
    Migrate(migrate::MigrateArgs),
    Doctor(doctor::DoctorArgs),
    Bench(bench::BenchArgs),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
}

pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            // Nobody is left to tell when this fails.
            let _ = error.print();
            return exit;
        }
    };
    match dispatch(parsed.command, &Output::new(parsed.json)) {
        Ok(exit) => exit,
        Err(failure) => {
            complain(&failure);
            failure.exit
        }
    }
}

fn dispatch(command: Command, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Init(args) => init::run(&args, output),
        Command::Check(args) => check::run(&args, output),
        Command::Show(args) => show::run(&args, output),
        Command::Schema(args) => show::schema(&args, output),
        Command::Test(args) => try_rule::run(&args, output),
        Command::Simulate(command) => command.run(output),
        Command::Keys(args) => keys::run(&args, output),
        Command::Allow(args) => lists::run("allow", &args, output),
        Command::Deny(args) => lists::run("deny", &args, output),
        Command::Stats(args) => stats::run(&args, output),
        Command::Monitor(args) => monitor::run(&args, output),
        Command::Serve(args) => serve::run(&args, output),
        Command::Migrate(args) => migrate::run(&args, output),
        Command::Doctor(args) => doctor::run(&args, output),
        Command::Bench(args) => bench::run(&args, output),
        Command::Completions(args) => shell::completions(&args, Arguments::command(), output),
        Command::Man(args) => shell::man(&args, Arguments::command(), output),
    }
}

fn complain(failure: &Failure) {
    use std::io::Write;
    // Nobody is left to tell when this fails.
    let _ = writeln!(std::io::stderr(), "tidegate: {failure}");
}
