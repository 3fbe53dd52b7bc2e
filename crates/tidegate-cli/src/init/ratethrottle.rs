//! From ratethrottle's `ratethrottle.yaml` to a configuration of ours.

use super::{
    draft::{Draft, Line, Value, limit},
    source::{Node, Source},
};
use crate::exit::Failure;

/// Its strategies, and the algorithms that do what they did.
const STRATEGIES: [(&str, &str); 5] = [
    ("token_bucket", "token_bucket"),
    // A log of times, whatever its name says.
    ("leaky_bucket", "sliding_window_log"),
    ("fixed_window", "fixed_window"),
    ("sliding_window", "sliding_window_log"),
    ("sliding_counter", "sliding_window_counter"),
];

/// Its scopes, and the keys that they were meant for.
const SCOPES: [(&str, &str); 4] =
    [("ip", "ip"), ("user", "user"), ("endpoint", "path"), ("global", "global")];

pub(super) fn draft(mut source: Source) -> Result<Draft, Failure> {
    let mut draft = Draft {
        heading: vec![
            "Converted from ratethrottle's configuration. Counts begin anew.".to_owned(),
            "Its variables RT_... mean nothing here; TIDEGATE_STORE and its like override fields."
                .to_owned(),
        ],
        ..Draft::default()
    };
    store(&mut source, &mut draft)?;
    if source.flag(&["global", "enabled"])? == Some(false) {
        draft.fields.push(Line::Comment("global.enabled was false: nothing is refused.".into()));
        draft.fields.push(Line::text("mode", "shadow"));
    }
    if let Some(enabled) = source.flag(&["global", "headers_enabled"])? {
        draft.fields.push(Line::text("headers", if enabled { "x-ratelimit" } else { "none" }));
    }
    let strategy = source.text(&["global", "default_strategy"])?;
    let strategy = strategy.unwrap_or_else(|| "sliding_counter".to_owned());
    match source.take(&["rules"]) {
        None => draft.rules.push(default_rule()),
        Some(Node::List(rules)) => {
            for (index, node) in rules.into_iter().enumerate() {
                let place = format!("rules[{index}]");
                if !matches!(node, Node::Table(_)) {
                    return Err(source.wrong(&[&place], &node, "a table with a rule"));
                }
                let one = source.of(&place, node);
                rule(one, &place, &strategy, &mut draft)?;
            }
        }
        Some(other) => return Err(source.wrong(&["rules"], &other, "a list of rules")),
    }
    let left = source.left().into_iter().map(|(key, value)| format!("{key}: {value}"));
    draft.left.extend(left);
    Ok(draft)
}

fn store(source: &mut Source, draft: &mut Draft) -> Result<(), Failure> {
    let kind = source.text(&["storage", "type"])?.unwrap_or_else(|| "memory".to_owned());
    match kind.as_str() {
        "memory" => draft.fields.push(Line::text("store", "memory://")),
        "redis" => {
            let url = redis(source, draft)?;
            draft.fields.push(Line::text("store", url));
        }
        _ => {
            let kind = Node::Text(kind);
            return Err(source.wrong(&["storage", "type"], &kind, "memory or redis"));
        }
    }
    Ok(())
}

fn redis(source: &mut Source, draft: &mut Draft) -> Result<String, Failure> {
    fn at(field: &str) -> [&str; 3] {
        ["storage", "redis", field]
    }
    let host = source.text(&at("host"))?.unwrap_or_else(|| "localhost".to_owned());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let port = source.number(&at("port"))?.unwrap_or(6379.0);
    let database = source.number(&at("db"))?.unwrap_or(0.0);
    let login = match source.take(&at("password")) {
        None => String::new(),
        Some(password) => {
            draft.fields.push(Line::Comment(
                "A password is better kept out of this file: store = { env = \"REDIS_URL\" }."
                    .into(),
            ));
            let password = match password {
                Node::Text(text) => text,
                other => other.to_string(),
            };
            format!(":{}@", super::escaped(&password))
        }
    };
    let mut options = Vec::new();
    if let Some(prefix) = source.text(&at("key_prefix"))? {
        options.push(format!("prefix={}", super::escaped(&prefix)));
    }
    if let Some(seconds) = source.number(&at("socket_timeout"))? {
        options.push(format!("timeout={}ms", (seconds * 1000.0).round()));
    }
    if let Some(most) = source.number(&at("max_connections"))? {
        options.push(format!("pool={most}"));
    }
    let joint = if options.is_empty() { "" } else { "?" };
    Ok(format!("redis://{login}{host}:{port}/{database}{joint}{}", options.join("&")))
}

