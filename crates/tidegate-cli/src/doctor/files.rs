//! Who may read and change a file.

use std::path::Path;

use super::finding::Findings;

const ABOUT: &str = "permissions";

/// Looks at a file that others should not change, and, when it `is_secret`, not read.
#[cfg(unix)]
pub(super) fn look(path: &Path, is_secret: bool, findings: &mut Findings) {
    use std::os::unix::fs::MetadataExt as _;

    let name = path.display();
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            findings.skip(ABOUT, format!("{name} was not looked at: {error}"));
            return;
        }
    };
    let mode = metadata.mode() & 0o777;
    if mode & 0o022 != 0 {
        findings.problem(
            ABOUT,
            format!(
                "{name} can be changed by others (mode {mode:03o}): they decide what is limited"
            ),
            format!("chmod {:03o} {name}", mode & !0o022),
        );
    } else if is_secret && mode & 0o044 != 0 {
        findings.problem(
            ABOUT,
            format!("{name} has a password in it, and can be read by others (mode {mode:03o})"),
            format!(
                "chmod {:03o} {name}, or keep the URL elsewhere: store = {{ env = \"VARIABLE\" }}",
                mode & !0o077
            ),
        );
    } else {
        findings.ok(ABOUT, format!("{name} (mode {mode:03o})"));
    }
}

#[cfg(not(unix))]
pub(super) fn look(path: &Path, _is_secret: bool, findings: &mut Findings) {
    findings.skip(ABOUT, format!("{} was not looked at on this system", path.display()));
}
