//! The screen about a running application: its samples, and what its user does to it.

use ratatui::{Frame, crossterm::event::KeyCode};
use tidegate_observe::{Client, Question};

use super::{
    draw::{self, Look},
    follow::Following,
    live::Screen,
    state::{Deed, Mode, State},
};
use crate::exit::Failure;

/// How long a key is blocked or let in.
const DEED_SECONDS: u64 = 900;

/// See the module.
pub(super) struct Application {
    state: State,
    client: Client,
    following: Following,
    /// The socket, as it is shown.
    place: String,
}

impl Application {
    /// Takes a first sample.
    pub(super) fn open(client: Client, place: String) -> Result<Self, Failure> {
        let mut following = Following::new(client.clone());
        let state = State::new(following.sample()?.stats);
        Ok(Self { state, client, following, place })
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

impl Screen for Application {
    fn look_anew(&mut self) {
        match self.following.sample() {
            Ok(sample) => self.state.take(sample.stats, sample.seconds),
            // It may be starting anew.
            Err(error) => self.state.said = error.to_string(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, look: Look) {
        draw::screen(frame, &self.state, &self.place, look);
    }

    fn press(&mut self, key: KeyCode) -> bool {
        let state = &mut self.state;
        state.said.clear();
        match state.mode.clone() {
            Mode::Watching => return press_watching(state, key),
            Mode::Filtering => press_filtering(state, key),
            Mode::Help => state.mode = Mode::Watching,
            Mode::Asked(deed) => {
                state.mode = Mode::Watching;
                if key == KeyCode::Char('y') {
                    self.state.said = self.act(&deed);
                }
            }
        }
        false
    }

    fn is_paused(&self) -> bool {
        self.state.is_paused
    }
}

pub(super) fn press_watching(state: &mut State, key: KeyCode) -> bool {
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

pub(super) fn press_filtering(state: &mut State, key: KeyCode) {
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
