//! What the documents of other limiters show as examples, said in a file of ours.

use tidegate::OnStoreError;

use super::toml;

/// In this order: FlowShield's options, flux-limiter's and ratethrottle's files, and the limits of
/// fluxlimit.
const EXAMPLES: &str = r#"
store = "redis://127.0.0.1:6379?prefix=flux%3A&timeout=200ms&pool=5"
on_store_error = "open"
headers = "x-ratelimit"

[[rules]]
name = "protect_app"
key = "ip"
limit = "fixed_window: 100/second"

[[rules]]
name = "default"
apply = "by_name"
key = "ip"
limit = "100/minute"

[[rules]]
name = "api_tier_1"
apply = "by_name"
key = "ip"
limit = "1000/hour burst 100"

[[rules]]
name = "strict_login"
apply = "by_name"
key = "ip"
limit = "5/5m burst 100"
algorithm = "token_bucket"

[[rules]]
name = "api_default"
match = { path = "/api/**" }
key = "ip"
limit = "1000/hour"
algorithm = "token_bucket"

[[rules]]
name = "auth_strict"
match = { path = "/auth/**" }
key = "ip"
limit = "5/minute"
algorithm = "sliding_window_log"
block = "15m"

[[rules]]
name = "bucket"
match = { path = "/bucket/**" }
key = "user"
limit = "10/second burst 20"
algorithm = "token_bucket"

[[rules]]
name = "queue"
match = { path = "/queue/**" }
key = "user"
limit = "10/second burst 100"
algorithm = "leaky_bucket"

[[rules]]
name = "window"
match = { path = "/window/**" }
key = "user"
limit = "100/minute"
algorithm = "fixed_window"

[[rules]]
name = "sliding"
match = { path = "/sliding/**" }
key = "user"
limit = "100/minute"
algorithm = "sliding_window_log"
"#;

#[test]
fn the_examples_of_others_can_be_said_here() {
    let loaded = toml(EXAMPLES).unwrap();

    let limits: Vec<_> =
        loaded.rules().iter().map(|rule| (rule.name(), rule.limits().to_string())).collect();
    let expected = [
        ("protect_app", "fixed_window: 100/second"),
        ("default", "100/minute"),
        ("api_tier_1", "1000/hour burst 100"),
        ("strict_login", "token_bucket: 5/5m burst 100"),
        ("api_default", "token_bucket: 1000/hour"),
        ("auth_strict", "sliding_window_log: 5/minute"),
        ("bucket", "token_bucket: 10/second burst 20"),
        ("queue", "leaky_bucket: 10/second burst 100"),
        ("window", "fixed_window: 100/minute"),
        ("sliding", "sliding_window_log: 100/minute"),
    ];
    assert_eq!(limits, expected.map(|(name, limit)| (name, limit.to_owned())));
    assert_eq!(loaded.config.on_store_error, OnStoreError::Open);
}
