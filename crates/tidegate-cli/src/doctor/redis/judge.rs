//! What a Redis server's own words come to.

use super::ABOUT;
use crate::doctor::finding::Findings;

/// `whose` stands before every message.
pub(super) fn judge(info: &str, whose: &str, findings: &mut Findings) {
    let field = |name: &str| {
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(field, _)| *field == name).map(|(_, value)| value.trim())
    };
    let number = |name: &str| field(name).and_then(|value| value.parse::<u64>().ok());
    let policy = field("maxmemory_policy").unwrap_or("unknown");
    let (most, used) = (number("maxmemory").unwrap_or(0), number("used_memory").unwrap_or(0));
    match (policy, most) {
        ("unknown", _) => {
            findings.skip(ABOUT, format!("{whose}not looked at: the server does not tell its policy"));
        }
        ("noeviction", _) => {
            findings.ok(ABOUT, format!("{whose}maxmemory-policy is noeviction"));
        }
        (policy, 0) => findings.warn(
            ABOUT,
            format!("{whose}maxmemory-policy is {policy}; it does nothing as long as maxmemory is 0"),
            "set maxmemory-policy noeviction before you set maxmemory",
        ),
        (policy, _) => findings.problem(
            ABOUT,
            format!("{whose}maxmemory-policy is {policy}: when memory is short, counters are thrown away, and their keys begin anew"),
            "redis-cli config set maxmemory-policy noeviction, and in redis.conf; or a server for \
             limits alone",
        ),
    }
    if most > 0 && used.saturating_mul(10) >= most.saturating_mul(9) {
        findings.warn(
            "memory",
            format!("{whose}{used} of {most} bytes are used; when there is none left, nothing is counted"),
            "raise maxmemory",
        );
    }
    if field("role") == Some("slave") {
        findings.problem(
            "role",
            format!("{whose}the server is a replica, which takes no counts"),
            "name the master, or let sentinels: redis+sentinel://",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    fn worst(info: &str) -> Level {
        let mut findings = Findings::default();
        judge(info, "", &mut findings);
        findings.worst()
    }

    #[test]
    fn what_a_server_says_is_judged() {
        let memory = |policy: &str, most: u64, used: u64| {
            worst(&format!(
                "# Memory\r\nused_memory:{used}\r\nmaxmemory:{most}\r\nmaxmemory_policy:{policy}\r\n"
            ))
        };
        assert_eq!(memory("noeviction", 0, 5), Level::Ok);
        assert_eq!(memory("noeviction", 100, 95), Level::Warning);
        assert_eq!(memory("allkeys-lru", 0, 5), Level::Warning);
        assert_eq!(memory("volatile-ttl", 100, 5), Level::Problem);
        assert_eq!(worst("maxmemory_policy:noeviction\r\nrole:slave\r\n"), Level::Problem);
        assert_eq!(worst(""), Level::Skipped);
    }
}
