//! The screen about a store alone: which keys it holds, and how they stand.

mod draw;
mod sample;
#[cfg(test)]
mod tests;

use std::{cmp::Reverse, sync::Arc};

use ratatui::{Frame, crossterm::event::KeyCode};
use tidegate::{Error, Gate, Store, config::Loaded};

pub(super) use self::sample::StoreSample;
use self::sample::{StoreKey, take};
use super::{draw::Look, live::Screen};
use crate::{
    exit::{Exit, Failure},
    shown,
    store::{StoreUrl, open_existing},
};

/// What its user is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Watching,
    Filtering,
    /// Whether the chosen key is to be forgotten.
    Asked,
}

/// What is shown.
struct State {
    sample: StoreSample,
    filter: String,
    /// By name, instead of the fullest first.
    by_name: bool,
    chosen: usize,
    mode: Mode,
    is_paused: bool,
    /// What came of the last deed, or why there is no sample.
    said: String,
}

/// See the module.
pub(super) struct OfStore {
    state: State,
    store: Arc<dyn Store>,
    gate: Option<Gate>,
}

impl OfStore {
    /// Takes a first sample. Rules are those of `loaded`, if there is a configuration.
    pub(super) fn open(url: &str, loaded: Option<&Loaded>) -> Result<Self, Failure> {
        let url = StoreUrl::new(url);
        let store = open_existing(&url)?;
        if store.remote().is_none() {
            let message =
                format!("{}; try `tidegate keys inspect`", Error::NoList { store: store.name() });
            return Err(Failure::new(Exit::Usage, message));
        }
        let gate = loaded
            .filter(|loaded| !loaded.rules().is_empty())
            .map(|loaded| loaded.builder().shared_store(Arc::clone(&store)).build());
        let gate = gate.transpose()?;
        let state = State::new(take(&url.masked(), &store, gate.as_ref())?);
        Ok(Self { state, store, gate })
    }

    /// The last sample.
    pub(super) const fn sample(&self) -> &StoreSample {
        &self.state.sample
    }

    fn reset(&self) -> String {
        let Some(key) = self.state.chosen() else { return String::new() };
        let Some(gate) = &self.gate else {
            return "give a configuration (--config), which tells the rule's limits".to_owned();
        };
        let subject = shown::key_bytes(&key.key);
        gate.reset(&key.rule, &subject).map_or_else(
            |error| error.to_string(),
            |()| format!("{} has forgotten {}", key.rule, key.key),
        )
    }
}

impl Screen for OfStore {
    fn look_anew(&mut self) {
        match take(&self.state.sample.store, &self.store, self.gate.as_ref()) {
            Ok(sample) => self.state.take(sample),
            Err(failure) => {
                self.state.sample.up = Some(false);
                self.state.said = failure.to_string();
            }
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, look: Look) {
        draw::screen(frame, &self.state, look);
    }

    fn press(&mut self, key: KeyCode) -> bool {
        self.state.said.clear();
        if self.state.mode == Mode::Asked {
            self.state.mode = Mode::Watching;
            if key == KeyCode::Char('y') {
                self.state.said = self.reset();
            }
            return false;
        }
        self.state.press(key)
    }

    fn is_paused(&self) -> bool {
        self.state.is_paused
    }
}

impl State {
    fn new(sample: StoreSample) -> Self {
        Self {
            sample,
            filter: String::new(),
            by_name: false,
            chosen: 0,
            mode: Mode::Watching,
            is_paused: false,
            said: String::new(),
        }
    }

    fn take(&mut self, sample: StoreSample) {
        self.sample = sample;
        self.choose(0);
    }

    /// The keys that match the filter, in the order that was chosen.
    fn keys(&self) -> Vec<&StoreKey> {
        let filter = self.filter.to_lowercase();
        let matches = |key: &&StoreKey| {
            key.key.to_lowercase().contains(&filter) || key.rule.to_lowercase().contains(&filter)
        };
        let mut keys: Vec<_> = self.sample.keys.iter().filter(matches).collect();
        if self.by_name {
            keys.sort_by(|a, b| (&a.key, &a.rule).cmp(&(&b.key, &b.rule)));
        } else {
            keys.sort_by_key(|key| Reverse(key.standing.as_ref().map(sample::Standing::fullness)));
        }
        keys
    }

    fn chosen(&self) -> Option<&StoreKey> {
        self.keys().get(self.chosen).copied()
    }

    fn choose(&mut self, by: isize) {
        let last = self.keys().len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
    }

    /// Does what a key means; true at the end.
    fn press(&mut self, key: KeyCode) -> bool {
        if self.mode == Mode::Filtering {
            match key {
                KeyCode::Enter => self.mode = Mode::Watching,
                KeyCode::Esc => {
                    self.filter.clear();
                    self.mode = Mode::Watching;
                }
                KeyCode::Backspace => drop(self.filter.pop()),
                KeyCode::Char(letter) => self.filter.push(letter),
                _ => {}
            }
            self.choose(0);
            return false;
        }
        match key {
            KeyCode::Char('q') | KeyCode::Esc => return true,
            KeyCode::Char('/') => self.mode = Mode::Filtering,
            KeyCode::Char('s') => self.by_name = !self.by_name,
            KeyCode::Char('p') => self.is_paused = !self.is_paused,
            KeyCode::Char('r') if self.chosen().is_some() => self.mode = Mode::Asked,
            KeyCode::Down | KeyCode::Char('j') => self.choose(1),
            KeyCode::Up | KeyCode::Char('k') => self.choose(-1),
            KeyCode::PageDown => self.choose(10),
            KeyCode::PageUp => self.choose(-10),
            _ => {}
        }
        false
    }
}
