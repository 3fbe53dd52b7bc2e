//! `tidegate monitor`: what a running application refuses, live.

mod draw;
mod follow;
mod state;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use ratatui::{
    DefaultTerminal, Terminal,
    backend::TestBackend,
    crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
};
use tidegate_observe::{Client, Question};

use self::{
    draw::Look,
    follow::Following,
    state::{Deed, Mode, State},
};
use crate::{
    admin::AdminArgs,
    exit::{Exit, Failure},
    output::Output,
};

/// How long a key is blocked or let in.
const DEED_SECONDS: u64 = 900;

/// Shows what a running application refuses, live; through its admin socket.
#[derive(Args)]
pub(crate) struct MonitorArgs {
    #[command(flatten)]
    admin: AdminArgs,

    /// Seconds between two samples.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    interval: f64,

    /// Print one screen as text, and end.
    #[arg(long)]
    once: bool,

    /// Columns and rows of that screen.
    #[arg(long, default_value = "80x24", value_name = "SIZE", requires = "once")]
    size: String,

    /// No colours; also without them, everything is told.
    #[arg(long)]
    no_color: bool,
}

pub(crate) fn run(args: &MonitorArgs, output: &Output) -> Result<Exit, Failure> {
    if !(0.1..=3600.0).contains(&args.interval) {
        let message = format!("--interval {} is not from 0.1 to 3600 seconds", args.interval);
        return Err(Failure::new(Exit::Usage, message));
    }
    let place = args.admin.need_path()?;
    let client = Client::new(place.clone());
    let mut following = Following::new(client.clone());
    let first = following.sample()?.stats;
    if output.json {
        output.json(&first)?;
        return Ok(Exit::Success);
    }
    let mut state = State::new(first);
    let interval = Duration::from_secs_f64(args.interval);
    if args.once {
        let size = size(&args.size)?;
        std::thread::sleep(interval);
        let sample = following.sample()?;
        state.take(sample.stats, sample.seconds);
        output.text(&text(&state, &place.display().to_string(), size))?;
        return Ok(Exit::Success);
    }
    let watching = Watching {
        client,
        place,
        interval,
        look: Look { colours: output.colours && !args.no_color },
    };
    // Gives the terminal back also when something panics.
    let mut terminal = ratatui::try_init().map_err(|error| {
        Failure::new(Exit::Usage, format!("no terminal to draw on: {error}; try --once"))
    })?;
    let ended = watching.run(&mut terminal, &mut state, &mut following);
    ratatui::restore();
    ended.map_err(|error| {
        Failure::new(Exit::Unavailable, format!("the terminal failed: {error}"))
    })?;
    Ok(Exit::Success)
}

struct Watching {
    client: Client,
    place: PathBuf,
    interval: Duration,
    look: Look,
}

impl Watching {
    fn run(
        &self,
        terminal: &mut DefaultTerminal,
        state: &mut State,
        following: &mut Following,
    ) -> std::io::Result<()> {
        let place = self.place.display().to_string();
        let mut last = Instant::now();
        loop {
            terminal.draw(|frame| draw::screen(frame, state, &place, self.look))?;
            let left = self.interval.saturating_sub(last.elapsed());
            if event::poll(left)? {
                if let Event::Key(key) = event::read()?
                    && key.kind == KeyEventKind::Press
                    && self.press(state, key)
                {
                    return Ok(());
                }
                continue;
            }
            last = Instant::now();
            if state.is_paused {
                continue;
            }
            match following.sample() {
                Ok(sample) => state.take(sample.stats, sample.seconds),
                // It may be starting anew.
                Err(error) => state.said = error.to_string(),
            }
        }
    }

