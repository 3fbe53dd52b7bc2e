//! Redis: that it keeps what it is given.

use std::{fs, time::Duration};

use redis::{Client, ClientTlsConfig, IntoConnectionInfo as _, RedisResult, TlsCertificates};

use super::finding::Findings;
use crate::store::StoreUrl;

const ABOUT: &str = "eviction";
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the server for its memory, its policy and its role.
pub(super) fn look(url: &StoreUrl, findings: &mut Findings) {
    let client = match client(url) {
        Some(Ok(client)) => client,
        Some(Err(error)) => {
            findings.skip(ABOUT, format!("not looked at: {error}"));
            return;
        }
        None => {
            findings.skip(
                ABOUT,
                format!(
                    "not looked at behind {}; on each server, `redis-cli config get \
                     maxmemory-policy` should say noeviction",
                    url.scheme()
                ),
            );
            return;
        }
    };
    match info(&client) {
        Ok(info) => judge(&info, findings),
        // That it does not answer is told with its answers.
        Err(error) => findings.skip(ABOUT, format!("not looked at: {error}")),
    }
}

/// A client for one server; `None` for several, of which each would have to be asked.
fn client(url: &StoreUrl) -> Option<RedisResult<Client>> {
    let scheme = url.scheme().replace("valkey", "redis");
    let (_, place) = url.without_options().split_once("://")?;
    match scheme.as_str() {
        "redis" => Some(Client::open(format!("redis://{place}"))),
        "rediss" => Some(encrypted(url, place)),
        "unix" => {
            let names = ["db", "user", "pass"];
            let options = names.into_iter().filter_map(|name| {
                let value = url.raw_option(name)?;
                Some(format!("{name}={value}"))
            });
            let options = options.collect::<Vec<_>>().join("&");
            Some(Client::open(format!("unix://{place}?{options}")))
        }
        _ => None,
    }
}

fn encrypted(url: &StoreUrl, place: &str) -> RedisResult<Client> {
    let read = |name: &str| url.option(name).map(fs::read).transpose();
    let client_tls = match (read("cert")?, read("key")?) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        _ => None,
    };
    let certificates = TlsCertificates { client_tls, root_cert: read("ca")? };
    Client::build_with_tls(format!("rediss://{place}").into_connection_info()?, certificates)
}

fn info(client: &Client) -> RedisResult<String> {
    let mut connection = client.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let ask = |section: &str, connection: &mut redis::Connection| {
        redis::cmd("INFO").arg(section).query::<String>(connection)
    };
    Ok(ask("memory", &mut connection)? + &ask("replication", &mut connection)?)
}

fn judge(info: &str, findings: &mut Findings) {
    let field = |name: &str| {
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(field, _)| *field == name).map(|(_, value)| value.trim())
    };
    let number = |name: &str| field(name).and_then(|value| value.parse::<u64>().ok());
    let policy = field("maxmemory_policy").unwrap_or("unknown");
    let (most, used) = (number("maxmemory").unwrap_or(0), number("used_memory").unwrap_or(0));
    match (policy, most) {
        ("unknown", _) => findings.skip(ABOUT, "not looked at: the server does not tell its policy"),
        ("noeviction", _) => findings.ok(ABOUT, "maxmemory-policy is noeviction"),
        (policy, 0) => findings.warn(
            ABOUT,
            format!("maxmemory-policy is {policy}; it does nothing as long as maxmemory is 0"),
            "set maxmemory-policy noeviction before you set maxmemory",
        ),
        (policy, _) => findings.problem(
            ABOUT,
            format!("maxmemory-policy is {policy}: when memory is short, counters are thrown away, and their keys begin anew"),
            "redis-cli config set maxmemory-policy noeviction, and in redis.conf; or a server for \
             limits alone",
        ),
    }
    if most > 0 && used.saturating_mul(10) >= most.saturating_mul(9) {
        findings.warn(
            "memory",
            format!("{used} of {most} bytes are used; when there is none left, nothing is counted"),
            "raise maxmemory",
        );
    }
    if field("role") == Some("slave") {
        findings.problem(
            "role",
            "the server is a replica, which takes no counts",
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
        judge(info, &mut findings);
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

    #[test]
    fn several_servers_are_not_asked_one_by_one() {
        for url in ["redis+cluster://a,b", "rediss+sentinel://a,b/m", "valkey+cluster://a"] {
            assert!(client(&StoreUrl::new(url)).is_none(), "{url}");
        }
        for url in ["redis://u:p@h:1/2?timeout=1s", "valkeys://h", "unix:///a/b.sock?db=3"] {
            assert!(client(&StoreUrl::new(url)).unwrap().is_ok(), "{url}");
        }
    }
}
