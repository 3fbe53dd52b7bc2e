//! A report as text for people.

use std::{fmt::Write, time::Duration};

use super::{
    picture::Picture,
    report::{self, KeyReport, Report, RuleReport},
};
use crate::{shown, table::Table};

/// Columns of a terminal that is not asked.
const WIDTH: usize = 72;
const HEIGHT: usize = 8;

/// What the terminal can show.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) is_unicode: bool,
    pub(super) colours: bool,
}

/// One report, with its picture.
pub(super) fn one(report: &Report, picture: &Picture, logs: &[String], style: Style) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} requests, {} would be refused ({})",
        report.requests,
        report.refused,
        share(report.refused, report.requests)
    );
    if report.denied_by_list > 0 {
        let _ = writeln!(text, "{} of these by the list `deny`", report.denied_by_list);
    }
    if report.allowed_by_list > 0 {
        let _ = writeln!(text, "{} let in by the list `allow`", report.allowed_by_list);
    }
    if report.unlimited > 0 {
        let _ = writeln!(text, "{} that no rule applies to", report.unlimited);
    }
    for rule in &report.rules {
        rule_text(&mut text, rule, logs);
    }
    for left_out in &report.not_simulated {
        let what = if left_out.in_part { "not simulated in full" } else { "not simulated" };
        let _ = writeln!(text, "\nrule `{}` is {what}: {}", left_out.rule, left_out.why);
    }
    if report.requests > 0 {
        over_time(&mut text, picture, style);
    }
    text
}

/// Two reports side by side.
pub(super) fn compared(one: &Report, other: &Report) -> String {
    let (a, b) = (&one.configuration, &other.configuration);
    let mut table = Table::new(&["", &format!(">{a}"), &format!(">{b}"), ">difference"]);
    let mut row = |name: &str, a: Option<u64>, b: Option<u64>| {
        let shown = |value: Option<u64>| value.map_or("-".to_owned(), |it| it.to_string());
        let difference = match (a, b) {
            (Some(a), Some(b)) => format!("{:+}", i128::from(b) - i128::from(a)),
            _ => String::new(),
        };
        table.row([name.to_owned(), shown(a), shown(b), difference]);
    };
    row("requests", Some(one.requests), Some(other.requests));
    row("refused", Some(one.refused), Some(other.refused));
    let mut names: Vec<&str> = one.rules.iter().map(|rule| &*rule.rule).collect();
    names.extend(
        other.rules.iter().map(|it| &*it.rule).filter(|it| !names.contains(it)).collect::<Vec<_>>(),
    );
    for name in names {
        let of = |report: &Report, what: fn(&RuleReport) -> u64| {
            report.rules.iter().find(|rule| rule.rule == name).map(what)
        };
        for (label, what) in [
            ("refused", (|rule| rule.refused) as fn(&RuleReport) -> u64),
            ("keys refused", |rule| rule.keys_refused),
            ("collateral keys", |rule| rule.collateral.keys),
        ] {
            row(&format!("{name}: {label}"), of(one, what), of(other, what));
        }
    }
    table.text()
}

/// Where a line stands: its number, with the log if there are several.
pub(super) fn line(logs: &[String], log: &str, line: u64) -> String {
    if logs.len() == 1 { format!("line {line}") } else { format!("{log}:{line}") }
}

fn rule_text(text: &mut String, rule: &RuleReport, logs: &[String]) {
    let shadow = if rule.shadow { " (in the shadow)" } else { "" };
    let _ = writeln!(
        text,
        "\nrule `{}`{shadow}: {} requests of {} keys; {} of {} keys would be refused ({})",
        rule.rule,
        rule.requests,
        rule.keys,
        rule.refused,
        rule.keys_refused,
        share(rule.refused, rule.requests)
    );
    if let Some(first) = &rule.first_refusal {
        let line = line(logs, &first.log, first.line);
        let _ = writeln!(text, "  first at {} ({line}), of {}", first.time, first.key);
    }
    if !rule.worst.is_empty() {
        let _ = writeln!(text, "\n  worst offenders");
        keys(text, &rule.worst);
    }
    if rule.collateral.keys > 0 {
        let _ = writeln!(
            text,
            "\n  collateral: {} keys with few refusals ({} in all), probably honest users",
            rule.collateral.keys, rule.collateral.refused
        );
        keys(text, &rule.collateral.most);
    }
}

fn keys(text: &mut String, keys: &[KeyReport]) {
    if keys.is_empty() {
        return;
    }
    let mut table = Table::new(&["key", ">requests", ">refused", ">share", ">first"]);
    for key in keys {
        table.row([
            key.key.clone(),
            key.requests.to_string(),
            key.refused.to_string(),
            share(key.refused, key.requests),
            key.first_refusal.as_ref().map_or("", |first| &first.time).to_owned(),
        ]);
    }
    for line in table.text().lines() {
        let _ = writeln!(text, "    {line}");
    }
}

fn over_time(text: &mut String, picture: &Picture, style: Style) {
    let bars = picture.bars(WIDTH, HEIGHT, style.is_unicode);
    let signs = if style.is_unicode { ("█", "░") } else { ("#", "x") };
    let _ = writeln!(text, "\nover time: {} admitted, {} refused", signs.0, signs.1);
    for row in bars.rows {
        let row = if style.colours { red(&row, signs.1) } else { row };
        let _ = writeln!(text, "  {row}");
    }
    let _ = writeln!(
        text,
        "  from {} to {}; a column is {}, the highest has {}",
        report::time(bars.start),
        report::time(bars.end),
        shown::time(Duration::from_secs(bars.seconds)),
        bars.highest
    );
}

/// The row with `sign` in red.
fn red(row: &str, sign: &str) -> String {
    row.replace(sign, &format!("\u{1b}[31m{sign}\u{1b}[0m"))
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit behind the point")]
fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "0 %".to_owned(),
        _ => format!("{:.1} %", part as f64 * 100.0 / whole as f64),
    }
}
