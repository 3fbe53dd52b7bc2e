//! Draws how a store stands. Reads the state, and changes nothing.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Style, Stylize},
    text::{Line, Span},
    widgets::{Cell, Row},
};

use super::{Mode, State, StoreKey};
use crate::{
    monitor::{
        draw::{Look, percent_of, time},
        table::{self, right},
    },
    shown,
};

/// The whole screen.
pub(super) fn screen(frame: &mut Frame<'_>, state: &State, look: Look) {
    let [head, keys, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(4), Constraint::Length(1)])
            .areas(frame.area());
    self::head(frame, head, state, look);
    self::keys(frame, keys, state, look);
    self::foot(frame, foot, state, look);
}

fn head(frame: &mut Frame<'_>, area: Rect, state: &State, look: Look) {
    let sample = &state.sample;
    let mut spans = vec![Span::from(" tidegate ").reversed(), Span::from(" ")];
    spans.push(match (sample.up, sample.answer) {
        (Some(false), _) => Span::styled("DOWN", look.alarm()),
        (_, answer) => Span::from(format!("up, answers in {}", time(nanos(answer)))),
    });
    spans.push(Span::from(format!("  {}", sample.store)));
    if state.is_paused {
        spans.push(Span::from("  paused").bold());
    }
    frame.render_widget(Line::from(spans), area);
}

fn keys(frame: &mut Frame<'_>, area: Rect, state: &State, look: Look) {
    let keys = state.keys();
    let columns = [
        (Cell::from("key"), Constraint::Fill(2)),
        (Cell::from("rule"), Constraint::Fill(1)),
        (right("used", 10), Constraint::Length(10)),
        (right("left", 10), Constraint::Length(10)),
        (right("share", 8), Constraint::Length(8)),
        (right("refused for", 12), Constraint::Length(12)),
    ];
    let more = if state.sample.complete { "" } else { ", the first of them" };
    let filter = table::filter(matches!(state.mode, Mode::Filtering), &state.filter);
    let sort = if state.by_name { "name" } else { "what they have used" };
    let title = format!(" {} keys by {sort}{more}{filter} ", keys.len());
    let rows = keys.iter().map(|key| row(key, look)).collect();
    table::draw(frame, area, columns, rows, (title, state.chosen));
}

fn row(key: &StoreKey, look: Look) -> Row<'_> {
    let [used, left, share, wait] = match &key.standing {
        None => ["-", "-", "-", ""].map(str::to_owned),
        Some(it) => [
            it.used.to_string(),
            it.remaining.to_string(),
            percent_of(it.used.into(), it.limit.into()),
            match it.retry_after {
                Some(wait) => shown::time(Duration::try_from_secs_f64(wait).unwrap_or_default()),
                None if it.allowed => String::new(),
                None => "ever".to_owned(),
            },
        ],
    };
    let is_refused = key.standing.as_ref().is_some_and(|it| !it.allowed);
    Row::new([
        Cell::from(&*key.key),
        Cell::from(&*key.rule),
        right(used, 10),
        right(left, 10),
        right(share, 8),
        right(wait, 12),
    ])
    .style(if is_refused { look.alarm() } else { Style::new() })
}

fn foot(frame: &mut Frame<'_>, area: Rect, state: &State, look: Look) {
    let line = match state.mode {
        Mode::Asked => {
            let (key, rule) = state.chosen().map(|it| (&*it.key, &*it.rule)).unwrap_or_default();
            Line::styled(format!(" let rule {rule} forget {key}? (y/n)"), look.alarm())
        }
        Mode::Filtering => table::typing(),
        Mode::Watching if !state.said.is_empty() => Line::from(format!(" {}", state.said)),
        Mode::Watching => {
            Line::from(" q quit  up, down choose  / filter  s sort  r let the rule forget  p pause")
        }
    };
    frame.render_widget(line, area);
}

fn nanos(seconds: Option<f64>) -> u64 {
    let time = Duration::try_from_secs_f64(seconds.unwrap_or_default()).unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
