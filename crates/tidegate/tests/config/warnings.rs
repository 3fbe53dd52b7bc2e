//! What is allowed and probably not meant.

use super::toml;

/// Rules as lines `NAME KEY LIMIT MORE`.
fn warnings(rules: &[(&str, &str, &str, &str)]) -> Vec<String> {
    let one = |(name, key, limit, more): &(&str, &str, &str, &str)| {
        format!("[[rules]]\nname='{name}'\nkey={key}\nlimit='{limit}'\n{more}\n")
    };
    let loaded = toml(&rules.iter().map(one).collect::<Vec<_>>().concat()).unwrap();
    loaded.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_limit_that_is_never_reached_is_told() {
    let never = [
        [("a", "'ip'", "10/minute", ""), ("b", "'ip'", "20/minute", "")],
        [("a", "'global'", "10/minute", ""), ("b", "'ip'", "20/minute", "")],
        [("a", "'ip'", "10/minute", ""), ("b", "['ip','path']", "10/minute", "match.path='/x'")],
        [
            ("a", "'ip'", "sliding_window_log: 5/hour", ""),
            ("b", "'ip'", "sliding_window_log: 5/minute", "cost=1"),
        ],
    ];
    for rules in never {
        let told = warnings(&rules);
        assert_eq!(told.len(), 1, "{rules:?}: {told:?}");
        assert!(told[0].starts_with("t.toml:9:7: rules[1].limit: "), "{told:?}");
        assert!(told[0].contains("is never reached") && told[0].contains("`a`"), "{told:?}");
    }
}

#[test]
fn a_limit_that_its_own_rule_outdoes_is_told() {
    let told = warnings(&[("a", "'ip'", "10/minute; 20/minute", "")]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("20/minute is never reached, because 10/minute of the same rule"));
}

#[test]
fn limits_that_can_be_reached_are_not_complained_of() {
    let fine = [
        [("a", "'ip'", "10/minute", ""), ("b", "'global'", "20/minute", "")],
        [("a", "'ip'", "10/minute", "mode='shadow'"), ("b", "'ip'", "20/minute", "")],
        [("a", "'ip'", "10/minute", "match.path='/x'"), ("b", "'ip'", "20/minute", "")],
        [("a", "'ip'", "10/minute", "apply='by_name'"), ("b", "'ip'", "20/minute", "")],
        [("a", "'ip'", "10/minute", "exempt='192.0.2.1'"), ("b", "'ip'", "20/minute", "")],
        [("a", "'ip'", "10/minute", "charge_on='401'"), ("b", "'ip'", "20/minute", "")],
        [("a", "'ip'", "10/minute", ""), ("b", "'ip'", "5/second", "cost=3")],
        [("a", "'ip'", "10/minute", ""), ("b", "'ip'", "fixed_window: 100/minute", "")],
        [("a", "'ip'", "10/second", ""), ("b", "'ip'", "100/minute", "")],
        [("a", "'ip'", "fixed_window: 5/90s", ""), ("b", "'ip'", "fixed_window: 5/60s", "")],
    ];
    for rules in fine {
        assert_eq!(warnings(&rules), Vec::<String>::new(), "{rules:?}");
    }
}
