//! A cluster: that every slot is served, and each of the primaries.

use std::collections::BTreeMap;

use redis::{RedisResult, Value, from_redis_value};

use super::{
    ABOUT,
    ask::{Access, Host, ask, clock_ahead, info},
    judge::judge,
};
use crate::doctor::{finding::Findings, store::CLOCKS_APART};

const CLUSTER: &str = "cluster";
const PORT: u16 = 6379;
const SLOTS: i64 = 16_384;

pub(super) fn look(access: &Access<'_>, findings: &mut Findings) {
    let mut failures = Vec::new();
    let hosts = access.hosts(PORT);
    let found = hosts.iter().find_map(|host| match primaries(access, host) {
        Ok(found) => Some(found),
        Err(error) => {
            failures.push(format!("{}: {error}", host.0));
            None
        }
    });
    let Some(primaries) = found else {
        findings.skip(ABOUT, format!("not looked at: no node answers: {}", failures.join("; ")));
        return;
    };
    let served: i64 = primaries.values().sum();
    let said = format!("{served} of {SLOTS} slots are served, by {} primaries", primaries.len());
    if served < SLOTS {
        let advice = "redis-cli --cluster fix HOST:PORT; until then the keys of the other slots are \
                      decided by on_store_error";
        findings.problem(CLUSTER, said, advice);
    } else {
        findings.ok(CLUSTER, said);
    }
    for failure in failures {
        findings.warn(CLUSTER, failure, "start it again, or leave it out of the URL");
    }
    for host in primaries.keys() {
        look_at(access, host, findings);
    }
}

/// The primaries that a node knows, and how many slots each serves.
fn primaries(access: &Access<'_>, asked: &Host) -> RedisResult<BTreeMap<Host, i64>> {
    let ranges: Vec<Vec<Value>> = ask(&access.server(asked)?, &["CLUSTER", "SLOTS"])?;
    let mut primaries = BTreeMap::new();
    for range in ranges {
        let [first, last, primary, ..] = &range[..] else { continue };
        let (first, last): (i64, i64) =
            (from_redis_value(first.clone())?, from_redis_value(last.clone())?);
        let Value::Array(primary) = primary else { continue };
        let [name, port, ..] = &primary[..] else { continue };
        let name: Option<String> = from_redis_value(name.clone())?;
        let port = from_redis_value(port.clone())?;
        // A node that does not know its own name leaves it out.
        let host = match name.filter(|name| !name.is_empty()) {
            Some(name) => Host::new(&name, port),
            None => asked.clone(),
        };
        *primaries.entry(host).or_default() += last - first + 1;
    }
    Ok(primaries)
}

fn look_at(access: &Access<'_>, host: &Host, findings: &mut Findings) {
    let client = access.server(host);
    let asked = client.and_then(|client| Ok((info(&client)?, clock_ahead(&client)?)));
    let (info, ahead) = match asked {
        Ok(asked) => asked,
        Err(error) => {
            findings.problem(
                CLUSTER,
                format!("the primary {} does not answer: {error}", host.0),
                "start it, or see why its replica has not taken its place; this host, too, must \
                 reach it by that name",
            );
            return;
        }
    };
    judge(&info, &format!("{}: ", host.0), findings);
    judge_clock(host, ahead, findings);
}

fn judge_clock(host: &Host, ahead: f64, findings: &mut Findings) {
    let said = format!("{}: {ahead:+.3} s from ours", host.0);
    if ahead.abs() > CLOCKS_APART {
        let advice = "each primary's clock decides about its slots, and times in header fields are \
                      off by that: run NTP on all";
        findings.warn("clock", said, advice);
    } else {
        findings.ok("clock", said);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    #[test]
    fn clocks_that_are_apart_are_told() {
        for (ahead, expected) in
            [(0.2, Level::Ok), (-0.9, Level::Ok), (1.5, Level::Warning), (-7.0, Level::Warning)]
        {
            let mut findings = Findings::default();
            judge_clock(&Host::new("h", 1), ahead, &mut findings);
            assert_eq!(findings.worst(), expected, "{ahead}");
        }
    }
}
