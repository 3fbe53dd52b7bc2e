//! The screen about a running application: its samples, and what its user does to it.

use ratatui::{Frame, crossterm::event::KeyCode};
use tidegate::address::Network;
use tidegate_observe::{Client, Question};

use super::{
    draw::{self, Look},
    follow::Following,
    live::Screen,
    state::{Deed, Mode, State, Target},
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
        let (question, done) = match deed {
            Deed::Block(it) => (except(it, false), format!("{} is blocked", it.key)),
            Deed::Allow(it) => (except(it, true), format!("{} is let in", it.key)),
            Deed::Undo(it) => (forget(it), format!("the rules hold for {} again", it.key)),
            Deed::Reset(it) => {
                let (rule, key) = (it.rule.clone(), it.key.clone());
                (Question::Reset { rule, key }, format!("{} has forgotten {}", it.rule, it.key))
            }
        };
        self.client.ask(&question).map_or_else(|error| error.to_string(), |_| done)
    }
}

/// An address is meant whatever the rule, also where another rule counts it.
pub(super) fn except(target: &Target, lets_in: bool) -> Question {
    let Target { rule, key } = target.clone();
    let seconds = DEED_SECONDS;
    if is_address(&key) {
        return Question::Except { network: key, lets_in, seconds };
    }
    Question::ExceptKey { rule, key, lets_in, seconds }
}

pub(super) fn forget(target: &Target) -> Question {
    let Target { rule, key } = target.clone();
    if is_address(&key) {
        Question::Forget { network: key }
    } else {
        Question::ForgetKey { rule, key }
    }
}

fn is_address(key: &str) -> bool {
    key.parse::<Network>().is_ok()
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
    let target = || chosen.map(|key| Target { rule: key.rule, key: key.key });
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
        KeyCode::Char('b') => target().map(Deed::Block),
        KeyCode::Char('a') => target().map(Deed::Allow),
        KeyCode::Char('u') => target().map(Deed::Undo),
        KeyCode::Char('r') => target().map(Deed::Reset),
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
