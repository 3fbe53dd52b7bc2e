//! The screen about a store, letter by letter, and what keys do to it.

use ratatui::crossterm::event::KeyCode;

use super::{
    Mode, State, draw,
    sample::{Standing, StoreKey, StoreSample},
};
use crate::monitor::{draw::Look, live};

fn key(rule: &str, key: &str, used: u32, retry_after: Option<f64>) -> StoreKey {
    let standing = Standing {
        limit: 100,
        used,
        remaining: 100 - used,
        allowed: retry_after.is_none(),
        retry_after,
    };
    StoreKey { rule: rule.to_owned(), key: key.to_owned(), standing: Some(standing) }
}

fn state() -> State {
    let unknown = StoreKey { rule: "gone".to_owned(), key: "old".to_owned(), standing: None };
    State::new(StoreSample {
        store: "redis://***@127.0.0.1:6379".to_owned(),
        up: Some(true),
        answer: Some(0.000_25),
        complete: true,
        keys: vec![
            unknown,
            key("api", "203.0.113.7", 40, None),
            key("login", "198.51.100.1", 100, Some(75.5)),
            key("api", "alice", 90, None),
        ],
    })
}

fn shown(state: &State, size: (u16, u16)) -> String {
    live::text(size, |frame| draw::screen(frame, state, Look { colours: false }))
}

#[test]
fn the_fullest_keys_come_first() {
    let expected = "\u{20}tidegate  up, answers in 250.0 us  redis://***@127.0.0.1:6379
┌ 4 keys by what they have used ───────────────────────────────────────────────┐
│key                    rule              used       left    share  refused for│
│198.51.100.1           login              100          0  100.0 %       1m 16s│
│alice                  api                 90         10   90.0 %             │
│203.0.113.7            api                 40         60   40.0 %             │
│old                    gone                 -          -        -             │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
 q quit  up, down choose  / filter  s sort  r let the rule forget  p pause
";
    assert_eq!(shown(&state(), (80, 10)), expected);
}

#[test]
fn keys_choose_sort_filter_and_ask() {
    let mut state = state();
    state.press(KeyCode::Down);
    assert_eq!(state.chosen().unwrap().key, "alice");
    state.press(KeyCode::Char('r'));
    assert_eq!(state.mode, Mode::Asked);
    assert!(shown(&state, (80, 24)).contains("let rule api forget alice? (y/n)"));
    state.mode = Mode::Watching;
    state.press(KeyCode::Char('s'));
    assert_eq!(state.keys()[0].key, "198.51.100.1");
    assert_eq!(state.keys()[3].key, "old");
    state.press(KeyCode::Char('/'));
    for letter in "API".chars() {
        state.press(KeyCode::Char(letter));
    }
    assert_eq!(state.keys().len(), 2);
    assert!(shown(&state, (80, 24)).contains("2 keys by name, with: API_"));
    assert!(!state.press(KeyCode::Esc));
    assert_eq!(state.keys().len(), 4);
    state.press(KeyCode::Char('p'));
    assert!(state.is_paused && shown(&state, (80, 24)).contains("paused"));
    assert!(state.press(KeyCode::Char('q')));
}

#[test]
fn a_store_that_is_down_is_told() {
    let mut state = state();
    state.sample.up = Some(false);
    state.said = "the store does not answer".to_owned();
    let shown = shown(&state, (80, 24));
    assert!(shown.contains("DOWN") && shown.contains("the store does not answer"), "{shown}");
}
