//! A report as text for people.

use std::fmt::Write;

use super::{
    picture::Picture,
    report::{KeyReport, Report, RuleReport},
};

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
pub(super) fn one(report: &Report, picture: &Picture, style: Style) -> String {
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
    if report.unlimited > 0 {
        let _ = writeln!(text, "{} that no rule applies to", report.unlimited);
    }
    for rule in &report.rules {
        rule_text(&mut text, rule);
    }
    for left_out in &report.not_simulated {
        let _ =
            writeln!(text, "\nrule `{}` is not simulated in full: {}", left_out.rule, left_out.why);
    }
    if report.requests > 0 {
        over_time(&mut text, report, picture, style);
    }
    text
}

/// Two reports side by side.
pub(super) fn compared(one: &Report, other: &Report) -> String {
    let mut rows = vec![[
        String::new(),
        one.configuration.clone(),
        other.configuration.clone(),
        "difference".to_owned(),
    ]];
    let mut row = |name: &str, a: Option<u64>, b: Option<u64>| {
        let shown = |value: Option<u64>| value.map_or("-".to_owned(), |it| it.to_string());
        let difference = match (a, b) {
            (Some(a), Some(b)) => format!("{:+}", i128::from(b) - i128::from(a)),
            _ => String::new(),
        };
        rows.push([name.to_owned(), shown(a), shown(b), difference]);
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
    table(&rows)
}

fn rule_text(text: &mut String, rule: &RuleReport) {
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
        let _ = writeln!(text, "  first at {} (line {}), of {}", first.time, first.line, first.key);
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
    let mut rows =
        vec![["key", "requests", "refused", "share", "first"].map(str::to_owned).to_vec()];
    rows.extend(keys.iter().map(|key| {
        vec![
            key.key.clone(),
            key.requests.to_string(),
            key.refused.to_string(),
            share(key.refused, key.requests),
            key.first_refusal.clone().unwrap_or_default(),
        ]
    }));
    for line in table(&rows).lines() {
        let _ = writeln!(text, "    {line}");
    }
}

fn over_time(text: &mut String, report: &Report, picture: &Picture, style: Style) {
    let rows = picture.rows(WIDTH, HEIGHT, style.is_unicode);
    let signs = if style.is_unicode { ("█", "░") } else { ("#", "x") };
    let _ = writeln!(text, "\nover time: {} admitted, {} refused", signs.0, signs.1);
    for row in rows {
        let row = if style.colours { red(&row, signs.1) } else { row };
        let _ = writeln!(text, "  {row}");
    }
    if let (Some(first), Some(last)) =
        (report.over_time.stretches.first(), report.over_time.stretches.last())
    {
        let _ = writeln!(text, "  from {} to {}", first.time, last.time);
    }
}

/// The row with `sign` in red.
fn red(row: &str, sign: &str) -> String {
    row.replace(sign, &format!("\u{1b}[31m{sign}\u{1b}[0m"))
}

/// Columns as wide as they need to be; the first to the left, all others to the right.
fn table<R: AsRef<[String]>>(rows: &[R]) -> String {
    let count = rows.first().map_or(0, |row| row.as_ref().len());
    let width = |column: usize| {
        rows.iter().map(|row| row.as_ref()[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.as_ref().iter().zip(&widths).enumerate() {
            if column == 0 {
                let _ = write!(line, "{cell:<width$}");
            } else {
                let _ = write!(line, "  {cell:>width$}");
            }
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit behind the point")]
fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "0 %".to_owned(),
        _ => format!("{:.1} %", part as f64 * 100.0 / whole as f64),
    }
}
