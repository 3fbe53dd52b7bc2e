//! Redis: that it keeps what it is given, on every server that keeps counts.

mod ask;
mod cluster;
mod judge;
mod sentinel;

use self::{ask::Access, judge::judge};
use super::finding::Findings;
use crate::store::StoreUrl;

/// What is looked at first, and is skipped when a server cannot be asked.
const ABOUT: &str = "eviction";

/// Asks each server that keeps counts for its memory, its policy and its role.
pub(super) fn look(url: &StoreUrl, findings: &mut Findings) {
    let access = Access::new(url);
    match access.kind() {
        "sentinel" => sentinel::look(&access, findings),
        "cluster" => cluster::look(&access, findings),
        _ => match access.the_server().and_then(|client| ask::info(&client)) {
            Ok(info) => judge(&info, "", findings),
            // That it does not answer is told with its answers.
            Err(error) => findings.skip(ABOUT, format!("not looked at: {error}")),
        },
    }
}
