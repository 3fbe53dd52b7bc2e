//! `tidegate show` and `tidegate schema`: a configuration as it takes effect, and what one may say.

use tidegate::config::{self, Config, Secret};

use crate::{
    configuration::ConfigArgs,
    exit::{Exit, Failure},
    output::Output,
    store::StoreUrl,
};

/// Show the configuration as it takes effect, with what variables override and secrets masked.
#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

/// Print the JSON schema of a configuration, for editors.
#[derive(clap::Args)]
pub(crate) struct SchemaArgs {
    /// Print the reference of all fields instead, as Markdown.
    #[arg(long)]
    markdown: bool,
}

pub(crate) fn run(args: &ShowArgs, output: &Output) -> Result<Exit, Failure> {
    let mut config = args.config.load()?.config;
    mask(&mut config);
    if output.json {
        output.json(&config)?;
        return Ok(Exit::Success);
    }
    let text = toml_edit::ser::to_string_pretty(&config).map_err(|error| {
        Failure::new(Exit::Config, format!("the configuration cannot be shown as TOML: {error}"))
    })?;
    output.text(&text)?;
    Ok(Exit::Success)
}

/// Masks what the configuration's own display leaves: passwords among a URL's options.
fn mask(config: &mut Config) {
    if let Secret::Text(url) = &config.store {
        config.store = Secret::Text(StoreUrl::new(url).masked());
    }
}

pub(crate) fn schema(args: &SchemaArgs, output: &Output) -> Result<Exit, Failure> {
    let text = if args.markdown { config::reference() } else { config::json_schema() };
    output.text(&text)?;
    Ok(Exit::Success)
}
