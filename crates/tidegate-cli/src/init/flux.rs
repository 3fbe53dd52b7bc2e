//! From flux-limiter's `flux.toml` to a configuration of ours.
//!
//! Where the file is silent, flux-limiter's own defaults are written for what is limited, and
//! nothing for the rest.

use super::{
    draft::{Draft, Line, limit},
    source::Source,
};
use crate::exit::Failure;

/// What `[rate_limit]` says, or the code where it is silent.
struct Defaults {
    policy: String,
    requests: f64,
    period: f64,
    /// `None` when it is as many as the requests of the same limit.
    burst: Option<f64>,
}

pub(super) fn draft(mut source: Source) -> Result<Draft, Failure> {
    let mut draft = Draft {
        heading: vec![
            "Converted from flux-limiter's configuration. Counts begin anew.".to_owned(),
            "Its variables FLUX_CONFIG and FLUX_MONITOR_PORT mean nothing here; see TIDEGATE_CONFIG."
                .to_owned(),
        ],
        ..Draft::default()
    };
    draft.fields.push(Line::text("store", store(&mut source)?));
    if let Some(silently) = source.flag(&["flux", "fail_silently"])? {
        draft.fields.push(Line::text("on_store_error", if silently { "open" } else { "closed" }));
    }
    let has_default = source.has(&["rate_limit"]);
    let defaults = Defaults::take(&mut source, &mut draft)?;
    let names = source.names("rate_limits");
    if (has_default || names.is_empty()) && !names.iter().any(|name| name == "default") {
        let rule = rule("default", &defaults, "rate_limit() without a name");
        draft.rules.push(rule);
    }
    for name in &names {
        let limit = defaults.named(&mut source, name, &mut draft)?;
        draft.rules.push(rule(name, &limit, &format!("rate_limit({name:?})")));
    }
    draft.left = source.left().into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
    Ok(draft)
}

fn store(source: &mut Source) -> Result<String, Failure> {
    let host = source.text(&["redis", "host"])?.unwrap_or_else(|| "127.0.0.1".to_owned());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let port = source.number(&["redis", "port"])?.unwrap_or(6379.0);
    let mut options = Vec::new();
    if let Some(prefix) = source.text(&["flux", "key_prefix"])? {
        options.push(format!("prefix={}", super::escaped(&prefix)));
    }
    if let Some(millis) = source.number(&["redis", "timeout_ms"])? {
        options.push(format!("timeout={millis}ms"));
    }
    if let Some(size) = source.number(&["redis", "pool_size"])? {
        options.push(format!("pool={size}"));
    }
    let joint = if options.is_empty() { "" } else { "?" };
    Ok(format!("redis://{host}:{port}{joint}{}", options.join("&")))
}

impl Defaults {
    fn take(source: &mut Source, draft: &mut Draft) -> Result<Self, Failure> {
        let code = Self { policy: "gcra".into(), requests: 100.0, period: 60.0, burst: None };
        code.of(source, &["rate_limit"], draft)
    }

    fn named(&self, source: &mut Source, name: &str, draft: &mut Draft) -> Result<Self, Failure> {
        self.of(source, &["rate_limits", name], draft)
    }

    /// What the table at `path` says, and these where it is silent.
    fn of(&self, source: &mut Source, path: &[&str], draft: &mut Draft) -> Result<Self, Failure> {
        let at = |field| [path, &[field]].concat();
        let policy = source.text(&at("policy"))?.map(|text| text.to_ascii_lowercase());
        let policy = match policy {
            Some(text) if POLICIES.contains(&text.as_str()) => text,
            None => self.policy.clone(),
            Some(text) => {
                let field = at("policy").join(".");
                let (text, taken) = (super::draft::quoted(&text), &self.policy);
                draft.heading.push(format!(
                    "{field} = {text} is no policy of flux-limiter, which took {taken} instead."
                ));
                taken.clone()
            }
        };
        // Zero takes the default, as it did there.
        let positive = |number: Option<f64>| number.filter(|number| *number != 0.0);
        let requests = positive(source.number(&at("requests"))?);
        let period = positive(source.number(&at("period"))?);
        let burst = source.number(&at("burst"))?;
        // A burst that is not given anywhere is the default's requests, not the limit's own.
        let burst = burst.or(self.burst).or((path.len() > 1).then_some(self.requests));
        Ok(Self {
            policy,
            requests: requests.unwrap_or(self.requests),
            period: period.unwrap_or(self.period),
            burst,
        })
    }
}

const POLICIES: [&str; 4] = ["gcra", "token_bucket", "leaky_bucket", "fixed_window"];

fn rule(name: &str, it: &Defaults, place: &str) -> Vec<Line> {
    // Its windows had no burst either.
    let burst = it.burst.filter(|_| it.policy != "fixed_window");
    vec![
        Line::text("name", name),
        Line::Comment(format!("Where the code said {place}, it says rate_limit(name={name:?}).")),
        Line::text("apply", "by_name"),
        Line::text("key", "ip"),
        Line::text("limit", limit(it.requests, it.period, burst)),
        Line::text("algorithm", &*it.policy),
    ]
}
