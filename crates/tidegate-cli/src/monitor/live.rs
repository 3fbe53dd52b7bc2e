//! A screen that is drawn again and again, and the terminal that it is drawn on.
//!
//! Knows nothing of what is shown.

use std::{
    io,
    time::{Duration, Instant},
};

use ratatui::{
    DefaultTerminal, Frame, Terminal,
    backend::TestBackend,
    crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers},
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};

use super::draw::Look;
use crate::exit::{Exit, Failure};

/// What is shown.
pub(super) trait Screen {
    /// Takes a sample; what goes wrong is shown.
    fn look_anew(&mut self);

    /// Draws everything.
    fn draw(&self, frame: &mut Frame<'_>, look: Look);

    /// Does what a key means; true at the end.
    fn press(&mut self, key: KeyCode) -> bool;

    /// Whether no samples are wanted for now.
    fn is_paused(&self) -> bool;
}

/// Shows a screen until its user has enough or the process is told to end. The terminal is given
/// back in any case, also when something panics.
pub(super) fn run(
    screen: &mut impl Screen,
    interval: Duration,
    look: Look,
) -> Result<Exit, Failure> {
    let no_terminal = |error: io::Error| {
        Failure::new(Exit::Usage, format!("no terminal to draw on: {error}; try --once"))
    };
    heed_signals().map_err(no_terminal)?;
    let mut terminal = ratatui::try_init().map_err(no_terminal)?;
    let ended = watch(&mut terminal, screen, interval, look);
    ratatui::restore();
    ended.map_err(|error| {
        Failure::new(Exit::Unavailable, format!("the terminal failed: {error}"))
    })?;
    Ok(Exit::Success)
}

/// Gives the terminal back at a signal, and ends as the signal says.
///
/// In a thread of its own: once its terminal is gone, whoever waits for a key waits for ever, and
/// at full speed.
fn heed_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    let heed = move || {
        for signal in signals.forever() {
            ratatui::restore();
            // What cannot be done then is what nobody is left to be told of.
            let _ = emulate_default_handler(signal);
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(heed).map(drop)
}

fn watch(
    terminal: &mut DefaultTerminal,
    screen: &mut impl Screen,
    interval: Duration,
    look: Look,
) -> io::Result<()> {
    let mut last = Instant::now();
    terminal.draw(|frame| screen.draw(frame, look))?;
    loop {
        let left = interval.saturating_sub(last.elapsed());
        if event::poll(left)? {
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Press => {
                    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
                    if is_control && key.code == KeyCode::Char('c') || screen.press(key.code) {
                        return Ok(());
                    }
                }
                Event::Resize(..) => {}
                _ => continue,
            }
        } else if last.elapsed() < interval {
            continue;
        } else {
            last = Instant::now();
            if !screen.is_paused() {
                screen.look_anew();
            }
        }
        terminal.draw(|frame| screen.draw(frame, look))?;
    }
}

/// A screen of so many columns and rows, as lines of text.
pub(super) fn text((width, height): (u16, u16), draw: impl FnOnce(&mut Frame<'_>)) -> String {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(_) = terminal.draw(draw);
    let buffer = terminal.backend().buffer();
    let row = |y: u16| {
        let cells = (0..width).map(|x| buffer[(x, y)].symbol());
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    (0..height).map(row).collect()
}
