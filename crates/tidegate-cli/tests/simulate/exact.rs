//! The counts of a replay against a reference that shares nothing with it: the requests as they
//! were made up, and for each key the plainest bookkeeping that its algorithm's definition allows.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Folder, json,
    log::{Request, make},
    simulate, text,
};

const RULES: &str = r#"
deny = ["198.51.100.0/25"]

[[rules]]
name = "api"
match = { path = "/api/**" }
key = "ip"
limit = "20/minute"

[[rules]]
name = "login"
match = { path = "/login", methods = ["POST"] }
key = "ip"
limit = "sliding_window_log: 5/5m"
charge_on = 401

[[rules]]
name = "static"
match = { path = "/static/**" }
key = "global"
limit = "fixed_window: 300/minute"

[[rules]]
name = "strict"
key = "ip"
limit = "fixed_window: 3/second"
mode = "shadow"
"#;

const SECOND: u128 = 1_000_000_000;

/// How one key stands with one limit.
enum Model {
    /// Admitted requests of the last `period`, oldest first.
    Log { limit: usize, period: u128, admitted: VecDeque<u128> },
    /// What is in a bucket, in nanoseconds of refilling, and when that was so.
    Bucket { most: u128, each: u128, level: u128, at: u128 },
    /// How many were admitted in which window.
    Window { limit: u64, period: u128, window: u128, admitted: u64 },
}

impl Model {
    /// Whether one more fits; takes it then.
    fn check(&mut self, now: u128) -> bool {
        match self {
            Self::Log { limit, period, admitted } => {
                while admitted.front().is_some_and(|at| now - at >= *period) {
                    admitted.pop_front();
                }
                let fits = admitted.len() < *limit;
                if fits {
                    admitted.push_back(now);
                }
                fits
            }
            Self::Bucket { most, each, level, at } => {
                *level = (*level + (now - *at)).min(*most);
                *at = now;
                let fits = *level >= *each;
                if fits {
                    *level -= *each;
                }
                fits
            }
            Self::Window { limit, period, window, admitted } => {
                if now / *period != *window {
                    (*window, *admitted) = (now / *period, 0);
                }
                let fits = *admitted < *limit;
                *admitted += u64::from(fits);
                fits
            }
        }
    }

    /// Takes back what was just admitted.
    fn give_back(&mut self) {
        if let Self::Log { admitted, .. } = self {
            admitted.pop_back();
        }
    }
}

/// Requests and refusals of one key, and the line of the first.
type Counts = BTreeMap<String, (u64, u64, Option<u64>)>;

#[derive(Default)]
struct Rule {
    models: BTreeMap<String, Model>,
    counts: Counts,
}

#[derive(Default)]
struct Reference {
    rules: BTreeMap<&'static str, Rule>,
    requests: u64,
    refused: u64,
    out_of_order: u64,
    latest: u64,
}

impl Reference {
    fn take(&mut self, request: &Request, line: u64) {
        self.out_of_order += u64::from(request.at < self.latest);
        self.latest = self.latest.max(request.at);
        let now = u128::from(self.latest) * SECOND;
        self.requests += 1;
        let is_denied = request.who.strip_prefix("198.51.100.");
        if is_denied.is_some_and(|host| host.parse::<u8>().unwrap() < 128) {
            self.refused += 1;
            return;
        }
        let rule = match (request.path, request.method) {
            ("/login", "POST") => Some(("login", request.who.clone())),
            ("/login", _) => None,
            ("/static/app.js", _) => Some(("static", "(everybody)".to_owned())),
            _ => Some(("api", request.who.clone())),
        };
        let mut is_admitted = true;
        if let Some((name, key)) = rule {
            is_admitted = self.check(name, key, now, line);
            if name == "login" && is_admitted && request.status != 401 {
                let model = self.rules.get_mut(name).unwrap().models.get_mut(&request.who);
                model.unwrap().give_back();
            }
        }
        self.refused += u64::from(!is_admitted);
        // A rule in the shadow sees what the others let in.
        if is_admitted {
            self.check("strict", request.who.clone(), now, line);
        }
    }

    fn check(&mut self, rule: &'static str, key: String, now: u128, line: u64) -> bool {
        let rule_of = self.rules.entry(rule).or_default();
        let model = rule_of.models.entry(key.clone()).or_insert_with(|| model_of(rule, now));
        let fits = model.check(now);
        let count = rule_of.counts.entry(key).or_default();
        count.0 += 1;
        if !fits {
            count.1 += 1;
            count.2.get_or_insert(line);
        }
        fits
    }
}

fn model_of(rule: &str, now: u128) -> Model {
    let window = |limit, period| Model::Window { limit, period, window: 0, admitted: 0 };
    match rule {
        "api" => Model::Bucket { most: 60 * SECOND, each: 3 * SECOND, level: 60 * SECOND, at: now },
        "login" => Model::Log { limit: 5, period: 300 * SECOND, admitted: VecDeque::new() },
        "static" => window(300, 60 * SECOND),
        _ => window(3, SECOND),
    }
}

fn compare(lines: usize) {
    let folder = Folder::new("exact");
    let (log, requests) = make(lines);
    let (log, config) = (folder.write("access.log", log), folder.write("t.toml", RULES));
    let output = simulate(&[&log, "--config", &config, "--top", "1000000", "--json"], b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let answer = json(&output);

    let mut reference = Reference::default();
    for (index, request) in requests.iter().enumerate() {
        if let Some(request) = request {
            reference.take(request, index as u64 + 1);
        }
    }
    assert_eq!(answer["lines"], requests.len());
    assert_eq!(answer["out_of_order"], reference.out_of_order);
    let report = &answer["reports"][0];
    assert_eq!(report["requests"], reference.requests);
    assert_eq!(report["refused"], reference.refused);
    assert_eq!(report["forgotten_keys"], 0);
    for rule in report["rules"].as_array().unwrap() {
        let name = rule["rule"].as_str().unwrap();
        let counts = &reference.rules[name].counts;
        assert_eq!(rule["requests"], counts.values().map(|it| it.0).sum::<u64>(), "{name}");
        assert_eq!(rule["refused"], counts.values().map(|it| it.1).sum::<u64>(), "{name}");
        assert_eq!(rule["keys"], counts.len(), "{name}");
        let first = counts.values().filter_map(|it| it.2).min();
        assert_eq!(rule["first_refusal"]["line"].as_u64(), first, "{name}");
        let told: BTreeMap<String, (u64, u64)> = rule["worst"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| {
                let name = key["key"].as_str().unwrap().trim_end_matches("/64").to_owned();
                (name, (key["requests"].as_u64().unwrap(), key["refused"].as_u64().unwrap()))
            })
            .collect();
        let refused = counts.iter().filter(|(_, it)| it.1 > 0);
        let expected: BTreeMap<_, _> =
            refused.map(|(key, it)| (key.clone(), (it.0, it.1))).collect();
        assert!(!expected.is_empty(), "{name} refuses nobody, which tests nothing");
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn counts_of_a_million_lines_are_those_of_a_slow_reference() {
    compare(1_000_000);
}