/// What ratethrottle has when its file has no rules.
fn default_rule() -> Vec<Line> {
    vec![
        Line::text("name", "default"),
        Line::text("apply", "by_name"),
        Line::text("key", "ip"),
        Line::text("limit", "1000/hour"),
        Line::text("algorithm", "sliding_window_counter"),
        Line::text("block", "300s"),
    ]
}

fn rule(mut it: Source, place: &str, strategy: &str, draft: &mut Draft) -> Result<(), Failure> {
    let missing = Node::Nothing;
    let Some(name) = it.text(&["name"])? else {
        return Err(it.wrong(&["name"], &missing, "a name"));
    };
    let mut numbers = [0.0; 2];
    for (number, field) in numbers.iter_mut().zip(["limit", "window"]) {
        *number = it.number(&[field])?.ok_or_else(|| it.wrong(&[field], &missing, "a number"))?;
    }
    let [count, window] = numbers;
    let strategy = it.text(&["strategy"])?.unwrap_or_else(|| strategy.to_owned());
    let Some((_, algorithm)) = STRATEGIES.into_iter().find(|(known, _)| *known == strategy) else {
        let known = "token_bucket, leaky_bucket, fixed_window, sliding_window or sliding_counter";
        return Err(it.wrong(&["strategy"], &Node::Text(strategy), known));
    };
    let scope = it.text(&["scope"])?.unwrap_or_else(|| "ip".to_owned());
    let Some((_, key)) = SCOPES.into_iter().find(|(known, _)| *known == scope) else {
        return Err(it.wrong(&["scope"], &Node::Text(scope), "ip, user, endpoint or global"));
    };
    // Only there did it mean anything.
    let burst = if algorithm == "token_bucket" { it.number(&["burst"])? } else { None };
    let block = it.number(&["block_duration"])?.unwrap_or(300.0);
    let mut lines = vec![Line::text("name", name)];
    let (paths, methods) = (patterns(&mut it, "paths")?, patterns(&mut it, "methods")?);
    let mut applies = Vec::new();
    applies.extend(paths.map(|paths| ("path", Value::Texts(paths))));
    applies.extend(methods.map(|methods| ("methods", Value::Texts(methods))));
    if applies.is_empty() {
        lines.push(Line::Comment("For every request instead, leave this line out.".to_owned()));
        lines.push(Line::text("apply", "by_name"));
    } else {
        lines.push(Line::Field("match", Value::Table(applies)));
    }
    lines.push(Line::text("key", key));
    lines.push(Line::text("limit", limit(count, window, burst)));
    lines.push(Line::text("algorithm", algorithm));
    if block > 0.0 {
        lines.push(Line::text("block", format!("{block}s")));
    }
    draft.rules.push(lines);
    let left = it.left().into_iter().map(|(field, value)| format!("{place}.{field}: {value}"));
    draft.left.extend(left);
    Ok(())
}

/// Takes a text or a list of texts; nothing of an empty list.
fn patterns(it: &mut Source, field: &str) -> Result<Option<Vec<String>>, Failure> {
    let texts = match it.take(&[field]) {
        None => return Ok(None),
        Some(Node::Text(text)) => vec![text],
        Some(Node::List(nodes)) => {
            let mut texts = Vec::new();
            for node in nodes {
                match node {
                    Node::Text(text) => texts.push(text),
                    other => return Err(it.wrong(&[field], &other, "text")),
                }
            }
            texts
        }
        Some(other) => return Err(it.wrong(&[field], &other, "a list of texts")),
    };
    Ok(Some(texts).filter(|texts| !texts.is_empty()))
}
