//! PostgreSQL: that its schema is there.

use super::finding::Findings;
use crate::{migrate, store::StoreUrl};

/// Looks whether the schema is there; false when nothing more can be asked of the server.
pub(super) fn look(url: &StoreUrl, findings: &mut Findings) -> bool {
    let schema = url.option("schema").unwrap_or_else(|| "tidegate".to_owned());
    match migrate::is_there(url) {
        Ok(true) => {
            findings.ok("schema", format!("`{schema}` is in place"));
            true
        }
        Ok(false) if url.option("auto_migrate").as_deref() == Some("false") => {
            findings.problem(
                "schema",
                format!("`{schema}` is missing, or old, and auto_migrate=false keeps applications from making it"),
                "run `tidegate migrate` as a user who may",
            );
            false
        }
        Ok(false) => {
            findings.warn(
                "schema",
                format!("`{schema}` is missing, or old; the first application that starts makes it, if it may"),
                "`tidegate migrate` makes it now",
            );
            false
        }
        Err(failure) => {
            findings.problem(
                "store",
                failure.message,
                "until it answers, on_store_error decides: open admits all, closed refuses all, \
                 local lets each process count by itself",
            );
            false
        }
    }
}
