//! Sentinels: that enough of them answer, and agree; and the master that they name.

use redis::RedisResult;

use super::{
    ABOUT,
    ask::{Access, Host, ask, info},
    judge::judge,
};
use crate::doctor::finding::Findings;

const SENTINELS: &str = "sentinels";
const PORT: u16 = 26_379;

/// How many must answer: one that is alone may be the next to go.
const ENOUGH: usize = 2;

pub(super) fn look(access: &Access<'_>, findings: &mut Findings) {
    let name = access.path().split('/').next().unwrap_or_default();
    let asked: Vec<_> =
        access.hosts(PORT).into_iter().map(|host| named(access, host, name)).collect();
    let answered: Vec<_> = asked.iter().filter_map(|(_, answer)| answer.as_ref().ok()).collect();
    judge_answers(&asked, answered.len(), findings);
    let mut masters: Vec<_> = answered.into_iter().flatten().collect();
    masters.sort_unstable();
    masters.dedup();
    match masters[..] {
        [] if asked.iter().all(|(_, answer)| answer.is_err()) => {
            findings.skip(ABOUT, "not looked at: no sentinel names the master");
        }
        [] => findings.problem(
            SENTINELS,
            format!("they know no master `{name}`"),
            "name the master in the URL as `sentinel monitor` in sentinel.conf does",
        ),
        [master] => look_at(access, master, findings),
        _ => {
            let all = masters.iter().map(|master| master.0.as_str()).collect::<Vec<_>>();
            findings.problem(
                SENTINELS,
                format!("they name several masters: {}", all.join(", ")),
                "counts are kept where the first that answers says; see `sentinel masters` on each",
            );
            for master in masters {
                look_at(access, master, findings);
            }
        }
    }
}

/// A sentinel, and the master that it names; nothing when it knows none of the name.
type Asked = (Host, RedisResult<Option<Host>>);

fn named(access: &Access<'_>, host: Host, name: &str) -> Asked {
    let words = ["SENTINEL", "get-master-addr-by-name", name];
    let answer = access
        .sentinel(&host)
        .and_then(|client| ask::<Option<(String, i64)>>(&client, &words))
        .map(|place| place.map(|(name, port)| Host::new(&name, port)));
    (host, answer)
}

fn judge_answers(asked: &[Asked], answered: usize, findings: &mut Findings) {
    let away = asked.iter().filter_map(|(host, answer)| Some((host, answer.as_ref().err()?)));
    let away: Vec<_> = away.map(|(host, error)| format!("{}: {error}", host.0)).collect();
    let mut said = format!("{answered} of {} answer", asked.len());
    if !away.is_empty() {
        said = format!("{said}; {}", away.join("; "));
    }
    match answered {
        0 => findings.problem(
            SENTINELS,
            said,
            "without any, no process that starts or loses its master finds it",
        ),
        _ if answered < ENOUGH => findings.warn(
            SENTINELS,
            said,
            "run at least three on hosts of their own, and name them all in the URL: when the last \
             one is away, nobody tells where the master is",
        ),
        _ if !away.is_empty() => {
            findings.warn(SENTINELS, said, "start it again, or leave it out of the URL");
        }
        _ => findings.ok(SENTINELS, said),
    }
}

fn look_at(access: &Access<'_>, master: &Host, findings: &mut Findings) {
    match access.server(master).and_then(|client| info(&client)) {
        Ok(info) => judge(&info, &format!("{}: ", master.0), findings),
        Err(error) => findings.problem(
            SENTINELS,
            format!("they name {} as the master, which does not answer: {error}", master.0),
            "start it, or see why the sentinels have not failed over; this host, too, must reach it \
             by that name",
        ),
    }
}
