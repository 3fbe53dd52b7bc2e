//! `tidegate init`: a configuration to start from, or one made of another system's.

mod draft;
mod flux;
mod ratethrottle;
mod source;

use std::path::{Path, PathBuf};

use tidegate::config::{self, Format};

use self::source::Source;
use crate::{
    exit::{Exit, Failure},
    files,
    output::Output,
};

/// Write a configuration to start from, or convert another system's.
#[derive(clap::Args)]
pub(crate) struct InitArgs {
    /// Write YAML instead of TOML.
    #[arg(long)]
    yaml: bool,

    /// Where to write; `-` is standard output. Without it, `tidegate.toml` or `tidegate.yaml`.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace a file that is there.
    #[arg(long)]
    force: bool,

    /// Convert the configuration of flux-limiter (`flux.toml`) or of ratethrottle
    /// (`ratethrottle.yaml`). What has no counterpart becomes a comment.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

#[derive(serde::Serialize)]
struct Written<'w> {
    file: &'w Path,
    /// The keys of the converted file that have no counterpart.
    without_counterpart: Vec<String>,
}

pub(crate) fn run(args: &InitArgs, output: &Output) -> Result<Exit, Failure> {
    let format = args.format()?;
    let (text, left) = match &args.from {
        None => (config::template(format), Vec::new()),
        Some(path) => convert(path, format)?,
    };
    let place = args.output.clone().unwrap_or_else(|| match format {
        Format::Toml => "tidegate.toml".into(),
        Format::Yaml => "tidegate.yaml".into(),
    });
    if place.as_os_str() == "-" {
        output.text(&text)?;
        return Ok(Exit::Success);
    }
    let write = if args.force { files::replace } else { files::make };
    write(&place, &text)?;
    if output.json {
        output.json(&Written { file: &place, without_counterpart: left })?;
        return Ok(Exit::Success);
    }
    let place = place.display();
    output.text(&format!("wrote {place}\n"))?;
    if !left.is_empty() {
        let (number, keys) = (left.len(), if left.len() == 1 { "key has" } else { "keys have" });
        output.text(&format!("{number} {keys} no counterpart; see the comments at its end\n"))?;
    }
    Ok(Exit::Success)
}

impl InitArgs {
    fn format(&self) -> Result<Format, Failure> {
        let ending = self.output.as_deref().and_then(Path::extension).and_then(|it| it.to_str());
        match (ending, self.yaml) {
            (Some("toml"), true) => Err(Failure::new(
                Exit::Usage,
                "--yaml does not go with a file that ends in .toml; leave out one of the two",
            )),
            (Some("yaml" | "yml"), _) | (_, true) => Ok(Format::Yaml),
            _ => Ok(Format::Toml),
        }
    }
}

/// The configuration that says what another system's says, and the keys that it cannot say.
fn convert(path: &Path, format: Format) -> Result<(String, Vec<String>), Failure> {
    let text = files::read(path)?;
    let name = path.display().to_string();
    let draft = match path.extension().and_then(|ending| ending.to_str()) {
        Some("toml") => flux::draft(Source::toml(&name, &text)?)?,
        Some("yaml" | "yml") => ratethrottle::draft(Source::yaml(&name, &text)?)?,
        _ => {
            let message = format!(
                "`{name}` is no configuration that can be converted; expected one of \
                     flux-limiter, which ends in .toml, or of ratethrottle, which ends in .yaml"
            );
            return Err(Failure::new(Exit::Config, message));
        }
    };
    let converted = draft.text(format);
    // What would not load is no conversion; the message is about the text that would be written.
    config::parse(&converted, format, "the converted configuration").map_err(|problems| {
        let message = format!("`{name}` says what tidegate cannot do:\n{problems}");
        Failure::new(Exit::Config, message)
    })?;
    Ok((converted, draft.left))
}

/// Text as a part of a URL.
fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
