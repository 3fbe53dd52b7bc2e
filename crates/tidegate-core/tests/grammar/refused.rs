//! What is said about strings that mean nothing.

use std::error::Error;

use tidegate_core::{
    LimitError,
    grammar::{Limits, Problem, Vocabulary},
};

const COUNT: &str = "expected a count such as 100, or an algorithm and `:`";
const PER: &str = "expected `/`, `per` or `concurrent` after the count";
const NEXT: &str = "expected a separator (; , |) or the end";
const PERIOD: &str = "expected a period such as minute, 5m or calendar-day";
const END: &str = "expected burst, strict, queue, force, a separator (; , |) or the end";
const ALGORITHMS: &str = "expected one of gcra, token_bucket, leaky_bucket, fixed_window, \
                          sliding_window_log, sliding_window_counter";

/// Strings that mean nothing: the column, and parts of what is said.
const REFUSED: &[(&str, usize, &[&str])] = &[
    ("", 1, &["found the end", COUNT]),
    ("   ", 4, &["found the end", COUNT]),
    (";1/s", 1, &["found \";\"", COUNT]),
    ("minute", 1, &["found \"minute\"", COUNT]),
    ("None", 1, &["found \"None\"", COUNT]),
    ("１/s", 1, &["found \"１\"", COUNT]),
    ("+1/s", 1, &["found \"+\"", COUNT]),
    (":1/s", 1, &["found \":\"", COUNT]),
    ("-1/minute", 1, &["\"-1\" is negative, expected 0 or more"]),
    ("gcra: -2.5/minute", 7, &["\"-2.5\" is negative"]),
    (".5/s", 1, &["found \".\", expected a digit before the point", "did you mean \"0.5\"?"]),
    ("5./s", 3, &["found \"/\", expected a digit after the point"]),
    ("1.2.3/s", 4, &["found \".\", expected a digit"]),
    ("1__0/s", 2, &["found \"_\", expected a digit, or `_` between two digits"]),
    ("10_/s", 3, &["found \"_\""]),
    ("_10/s", 1, &["found \"_\"", COUNT]),
    ("1._5/s", 3, &["found \"_\""]),
    ("4294967296/s", 1, &["\"4294967296\" is more than 4294967295"]),
    ("5000m/day", 1, &["\"5000m\" is more than 4294967295"]),
    ("0.1234567890123456789/s", 1, &["has more than 18 decimal places"]),
    ("0.12345678901/s", 1, &["\"0.12345678901\" is too fine"]),
    ("0.000000000000000001/1000s", 1, &["is too fine"]),
    ("10", 3, &["found the end", PER]),
    ("10 minute", 4, &["found \"minute\"", PER]),
    ("10kb/s", 3, &["found \"kb\"", PER]),
    ("10 k/s", 4, &["found \"k\"", PER]),
    ("1e3/s", 2, &["found \"e\"", PER]),
    ("1,000/hour", 2, &["found \",\"", PER, "did you mean \"1_000\"?"]),
    ("10:1/s", 3, &["found \":\"", PER]),
    ("100/", 5, &["found the end", PERIOD]),
    ("100 per ", 9, &["found the end", PERIOD]),
    ("100//s", 5, &["found \"/\"", PERIOD]),
    ("100/-5m", 5, &["\"-5\" is negative"]),
    ("100/minit", 5, &["unknown unit \"minit\"; did you mean \"minute\"?"]),
    ("10perminit", 6, &["unknown unit \"minit\""]),
    ("1 per millienium", 7, &["unknown unit \"millienium\", expected one of second, minute"]),
    ("10/5 per", 6, &["unknown unit \"per\""]),
    ("10 per per s", 8, &["unknown unit \"per\""]),
    ("10/5µs", 5, &["unknown unit \"µs\""]),
    ("10/mins", 4, &["unknown unit \"mins\"; did you mean \"min\"?"]),
    ("10/hrs", 4, &["unknown unit \"hrs\"; did you mean \"hr\"?"]),
    ("1h/s", 2, &["found \"h\"", PER]),
    ("10/0 minutes", 4, &["the period is zero"]),
    ("10/0", 4, &["the period is zero"]),
    ("10/0h0m", 4, &["the period is zero"]),
    ("10/0.5ns", 4, &["\"0.5ns\" is not a whole number of nanoseconds"]),
    ("1/1h0.0000000001s", 3, &["\"1h0.0000000001s\" is not a whole number of nanoseconds"]),
    ("0/600 years", 3, &["\"600 years\" is longer than 18446744073 s (584 years)"]),
    ("0/99999999999999999999", 3, &["is longer than 18446744073 s"]),
    ("1/200 years", 3, &["an empty key would take"]),
    ("10/1h30", 8, &["found the end, expected a unit such as s, m or h after the number"]),
    ("10/30m1h", 8, &["\"h\" is not shorter than the unit before it"]),
    ("10/5 10m", 6, &["found \"10\"", END]),
    ("10/h30m", 5, &["found \"30\"", END]),
    ("10/minute 5", 11, &["found \"5\"", END]),
    ("10/300/5", 7, &["found \"/\"", END]),
    ("10/day@Europe/Paris", 7, &["found \"@\"", END]),
    ("10/s 20/m", 6, &["found \"20\"", END]),
    ("1/s:;2/s", 4, &["found \":\"", END]),
    ("1/s;", 5, &["found the end, expected another limit after the separator"]),
    ("1/s , ", 7, &["found the end, expected another limit"]),
    ("1/s;;2/s", 5, &["found \";\", expected another limit"]),
    ("1/s; minute", 6, &["found \"minute\", expected another limit"]),
    ("1/min;2/s; 1 per 60", 12, &["the same limit stands at column 1"]),
    ("gcra 10/s", 6, &["found \"10\", expected `:` after the algorithm"]),
    ("gcra:", 6, &["found the end, expected a count such as 100"]),
    ("1/s; gcra: x/s", 12, &["found \"x\", expected a count such as 100"]),
    ("gcra: gcra: 1/s", 7, &["found \"gcra\", expected a count such as 100"]),
    ("gcar: 1/s", 1, &["unknown algorithm \"gcar\"", ALGORITHMS, "did you mean \"gcra\"?"]),
    ("1/s; lru: 2/s", 6, &["unknown algorithm \"lru\"", ALGORITHMS]),
    ("1/calendar", 11, &["found the end, expected `-` and a unit, as in calendar-day"]),
    ("1/calendar day", 11, &["found \" \", expected `-` and a unit"]),
    ("1/calendar-", 12, &["found the end, expected a unit, as in calendar-day"]),
    ("1/calendar-days", 12, &["unknown calendar unit \"days\"; did you mean \"day\"?"]),
    (
        "1/calendar-decade",
        12,
        &["\"decade\", expected one of minute, hour, day, week, month, year"],
    ),
    ("1/5 calendar-day", 3, &["\"5\" has no place here: a calendar period takes no multiple"]),
    ("0.5/calendar-day", 1, &["\"0.5\" is not a whole number, as it must be with a calendar"]),
    ("1/calendar-day@", 16, &["found the end, expected a time zone such as Europe/Paris"]),
    ("1/calendar-day@;2/s", 16, &["found \";\", expected a time zone"]),
    ("1/calendar-day@Zürich", 16, &["\"Zürich\" is not a time zone's name"]),
    ("gcra: 1/calendar-day", 9, &["gcra cannot count by the calendar"]),
    ("1/s brust 5", 5, &["unknown option \"brust\"; did you mean \"burst\"?"]),
    ("1/s please", 5, &["unknown option \"please\", expected one of burst, strict, queue, force"]),
    ("1/s burst", 10, &["found the end, expected a burst such as 20"]),
    ("1/s burst=5", 10, &["found \"=\", expected a burst such as 20"]),
    ("1/s burst 0", 5, &["the burst is zero"]),
    ("1/s burst -1", 11, &["\"-1\" is negative"]),
    ("1/s burst 2.5", 11, &["\"2.5\" is not a whole number, as a burst must be"]),
    ("1/s burst 5g", 12, &["unknown option \"g\""]),
    ("1/s burst 9999999999", 11, &["\"9999999999\" is more than 4294967295"]),
    ("1/s strict burst 5 strict", 20, &["\"strict\" is given twice"]),
    ("1/s strict burst 5", 12, &["a strict limit of 1 cannot let 5 pass at once"]),
    ("1/s queue", 10, &["found the end, expected a time to wait, such as 5s"]),
    ("1/s queue minute", 11, &["found \"minute\", expected a time to wait"]),
    ("1/s queue 5s", 5, &["gcra makes nobody wait"]),
    ("leaky_bucket: 1/s strict queue 5s", 19, &["a leaky bucket with a queue"]),
    ("fixed_window: 5/s strict", 19, &["fixed_window cannot be strict"]),
    ("fixed_window: 5/s force burst 7", 25, &["fixed_window has no burst"]),
    ("moving_window: 20_000/h", 16, &["a sliding window log keeps 20000 times"]),
    ("10/ns", 1, &["10 units in 1 ns is more than one per nanosecond"]),
    ("20 concurent", 4, &["found \"concurent\"", PER, "did you mean \"concurrent\"?"]),
    ("20 parallel", 4, &["found \"parallel\"", PER]),
    ("concurrent", 1, &["found \"concurrent\"", COUNT]),
    ("-1 concurrent", 1, &["\"-1\" is negative"]),
    ("4294967296 concurrent", 1, &["\"4294967296\" is more than 4294967295"]),
    ("2.5 concurrent", 1, &["\"2.5\" is not a whole number, as requests in flight must be"]),
    ("20 concurrent requests", 15, &["found \"requests\"", NEXT]),
    ("20 concurrent burst 5", 15, &["found \"burst\"", NEXT]),
    ("20 concurrent/minute", 14, &["found \"/\"", NEXT]),
    ("20 concurrent;", 15, &["found the end, expected another limit"]),
    ("5/s; gcra: 20 concurrent", 6, &["without an algorithm; leave it out, as in 20 concurrent"]),
    ("é1 concurrent", 1, &["found \"é\"", COUNT]),
    (
        "20 concurrent; 5/s; 20 concurrent",
        21,
        &["a second limit of requests in flight; the first stands at column 1"],
    ),
    ("é\u{1b}[31m/s", 1, &["found \"é\""]),
    ("10/s\u{1b}[31m", 5, &[r#"invalid limit "10/s\u{1b}[31m", column 5: found "\u{1b}""#]),
];

#[test]
fn refused_strings_say_where_and_why() {
    for (text, column, fragments) in REFUSED {
        let error = text.parse::<Limits>().expect_err(text);
        let line = error.to_string();
        assert_eq!(error.column(), *column, "{line}");
        assert!(line.starts_with("invalid limit \""), "{line}");
        assert!(line.contains(&format!("\", column {column}: ")), "{line}");
        for fragment in *fragments {
            assert!(line.contains(fragment), "{line}\nlacks: {fragment}");
        }
    }
}

#[test]
fn texts_and_lists_that_are_too_long_are_refused() {
    let sixteen = (1..=16).map(|n| format!("{n}/s")).collect::<Vec<_>>().join(";");
    assert_eq!(sixteen.parse::<Limits>().unwrap().len(), 16);

    let error = format!("{sixteen}; 17/s").parse::<Limits>().unwrap_err();
    assert_eq!((error.column(), error.problem()), (sixteen.len() + 3, &Problem::TooManyLimits));
    assert!(format!("{sixteen}; 9 concurrent").parse::<Limits>().is_err());
    assert!(sixteen.replacen("1/s", "9 concurrent", 1).parse::<Limits>().is_ok());

    let padded = |spaces: usize| format!("1/s{}", "\u{3000}".repeat(spaces)).parse::<Limits>();
    assert!(padded(997).is_ok());
    let error = padded(998).unwrap_err();
    assert_eq!((error.column(), error.problem()), (1001, &Problem::TooLong));
    assert!(error.to_string().ends_with("the text is longer than 1000 characters"));
}

#[test]
fn a_long_text_is_shown_around_its_error() {
    let text = format!("{}gcra: 10/minit; {}", " ".repeat(200), "2/s; ".repeat(40));

    let line = text.parse::<Limits>().unwrap_err().to_string();

    let start = r#"invalid limit "…"#;
    assert!(line.starts_with(start) && line.contains("gcra: 10/minit"), "{line}");
    assert!(line.contains(r#"…", column 210: unknown unit"#), "{line}");
    assert!(line.chars().count() < 200, "{line}");
}

#[test]
fn an_error_is_data_too() {
    let error = "100/minit".parse::<Limits>().unwrap_err();
    assert_eq!((error.text(), error.suggestion()), ("100/minit", Some("minute")));
    let unknown = Problem::Unknown { vocabulary: Vocabulary::Unit, word: "minit".into() };
    assert_eq!(error.problem(), &unknown);
    assert!(error.source().is_none());

    let error = "1/s burst 0".parse::<Limits>().unwrap_err();
    let source = error.source().and_then(|source| source.downcast_ref::<LimitError>());
    assert_eq!(source, Some(&LimitError::ZeroBurst));
}
