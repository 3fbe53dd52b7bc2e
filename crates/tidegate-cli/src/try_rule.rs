//! `tidegate test`: trying a rule.

use std::{
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use tidegate::{
    Clock, Decision, Key, ManualClock, MemoryStore, Rule, Store, SystemClock, address::Resolver,
    config,
};

use crate::{
    exit::{Exit, Failure},
    output::{Output, Paint},
    rules, shown,
    single::Single,
    store::{self, StoreArgs},
    table::Table,
    words,
};

/// Try a rule: let a key make requests, and see which are refused.
///
/// Nothing is counted anywhere but here, and no time passes but what --every says, unless --live
/// is given.
#[derive(clap::Args)]
pub(crate) struct TestArgs {
    /// The rule's name.
    rule: String,

    /// The key: an address, a user, whatever the rule counts by.
    key: String,

    /// How many requests.
    #[arg(short, long, value_name = "NUMBER", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    number: u32,

    /// The time from one request to the next, such as `1s`; by default, none.
    #[arg(long, value_name = "TIME", value_parser = words::time)]
    every: Option<Duration>,

    /// What each request costs, instead of the rule's own cost.
    #[arg(long, value_name = "UNITS")]
    cost: Option<u32>,

    /// The status of each response, for a rule that charges for some alone.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(100..=599))]
    status: u16,

    /// A limit, such as "100/minute", for a rule that is in no configuration; may be given several
    /// times.
    #[arg(long, value_name = "LIMIT")]
    limit: Vec<String>,

    /// Make the requests count, in the configured store, by the real clock.
    #[arg(long)]
    live: bool,

    #[command(flatten)]
    store: StoreArgs,
}

/// The whole answer. Times are in seconds.
#[derive(Serialize)]
struct Tried {
    rule: String,
    key: String,
    limit: String,
    /// Whether the rule leaves the key alone.
    exempt: bool,
    /// Whether the requests counted for others too.
    live: bool,
    allowed: usize,
    refused: usize,
    decisions: Vec<Request>,
}

#[derive(Serialize)]
struct Request {
    number: u32,
    /// Since the first.
    at: f64,
    allowed: bool,
    reason: Option<&'static str>,
    remaining: u32,
    retry_after: Option<f64>,
    reset_after: f64,
    /// How long the caller should wait before going ahead.
    delay: f64,
}

/// A rule to try, and where it counts.
struct Trial {
    rule: Rule,
    /// Whether the configuration only watches it.
    is_shadow: bool,
    /// The masked URL of the store that really counts.
    live: Option<String>,
    store: Arc<dyn Store>,
    /// How addresses are counted.
    resolver: Resolver,
}

pub(crate) fn run(args: &TestArgs, output: &Output) -> Result<Exit, Failure> {
    let trial = Trial::new(args)?;
    let manual = Arc::new(ManualClock::new(
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
    ));
    let clock: Arc<dyn Clock> =
        if args.live { Arc::new(SystemClock) } else { Arc::<ManualClock>::clone(&manual) };
    let subject = rules::subject(*trial.rule.counts() == Key::Ip, &trial.resolver, &args.key);
    let exempt = trial.rule.is_exempt(&subject);
    let single = Single::new(&trial.rule, subject, args.cost, Arc::clone(&trial.store), clock)?;
    let every = args.every.unwrap_or_default();
    let mut decisions = Vec::new();
    for number in 1..=args.number {
        if number > 1 {
            if args.live { thread::sleep(every) } else { manual.advance(every) }
        }
        let at = every.saturating_mul(number - 1);
        decisions.push(Request::new(number, at, &single.admit(args.status)?));
    }
    let refused = decisions.iter().filter(|it| !it.allowed).count();
    let tried = Tried {
        rule: args.rule.clone(),
        key: args.key.clone(),
        limit: trial.rule.limits().to_string(),
        exempt,
        live: trial.live.is_some(),
        allowed: decisions.len() - refused,
        refused,
        decisions,
    };
    if output.json {
        output.json(&tried)?;
    } else {
        output.text(&text(&trial, &tried, output))?;
    }
    Ok(if refused == 0 { Exit::Success } else { Exit::Found })
}

impl Trial {
    fn new(args: &TestArgs) -> Result<Self, Failure> {
        let loaded = match args.limit.as_slice() {
            [] => Some(args.store.config.load()?),
            _ if args.live && args.store.store.is_none() => Some(args.store.config.load()?),
            _ => None,
        };
        let (rule, is_shadow) = match (&loaded, args.limit.as_slice()) {
            (Some(loaded), []) => {
                let rule = rules::named(loaded.rules(), &args.rule)?.clone();
                let given = loaded.config.rules.iter().find(|it| it.name.text() == args.rule);
                let is_shadow = loaded.config.mode == config::Mode::Shadow
                    || given.is_some_and(|it| it.mode == config::Mode::Shadow);
                (rule, is_shadow)
            }
            (_, limits) => (rules::given(&args.rule, limits)?, false),
        };
        let resolver = loaded.as_ref().map(rules::resolver).transpose()?.unwrap_or_default();
        if !args.live {
            let store = Arc::new(MemoryStore::new());
            return Ok(Self { rule, is_shadow, live: None, store, resolver });
        }
        let url = args.store.url(loaded.as_ref())?;
        let store = store::open_existing(&url)?;
        Ok(Self { rule, is_shadow, live: Some(url.masked()), store, resolver })
    }
}

impl Request {
    fn new(number: u32, at: Duration, decision: &Decision) -> Self {
        Self {
            number,
            at: at.as_secs_f64(),
            allowed: decision.allowed,
            reason: decision.reason.map(tidegate::Reason::name),
            remaining: decision.remaining,
            retry_after: decision.retry_after.map(shown::seconds),
            reset_after: shown::seconds(decision.reset_after),
            delay: shown::seconds(decision.delay),
        }
    }
}

fn text(trial: &Trial, tried: &Tried, output: &Output) -> String {
    let mut table =
        Table::new(&[">number", ">at", "answer", ">remaining", ">retry after", ">reset after"]);
    let counted = |shown: String| if tried.exempt { "-".to_owned() } else { shown };
    for it in &tried.decisions {
        let answer = match it.reason {
            None if tried.exempt => "exempt".to_owned(),
            None if it.delay > 0.0 => format!("allowed after {}", shown::time_of(it.delay)),
            None => "allowed".to_owned(),
            Some("limit") => "refused".to_owned(),
            Some(reason) => format!("refused ({reason})"),
        };
        table.row([
            it.number.to_string(),
            shown::time_of(it.at),
            answer,
            counted(it.remaining.to_string()),
            it.retry_after.map_or("-".to_owned(), shown::time_of),
            counted(shown::time_of(it.reset_after)),
        ]);
    }
    let mut lines: Vec<String> = table.text().lines().map(str::to_owned).collect();
    for (line, it) in lines.iter_mut().skip(1).zip(&tried.decisions) {
        *line = output.paint(if it.allowed { Paint::Good } else { Paint::Bad }, line);
    }
    let (rule, limit) = (&tried.rule, &tried.limit);
    let key = shown::plain(&tried.key);
    let (allowed, number) = (tried.allowed, tried.decisions.len());
    lines.push(format!("\n{rule} ({limit}): {allowed} of {number} requests of {key} allowed"));
    if tried.exempt {
        lines.push(format!("{key} is exempt: the rule neither counts nor refuses it"));
    }
    if trial.is_shadow {
        lines.push("the rule is in the shadow: an application refuses none of them".to_owned());
    }
    if let Some(store) = &trial.live {
        lines.push(format!("these requests count in {store}"));
    }
    lines.join("\n") + "\n"
}
