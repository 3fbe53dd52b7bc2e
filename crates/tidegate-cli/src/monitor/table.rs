//! Tables of keys, of which one is chosen. Knows nothing of what is counted.

use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    style::{Modifier, Style, Stylize},
    text::Line,
    widgets::{Block, Borders, Cell, Row, Table, TableState},
};

/// A cell whose text ends at the right.
pub(super) fn right(text: impl Into<String>, width: usize) -> Cell<'static> {
    Cell::from(format!("{:>width$}", text.into()))
}

/// What a title says of the filter.
pub(super) fn filter(is_typed: bool, filter: &str) -> String {
    match (is_typed, filter) {
        (true, filter) => format!(", with: {filter}_"),
        (false, "") => String::new(),
        (false, filter) => format!(", with: {filter}"),
    }
}

/// Draws a table in a box, with its title and the number of the chosen row.
pub(super) fn draw<const N: usize>(
    frame: &mut Frame<'_>,
    area: Rect,
    columns: [(Cell<'static>, Constraint); N],
    rows: Vec<Row<'_>>,
    (title, chosen): (String, usize),
) {
    let chosen = (!rows.is_empty()).then_some(chosen);
    let (header, widths): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let table = Table::new(rows, widths)
        .header(Row::new(header).bold())
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
        .block(Block::new().borders(Borders::ALL).title(title));
    frame.render_stateful_widget(table, area, &mut TableState::default().with_selected(chosen));
}

/// What the foot says while a filter is typed.
pub(super) fn typing() -> Line<'static> {
    Line::from(" type to filter, Enter to keep, Esc to clear")
}
