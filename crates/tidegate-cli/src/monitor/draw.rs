//! Draws what the monitor knows. Reads the state, and changes nothing.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style, Stylize},
    text::{Line, Span},
    widgets::{Block, Borders, Cell, Clear, Paragraph, Row, Sparkline, Table},
};

use super::{
    state::{Deed, Mode, Rate, State},
    table::{self, right},
};

/// The share of refusals, in thousandths, that the picture of them has room for at least.
const LEAST_SHARE: u64 = 50;

/// How things look that are to be seen.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) colours: bool,
}

impl Look {
    fn colour(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    /// For what is wrong: seen without colours too.
    pub(super) fn alarm(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }
}

/// The whole screen.
pub(super) fn screen(frame: &mut Frame<'_>, state: &State, place: &str, look: Look) {
    let rules = u16::try_from(state.stats.rules.len()).unwrap_or(u16::MAX).clamp(1, 12);
    let most = frame.area().height / 3;
    let [head, rates, rules, keys, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(5),
        Constraint::Length((rules + 3).min(most.max(4))),
        Constraint::Min(4),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    self::head(frame, head, state, place, look);
    let [numbers, picture] =
        Layout::horizontal([Constraint::Length(46), Constraint::Min(10)]).areas(rates);
    self::numbers(frame, numbers, state, look);
    self::picture(frame, picture, state, look);
    self::rules(frame, rules, state, look);
    self::keys(frame, keys, state, look);
    self::foot(frame, foot, state, look);
    if state.mode == Mode::Help {
        help(frame);
    }
}

fn head(frame: &mut Frame<'_>, area: Rect, state: &State, place: &str, look: Look) {
    let workers = match state.stats.workers.len() {
        1 => "1 worker".to_owned(),
        count => format!("{count} workers"),
    };
    let mut spans =
        vec![Span::from(" tidegate ").reversed(), Span::from(format!(" {workers}  {place}"))];
    let silent = state.stats.silent.len();
    if silent > 0 {
        spans.push(Span::styled(format!("  {silent} silent"), look.alarm()));
    }
    if let Some(config) = &state.stats.config
        && config.error.is_some()
    {
        spans.push(Span::styled("  reload failed", look.alarm()));
    }
    if state.is_paused {
        spans.push(Span::from("  paused").bold());
    }
    frame.render_widget(Line::from(spans), area);
}

fn numbers(frame: &mut Frame<'_>, area: Rect, state: &State, look: Look) {
    let Rate { requests, refused } = state.rate();
    let store = &state.stats.store;
    let workers = u32::try_from(state.stats.workers.len()).unwrap_or(u32::MAX);
    let up = match (store.remote, store.up == workers) {
        (false, _) => Span::from("in this host"),
        (true, true) => Span::styled("up", look.colour(Color::Green)),
        (true, false) => Span::styled(
            format!("DOWN {}/{workers}", workers - store.up.min(workers)),
            look.alarm(),
        ),
    };
    let share = Span::styled(
        format!("{} refused", percent(refused, requests)),
        if refused > 0.0 { look.colour(Color::Yellow) } else { Style::new() },
    );
    let quantile = |share| time(state.lately.quantile(share));
    let lines = vec![
        Line::from(vec![
            Span::from(format!("{}/s  ", short(requests))).bold(),
            share,
            Span::from(format!("  {}: ", store.name)),
            up,
        ]),
        Line::from(format!(
            "{} in all, {} refused, {} failed",
            state.stats.requests, state.stats.refused, state.stats.errors
        )),
        Line::from(format!(
            "p50 {}  p99 {}  p99.9 {}",
            quantile(0.5),
            quantile(0.99),
            quantile(0.999)
        )),
    ];
    let block = Block::new().borders(Borders::ALL).title(" requests ");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// Two rows for requests, and one for the share that is refused.
fn picture(frame: &mut Frame<'_>, area: Rect, state: &State, look: Look) {
    let block = Block::new().borders(Borders::ALL).title(" requests a second; refused ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [requests, refused] =
        Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(inner);
    let skip = state.rates.len().saturating_sub(usize::from(inner.width));
    let rates = || state.rates.iter().skip(skip);
    let line = Sparkline::default().data(rates().map(|rate| whole(rate.requests)));
    frame.render_widget(line.style(look.colour(Color::Cyan)), requests);
    let shares: Vec<u64> = rates().map(|rate| whole(rate.share() * 1000.0)).collect();
    // So that what is hardly there does not look like much.
    let most = shares.iter().copied().max().unwrap_or_default().max(LEAST_SHARE);
    let line = Sparkline::default().data(shares).max(most);
    frame.render_widget(line.style(look.colour(Color::Yellow)), refused);
}

fn rules(frame: &mut Frame<'_>, area: Rect, state: &State, look: Look) {
    let rows = state.stats.rules.iter().zip(&state.rule_rates).map(|(rule, rate)| {
        let name = if rule.shadow { format!("{} (shadow)", rule.rule) } else { rule.rule.clone() };
        let style = if rate.refused > 0.0 { look.colour(Color::Yellow) } else { Style::new() };
        Row::new([
            Cell::from(name),
            Cell::from(rule.limit.clone()),
            Cell::from(rule.key.clone()),
            right(short(rate.requests), 9),
            right(percent(rate.refused, rate.requests), 8),
            right((rule.refused + rule.would_refuse).to_string(), 10),
        ])
        .style(style)
    });
    let widths = [
        Constraint::Fill(2),
        Constraint::Fill(2),
        Constraint::Fill(1),
        Constraint::Length(9),
        Constraint::Length(8),
        Constraint::Length(10),
    ];
    let header = Row::new([
        Cell::from("rule"),
        Cell::from("limit"),
        Cell::from("key"),
        right("a second", 9),
        right("refused", 8),
        right("in all", 10),
    ]);
    let table = Table::new(rows, widths).header(header.bold());
    frame.render_widget(table.block(Block::new().borders(Borders::ALL).title(" rules ")), area);
}

fn keys(frame: &mut Frame<'_>, area: Rect, state: &State, look: Look) {
    let keys = state.keys();
    let rows = keys.iter().map(|key| {
        let mark = match state.stats.exception_of(&key.rule, &key.key) {
            Some(true) => "allowed",
            Some(false) => "blocked",
            None => "",
        };
        Row::new([
            Cell::from(key.key.clone()),
            Cell::from(key.rule.clone()),
            right(key.requests.to_string(), 10),
            right(key.refused.to_string(), 10),
            right(percent_of(key.refused, key.requests), 8),
            Cell::from(Span::styled(mark, look.alarm())),
        ])
    });
    let columns = [
        (Cell::from("key"), Constraint::Fill(2)),
        (Cell::from("rule"), Constraint::Fill(1)),
        (right("requests", 10), Constraint::Length(10)),
        (right("refused", 10), Constraint::Length(10)),
        (right("share", 8), Constraint::Length(8)),
        (Cell::from(""), Constraint::Length(8)),
    ];
    let filter = table::filter(matches!(state.mode, Mode::Filtering), &state.filter);
    let title = format!(" busiest keys by {}{filter} ", state.sort.name());
    table::draw(frame, area, columns, rows.collect(), (title, state.chosen));
}

fn foot(frame: &mut Frame<'_>, area: Rect, state: &State, look: Look) {
    let line = match &state.mode {
        Mode::Asked(deed) => Line::styled(format!(" {} (y/n)", question(deed)), look.alarm()),
        Mode::Filtering => table::typing(),
        _ if !state.said.is_empty() => Line::from(format!(" {}", state.said)),
        _ => Line::from(
            " q quit  ? help  / filter  s sort  b block  a allow  u undo  r reset  p pause",
        ),
    };
    frame.render_widget(line, area);
}

fn question(deed: &Deed) -> String {
    match deed {
        Deed::Block(it) => format!("block {} for 15 minutes, in every worker?", it.key),
        Deed::Allow(it) => format!("let {} in for 15 minutes, whatever the rules say?", it.key),
        Deed::Undo(it) => format!("end what was said of {}?", it.key),
        Deed::Reset(it) => format!("let rule {} forget {}?", it.rule, it.key),
    }
}

fn help(frame: &mut Frame<'_>) {
    const LINES: [&str; 13] = [
        "up, down, j, k   choose a key",
        "s                sort by refused, requests, share, key",
        "/                show only keys and rules with a text",
        "b                block the chosen key for 15 minutes",
        "a                let it in for 15 minutes",
        "u                end either",
        "r                let the rule forget the chosen key",
        "p                pause",
        "q, Ctrl-C        quit",
        "",
        "Counts are those since the workers began; rates and",
        "times those of the last interval. Blocks end with the",
        "workers, and are in no file.",
    ];
    let area = frame.area();
    let (width, height) = (area.width.min(60), area.height.min(15));
    let area = Rect::new((area.width - width) / 2, (area.height - height) / 2, width, height);
    frame.render_widget(Clear, area);
    let block = Block::new().borders(Borders::ALL).title(" help ");
    frame.render_widget(Paragraph::new(LINES.map(Line::from).to_vec()).block(block), area);
}

/// A rate in at most five characters.
fn short(rate: f64) -> String {
    match rate {
        _ if rate >= 999_500.0 => format!("{:.1}M", rate / 1e6),
        _ if rate >= 9_995.0 => format!("{:.0}k", rate / 1e3),
        _ if rate >= 999.5 => format!("{:.1}k", rate / 1e3),
        _ if rate >= 9.95 || rate == 0.0 => format!("{rate:.0}"),
        _ => format!("{rate:.1}"),
    }
}

fn percent(part: f64, whole: f64) -> String {
    if whole > 0.0 { format!("{:.1} %", part * 100.0 / whole) } else { "0.0 %".to_owned() }
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit behind the point")]
pub(super) fn percent_of(part: u64, whole: u64) -> String {
    percent(part as f64, whole as f64)
}

#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
pub(super) fn time(nanos: u64) -> String {
    match nanos {
        0 => "-".to_owned(),
        1..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{:.1} us", nanos as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", nanos as f64 / 1e6),
        _ => format!("{:.1} s", nanos as f64 / 1e9),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a height of a bar")]
fn whole(rate: f64) -> u64 {
    rate.round().max(0.0) as u64
}
