//! The configuration: that it loads, what it warns of, and who may read and change it.

use tidegate::config::{Item, Loaded, Secret, load};

use super::{files, finding::Findings};
use crate::{store::StoreArgs, store::StoreUrl};

const ABOUT: &str = "configuration";

/// Looks at the configuration, and returns it when it loads.
pub(super) fn look(args: &StoreArgs, findings: &mut Findings) -> Option<Loaded> {
    let path = match args.config.path() {
        Ok(path) => path,
        Err(failure) => {
            match &args.store {
                Some(_) => findings.skip(ABOUT, "there is none here"),
                None => findings.problem(
                    ABOUT,
                    failure.message,
                    "an application that is set up in code has its store given by --store URL",
                ),
            }
            return None;
        }
    };
    let loaded = match load(&path) {
        Ok(loaded) => loaded,
        Err(problems) => {
            let advice = "no application starts with it; `tidegate check` tells the same";
            findings.problem(ABOUT, problems.to_string(), advice);
            return None;
        }
    };
    findings.ok(ABOUT, format!("{}: {} rules", path.display(), loaded.rules().len()));
    for warning in &loaded.warnings {
        findings.warn(ABOUT, warning.to_string(), "an application starts with it nevertheless");
    }
    let has_secret = matches!(&loaded.config.store, Secret::Text(url)
        if StoreUrl::new(url).masked() != *url);
    for (index, path) in loaded.files.iter().enumerate() {
        files::look(path, has_secret && index == 0, findings);
    }
    if let Secret::File(secret) = &loaded.config.store {
        let folder = path.parent().unwrap_or(std::path::Path::new(""));
        files::look(&folder.join(secret), true, findings);
    }
    unlisted(&loaded, findings);
    Some(loaded)
}

/// Says that rules refuse nobody.
fn unlisted(loaded: &Loaded, findings: &mut Findings) {
    if loaded.config.mode == tidegate::config::Mode::Shadow {
        let advice = "set mode = \"enforce\" when you have seen enough";
        findings.warn(ABOUT, "mode is \"shadow\": nothing is refused", advice);
    }
    let is_empty = loaded.config.deny.as_slice().iter().all(|item| matches!(item, Item::File(_)));
    if loaded.rules().is_empty() && is_empty && loaded.config.deny.is_empty() {
        findings.warn(ABOUT, "there are no rules: nothing is limited", "add [[rules]]");
    }
}
