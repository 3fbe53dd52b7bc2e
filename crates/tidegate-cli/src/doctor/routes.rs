//! Routes of an application that nothing limits. Found by the Python package, which can import an
//! application, and handed over in arguments that nobody types.

use super::finding::Findings;

const ABOUT: &str = "routes";

/// The most routes that are named.
const MOST: usize = 20;

/// An application, and what the Python package has found out about it.
#[derive(clap::Args)]
pub(super) struct AppArgs {
    /// The application, such as `shop.main:app`: which of its routes have no limit? Only for the
    /// program that the Python package installs.
    #[arg(long, value_name = "MODULE:NAME")]
    app: Option<String>,

    #[arg(long, hide = true, requires = "app")]
    app_routes: Option<usize>,

    #[arg(long, hide = true, requires = "app")]
    app_unlimited: Vec<String>,

    /// Why its routes are not known.
    #[arg(long, hide = true, requires = "app")]
    app_unknown: Option<String>,

    /// Why there is no application.
    #[arg(long, hide = true, requires = "app")]
    app_error: Option<String>,
}

pub(super) fn look(args: &AppArgs, findings: &mut Findings) {
    let Some(app) = &args.app else { return };
    if let Some(error) = &args.app_error {
        findings.problem(ABOUT, error.clone(), "run this where the application would start");
        return;
    }
    if let Some(reason) = &args.app_unknown {
        findings.skip(ABOUT, format!("not looked at: {reason}"));
        return;
    }
    let Some(all) = args.app_routes else {
        findings.skip(
            ABOUT,
            "not looked at: this program cannot import an application; `python -m tidegate doctor` \
             can",
        );
        return;
    };
    let without = &args.app_unlimited;
    if without.is_empty() {
        findings.ok(ABOUT, format!("all {all} routes of {app} have a limit"));
        return;
    }
    let mut names = without.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if without.len() > MOST {
        names.push_str(", …");
    }
    findings.warn(
        ABOUT,
        format!("{} of {all} routes of {app} have no limit: {names}", without.len()),
        "add a rule that matches them, @rate_limit, or protect_app; or leave it, if that is meant",
    );
}