    /// Does what a key means; true at the end.
    fn press(&self, state: &mut State, key: KeyEvent) -> bool {
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return true;
        }
        state.said.clear();
        match state.mode.clone() {
            Mode::Watching => return press_watching(state, key.code),
            Mode::Filtering => press_filtering(state, key.code),
            Mode::Help => state.mode = Mode::Watching,
            Mode::Asked(deed) => {
                state.mode = Mode::Watching;
                if key.code == KeyCode::Char('y') {
                    state.said = self.act(&deed);
                }
            }
        }
        false
    }

    fn act(&self, deed: &Deed) -> String {
        let except = |network: &String, lets_in| Question::Except {
            network: network.clone(),
            lets_in,
            seconds: DEED_SECONDS,
        };
        let (question, done) = match deed {
            Deed::Block(key) => (except(key, false), format!("{key} is blocked")),
            Deed::Allow(key) => (except(key, true), format!("{key} is let in")),
            Deed::Undo(key) => (
                Question::Forget { network: key.clone() },
                format!("the rules hold for {key} again"),
            ),
            Deed::Reset { rule, key } => (
                Question::Reset { rule: rule.clone(), key: key.clone() },
                format!("{rule} has forgotten {key}"),
            ),
        };
        self.client.ask(&question).map_or_else(|error| error.to_string(), |_| done)
    }
}

fn press_watching(state: &mut State, key: KeyCode) -> bool {
    let chosen = state.chosen().cloned();
    let address = chosen.as_ref().map(|key| key.key.clone());
    let deed = match key {
        KeyCode::Char('q') | KeyCode::Esc => return true,
        KeyCode::Char('?') => {
            state.mode = Mode::Help;
            None
        }
        KeyCode::Char('/') => {
            state.mode = Mode::Filtering;
            None
        }
        KeyCode::Char('s') => {
            state.sort = state.sort.next();
            None
        }
        KeyCode::Char('p') => {
            state.is_paused = !state.is_paused;
            None
        }
        KeyCode::Down | KeyCode::Char('j') => {
            state.choose(1);
            None
        }
        KeyCode::Up | KeyCode::Char('k') => {
            state.choose(-1);
            None
        }
        KeyCode::PageDown => {
            state.choose(10);
            None
        }
        KeyCode::PageUp => {
            state.choose(-10);
            None
        }
        KeyCode::Char('b') => address.map(Deed::Block),
        KeyCode::Char('a') => address.map(Deed::Allow),
        KeyCode::Char('u') => address.map(Deed::Undo),
        KeyCode::Char('r') => chosen.map(|key| Deed::Reset { rule: key.rule, key: key.key }),
        _ => None,
    };
    if let Some(deed) = deed {
        state.mode = Mode::Asked(deed);
    }
    false
}

fn press_filtering(state: &mut State, key: KeyCode) {
    match key {
        KeyCode::Enter => state.mode = Mode::Watching,
        KeyCode::Esc => {
            state.filter.clear();
            state.mode = Mode::Watching;
        }
        KeyCode::Backspace => drop(state.filter.pop()),
        KeyCode::Char(letter) => state.filter.push(letter),
        _ => {}
    }
    state.choose(0);
}

/// The screen as lines of text.
fn text(state: &State, place: &str, (width, height): (u16, u16)) -> String {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let look = Look { colours: false };
    let Ok(_) = terminal.draw(|frame| draw::screen(frame, state, place, look));
    let buffer = terminal.backend().buffer();
    let row = |y: u16| {
        let cells = (0..width).map(|x| buffer[(x, y)].symbol());
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    (0..height).map(row).collect()
}

fn size(text: &str) -> Result<(u16, u16), Failure> {
    let wrong = || {
        let message = format!("--size `{text}`: write COLUMNSxROWS, from 40x12 to 500x200");
        Failure::new(Exit::Usage, message)
    };
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    let (width, height) =
        (width.parse().map_err(|_| wrong())?, height.parse().map_err(|_| wrong())?);
    if !(40..=500).contains(&width) || !(12..=200).contains(&height) {
        return Err(wrong());
    }
    Ok((width, height))
}
