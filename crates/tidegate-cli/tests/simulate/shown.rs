//! What it shows, what it takes, and what it says of what it cannot do.

use std::process::Command;

use super::{Folder, json, simulate, text};

/// Nine requests of one client in nine seconds, and one of another.
fn log() -> String {
    let line = |address: &str, second: u32, path: &str| {
        format!(
            "{address} - - [01/Jan/2025:00:00:{second:02} +0000] \"GET {path} HTTP/1.1\" 200 1\n"
        )
    };
    let mut log: Vec<_> = (0..9).map(|second| line("203.0.113.7", second, "/a")).collect();
    log.push(line("203.0.113.8", 9, "/b"));
    log.concat()
}

const RULE: [&str; 2] = ["--rule", "api:ip=fixed_window: 5/minute"];

#[test]
fn a_report_for_people() {
    let output = simulate(&["-", RULE[0], RULE[1]], log().as_bytes());

    let expected = "\
10 requests, 4 would be refused (40.0 %)

rule `api`: 10 requests of 2 keys; 4 of 1 keys would be refused (40.0 %)
  first at 2025-01-01T00:00:05Z (line 6), of 203.0.113.7

  worst offenders
    key          requests  refused   share                 first
    203.0.113.7         9        4  44.4 %  2025-01-01T00:00:05Z

over time: █ admitted, ░ refused
  █████░░░░█
  █████░░░░█
  █████░░░░█
  █████░░░░█
  █████░░░░█
  █████░░░░█
  █████░░░░█
  █████░░░░█
  from 2025-01-01T00:00:00Z to 2025-01-01T00:00:10Z; a column is 1s, the highest has 1
";
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn lists_of_keys_are_honoured() {
    let folder = Folder::new("keys");
    folder.write("free", "203.0.113.7 # a partner\n");
    let rule = |name, more| {
        format!("[[rules]]\nname='{name}'\nkey='ip'\nlimit='fixed_window: 5/minute'\n{more}\n")
    };
    let config = [
        rule("free", "exempt={ file='free' }"),
        rule("deny", "deny='203.0.113.8'\nmatch.path='/b'"),
        rule("shadow", "deny='203.0.113.8'\nmode='shadow'\nmatch.path='/b'"),
        rule("dark", "deny='203.0.113.7'\nmode='shadow'"),
    ];
    let config = folder.write("t.toml", config.concat());

    let output = simulate(&["-", "--config", &config, "--json"], log().as_bytes());

    let report = &json(&output)["reports"][0];
    assert_eq!((&report["refused"], &report["denied_by_list"]), (&1.into(), &0.into()));
    let of = |name: &str| {
        let rules = report["rules"].as_array().unwrap();
        let rule = rules.iter().find(|rule| rule["rule"] == name).unwrap();
        (rule["requests"].as_u64().unwrap(), rule["refused"].as_u64().unwrap())
    };
    assert_eq!((of("free"), of("deny")), ((1, 0), (1, 1)));
    // Who is refused is not asked about by rules in the shadow.
    assert_eq!((of("shadow"), of("dark")), ((0, 0), (9, 9)));
}

#[test]
fn two_configurations_stand_side_by_side() {
    let folder = Folder::new("compare");
    let rule =
        |limit: &str| format!("[[rules]]\nname='api'\nkey='ip'\nlimit='fixed_window: {limit}'\n");
    let (one, two) =
        (folder.write("one.toml", rule("5/minute")), folder.write("two.toml", rule("7/minute")));

    let output = simulate(&["-", "--config", &one, "--compare", &two], log().as_bytes());

    let shown = text(&output.stdout);
    assert!(shown.contains("one.toml") && shown.contains("two.toml"), "{shown}");
    let table: Vec<Vec<&str>> =
        shown.lines().rev().take(5).map(|line| line.split_whitespace().collect()).collect();
    assert!(table.contains(&vec!["refused", "4", "2", "-2"]), "{shown}");
    assert!(table.contains(&vec!["api:", "refused", "4", "2", "-2"]), "{shown}");

    let output = simulate(&["-", RULE[0], RULE[1], "--compare", &two, "--json"], log().as_bytes());
    let reports = json(&output)["reports"].as_array().unwrap().clone();
    let refused: Vec<_> = reports.iter().map(|it| it["refused"].as_u64().unwrap()).collect();
    assert_eq!(refused, [4, 2]);
}

#[test]
fn what_a_log_does_not_tell_is_not_guessed() {
    let folder = Folder::new("guess");
    let config = folder.write(
        "t.toml",
        "[[rules]]\nname='key'\nkey='header:x-api-key'\nlimit='1/s'\n\
         [[rules]]\nname='form'\nkey=['ip','form:user']\nlimit='1/s'\n\
         [[rules]]\nname='named'\napply='by_name'\nkey='ip'\nlimit='1/s'\n\
         [[rules]]\nname='both'\nkey='ip'\nlimit=['1000/s','2 concurrent']\n",
    );
    let output = simulate(&["-", "--config", &config], log().as_bytes());

    let shown = text(&output.stdout);
    for part in [
        "rule `key` is not simulated: it counts by header:x-api-key",
        "rule `form` is not simulated: it counts by form:user",
        "rule `named` is not simulated: it applies where the application's code says",
        "rule `both` is not simulated in full: a log does not tell which requests were in flight",
        "rule `both`: 10 requests",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn what_no_line_of_a_log_tells_is_not_guessed_either() {
    let folder = Folder::new("untold");
    let config = folder.write(
        "t.toml",
        "[[rules]]\nname='user'\nkey='user'\nlimit='1/s'\n\
         [[rules]]\nname='agent'\nkey='header:user-agent'\nlimit='1/s'\n\
         [[rules]]\nname='query'\nkey='query:q'\nlimit='1/s'\n\
         [[rules]]\nname='host'\nkey='ip'\nmatch={hosts='h.example'}\nlimit='1/s'\n\
         [[rules]]\nname='method'\nkey='ip'\nmatch={methods=['GET']}\nlimit='1/s'\n\
         [[rules]]\nname='status'\nkey='ip'\ncharge_on=401\nlimit='1/s'\n",
    );
    let left_out = |log: &str| {
        let answer = json(&simulate(&["-", "--config", &config, "--json"], log.as_bytes()));
        let left_out = answer["reports"][0]["not_simulated"].as_array().unwrap().clone();
        let names = left_out.iter().map(|rule| rule["rule"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(left_out(&log()), "user agent query host");
    let json = r#"{"ts":1,"ip":"::1","uri":"/"}"#;
    assert_eq!(left_out(json), "user agent query host method status");
    let full = r#"{"ts":1,"ip":"::1","uri":"/?q=1","host":"h.example","method":"GET","status":200,"user":"u","agent":"a"}"#;
    assert_eq!(left_out(full), "");
    // One that lacks what the others have is broken.
    let answer =
        simulate(&["-", "--config", &config, "--json"], [full, json].join("\n").as_bytes());
    assert_eq!(super::json(&answer)["first_unreadable"][0]["why"], "there is no method");
}

#[test]
fn a_terminal_is_not_told_what_to_do_by_a_log() {
    let line = "{\"ts\":1,\"ip\":\"::1\",\"uri\":\"/\",\"user\":\"\\u001b[2J\\u202eevil\"}\n";
    let output = simulate(&["-", "--rule", "a:user=1/day"], line.repeat(2).as_bytes());
    let shown = text(&output.stdout);
    assert!(!shown.contains(|letter: char| letter.is_control() && letter != '\n'), "{shown:?}");
    assert!(shown.contains("of \\x1b[2J\\u{202e}evil\n"), "{shown:?}");
}

#[test]
fn a_terminal_without_unicode_gets_ascii() {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["simulate", "/dev/stdin", RULE[0], RULE[1]])
        .env("LC_ALL", "C")
        .stdin(Folder::new("ascii").opened("log", &log()))
        .output()
        .unwrap();
    let shown = text(&output.stdout);
    assert!(shown.is_ascii() && shown.contains("\n  #####xxxx#\n"), "{shown}");
}

#[test]
fn a_request_that_several_rules_refuse_counts_for_each() {
    let rules = ["--rule", "a:ip=fixed_window: 5/minute", "--rule", "b:global=fixed_window: 7/day"];
    let output = simulate(&[&["-", "--json"], &rules[..]].concat(), log().as_bytes());
    let report = &json(&output)["reports"][0];
    // The first five go through; four too many for `a`; the tenth for neither.
    assert_eq!((&report["refused"], &report["rules"][0]["refused"]), (&4.into(), &4.into()));
    assert_eq!(report["rules"][1]["refused"], 0);

    let rules = ["--rule", "a:ip=fixed_window: 5/minute", "--rule", "b:global=fixed_window: 5/day"];
    let output = simulate(&[&["-", "--json"], &rules[..]].concat(), log().as_bytes());
    let report = &json(&output)["reports"][0];
    assert_eq!((&report["refused"], &report["rules"][0]["refused"]), (&5.into(), &4.into()));
    assert_eq!(report["rules"][1]["refused"], 5);
}

#[test]
fn a_rule_may_count_by_several_things_at_once() {
    let rule = "a:ip+path=fixed_window: 4/minute";
    let output = simulate(&["-", "--rule", rule, "--json"], log().as_bytes());
    let rule = &json(&output)["reports"][0]["rules"][0];
    assert_eq!(rule["worst"][0]["key"], "203.0.113.7|/a");
    assert_eq!((&rule["keys"], &rule["refused"]), (&2.into(), &5.into()));
}

#[test]
fn a_json_log_may_have_what_a_plain_one_lacks() {
    let line = |second: u32, key: &str| {
        format!(
            "{{\"ts\":{},\"ip\":\"::1\",\"uri\":\"/\",\"h\":{{\"key\":\"{key}\"}}}}\n",
            1_750_000_000 + second
        )
    };
    let log = [line(0, "a"), line(1, "a"), line(1, "b"), line(2, "a")].concat();
    let rule = "keys:header:x-api-key=fixed_window: 2/day";

    let field = "header:x-api-key=h.key";
    let output = simulate(&["-", "--rule", rule, "--field", field, "--json"], log.as_bytes());

    let rule = &json(&output)["reports"][0]["rules"][0];
    assert_eq!((&rule["keys"], &rule["refused"]), (&2.into(), &1.into()));
    assert_eq!(rule["worst"][0]["key"], "a");
}

#[test]
fn honest_users_who_would_be_hit_are_told_apart() {
    let line = |minute: u32, second: u32| {
        format!("192.0.2.1 - - [01/Jan/2025:00:{minute:02}:{second:02} +0000] \"GET / H\" 200 1\n")
    };
    let seconds = |minute| 0..if minute == 7 { 6 } else { 5 };
    let lines = (0..30).flat_map(|minute| seconds(minute).map(move |second| line(minute, second)));
    let log: String = lines.collect();
    let output = simulate(&["-", RULE[0], RULE[1], "--json"], log.as_bytes());

    let collateral = &json(&output)["reports"][0]["rules"][0]["collateral"];
    assert_eq!((&collateral["keys"], &collateral["refused"]), (&1.into(), &1.into()));
    assert_eq!(collateral["most"][0]["key"], "192.0.2.1");
}

#[test]
fn what_makes_no_sense_ends_with_its_own_status() {
    let folder = Folder::new("wrong");
    let config = folder.write("t.toml", "[[rules]]\nname='a'\nkey='ip'\nlimit='1/x'\n");
    for (arguments, status, told) in [
        (&["-", "--rule", "api"][..], 2, "write NAME:KEY=LIMITS"),
        (&["-", "--rule", "a:ip=1/x"], 2, "unknown unit"),
        (&["-", "--rule", "a:ip=1/s", "--field", "x"], 2, "write NAME=PATH"),
        (&["-", "--config", &config], 3, "t.toml:4:7: rules[0].limit"),
        (&["/no/such/log", "--rule", "a:ip=1/s"], 3, "cannot read `/no/such/log`"),
        (&[], 2, "Usage"),
    ] {
        let output = simulate(arguments, b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
}
