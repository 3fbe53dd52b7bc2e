//! Which logs it reads, in which order, and what it says of those that it cannot.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use super::{Folder, json, simulate, text};

const RULE: [&str; 2] = ["--rule", "api:ip=fixed_window: 5/minute"];

/// Requests of one client, at so many seconds of a day.
fn lines(seconds: impl IntoIterator<Item = u32>) -> String {
    let line = |second: u32| {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!(
            "203.0.113.7 - - [01/Jan/2025:{hour:02}:{minute:02}:{second:02} +0000] \"GET / H\" 200 1\n"
        )
    };
    seconds.into_iter().map(line).collect()
}

fn packed(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// The one report of what is replayed by [`RULE`].
fn report(logs: &[&str]) -> (Value, Value) {
    let output = simulate(&[logs, &RULE, &["--json"]].concat(), b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut answer = json(&output);
    let report = answer["reports"][0].take();
    (answer, report)
}

#[test]
fn several_logs_plain_and_compressed_count_as_one() {
    let folder = Folder::new("inputs");
    // Of two parts, as those who rotate logs may append them.
    let old = [packed(&lines(0..3)), packed(&lines(3..9))].concat();
    let (old, new) = (folder.write("old.gz", old), folder.write("new", lines(60..69)));

    let (_, report) = report(&[&old, &new]);
    assert_eq!((&report["requests"], &report["refused"]), (&18.into(), &8.into()));
}

#[test]
fn logs_are_read_in_the_order_in_which_they_begin() {
    let folder = Folder::new("order");
    let names = ["access.log", "access.log.1", "access.log.2.gz"];
    let newest = folder.write(names[0], lines(120..126));
    let middle = folder.write(names[1], lines(60..67));
    let oldest = folder.write(names[2], packed(&lines(0..8)));

    let (answer, sorted) = report(&[&newest, &middle, &oldest]);
    assert_eq!(sorted["refused"], 3 + 2 + 1);
    assert_eq!(answer["out_of_order"], 0);
    assert_eq!(answer["logs"], Value::from(vec![oldest.clone(), middle.clone(), newest.clone()]));
    let (_, given) = report(&[&oldest, &middle, &newest]);
    assert_eq!(given, sorted);

    let output = simulate(&[&newest, &middle, RULE[0], RULE[1]], b"");
    let shown = text(&output.stdout);
    let begin = format!("logs in the order in which they begin: {middle}, {newest}");
    assert!(shown.contains(&begin), "{shown}");
    let first = format!("first at 2025-01-01T00:01:05Z ({middle}:6)");
    assert!(shown.contains(&first), "{shown}");
}

#[test]
fn logs_of_several_servers_are_woven_into_each_other() {
    let folder = Folder::new("woven");
    let one = folder.write("one", lines((0..600).filter(|second| second % 3 == 0)));
    let two = folder.write("two", lines((0..600).filter(|second| second % 3 == 1)));
    let three = folder.write("three", lines((200..600).filter(|second| second % 3 == 2)));
    let all = lines((0..600).filter(|second| second % 3 < 2 || *second >= 200));
    let all = folder.write("all", all);

    let (_, mut whole) = report(&[&all]);
    for order in [[&three, &one, &two], [&one, &two, &three]] {
        let (answer, mut woven) = report(&order.map(String::as_str));
        assert_eq!(answer["out_of_order"], 0);
        assert_eq!(answer["lines"], 534);
        for report in [&mut woven, &mut whole] {
            // They stand elsewhere.
            report["rules"][0]["first_refusal"].take();
            report["rules"][0]["worst"][0]["first_refusal"].take();
        }
        assert_eq!(woven, whole);
    }
}

#[test]
fn a_late_line_counts_when_it_was_written() {
    // The last two began in the minute before.
    let log = lines([50, 51, 52, 53, 60, 61, 62, 55, 54]);
    let output = simulate(&["-", RULE[0], RULE[1]], log.as_bytes());
    let shown = text(&output.stdout);
    assert!(shown.starts_with("9 requests, 0 would be refused"), "{shown}");
    let told = "\nlines older than the one before: 2, by up to 8 s; each counts at the time of";
    assert!(shown.contains(told) && !shown.contains("sort the lines"), "{shown}");

    let backwards: Vec<_> = (0..3602).rev().collect();
    let output = simulate(&["-", RULE[0], RULE[1]], lines(backwards).as_bytes());
    let shown = text(&output.stdout);
    assert!(shown.ends_with("the counts mean little: sort the lines by time\n"), "{shown}");
}

#[test]
fn a_stream_is_not_opened_twice() {
    let log = lines(0..9);
    for input in [log.clone().into_bytes(), packed(&log)] {
        let output = simulate(&["/dev/stdin", RULE[0], RULE[1], "--json"], &input);
        assert_eq!(json(&output)["reports"][0]["requests"], 9, "{}", text(&output.stderr));
    }
}

#[test]
fn a_rotated_log_may_begin_in_the_middle_of_a_line() {
    let line = |second| format!("{{\"ts\":{second},\"ip\":\"::1\",\"uri\":\"/\"}}\n");
    let log = format!("\"::1\",\"uri\":\"/\"}}\n{}{}", line(1), line(2));
    let output = simulate(&["-", RULE[0], RULE[1], "--json"], log.as_bytes());
    let answer = json(&output);
    assert_eq!((&answer["unreadable"], &answer["reports"][0]["requests"]), (&1.into(), &2.into()));

    let forced = ["-", RULE[0], RULE[1], "--json", "--format", "combined"];
    assert_eq!(json(&simulate(&forced, log.as_bytes()))["unreadable"], 3);
}

#[test]
fn lines_that_cannot_be_read_are_told_and_may_be_fatal() {
    let broken = lines(0..9) + "\nnonsense\n";

    let output = simulate(&["-", RULE[0], RULE[1]], broken.as_bytes());
    let shown = text(&output.stdout);
    let told = "1 of 11 lines cannot be read:\n  line 11: there is no date";
    assert!(shown.contains(told), "{shown}");
    assert_eq!(output.status.code(), Some(0));
    let strict = simulate(&["-", RULE[0], RULE[1], "--strict"], broken.as_bytes());
    assert_eq!(strict.status.code(), Some(1));

    let folder = Folder::new("broken");
    let (good, bad) = (folder.write("good", lines(0..9)), folder.write("bad", broken));
    let output = simulate(&[&good, &bad, RULE[0], RULE[1]], b"");
    let shown = text(&output.stdout);
    assert!(shown.contains(&format!("\n  {bad}:11: there is no date")), "{shown}");
}

#[test]
fn logs_are_read_again_when_there_was_no_room_for_all_keys() {
    let folder = Folder::new("room");
    let line = |key: u32| {
        let address = format!("192.0.{}.{}", key / 250, key % 250);
        format!("{address} - - [01/Jan/2025:00:00:00 +0000] \"GET / H\" 200 1\n")
    };
    // Every client seven times.
    let log: String = (0..7).flat_map(|_| (0..5000).map(line)).collect();
    let file = folder.write("log", &log);
    let few = [RULE[0], RULE[1], "--keys", "64", "--json"];

    let answer = json(&simulate(&[&[&*file], &few[..]].concat(), b""));
    assert_eq!(answer["reports"][0]["forgotten_keys"], 0);
    assert_eq!(answer["reports"][0]["refused"], 10_000);

    // A stream is gone, and what was forgotten is told.
    let answer = json(&simulate(&[&["-"], &few[..]].concat(), log.as_bytes()));
    assert!(answer["reports"][0]["forgotten_keys"].as_u64().unwrap() > 0);
    let output = simulate(&["-", RULE[0], RULE[1], "--keys", "64"], log.as_bytes());
    let told = "so these counts are not exact: give more than --keys 64";
    assert!(text(&output.stdout).contains(told), "{}", text(&output.stdout));
}
