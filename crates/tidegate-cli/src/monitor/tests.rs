//! The screen, letter by letter, and what keys do to it.

use ratatui::crossterm::event::KeyCode;
use tidegate_observe::{Question, Stats};

use super::{
    application::{except, forget, press_filtering, press_watching},
    draw::{self, Look},
    live,
    state::{Deed, Mode, State, Target},
};

fn text(state: &State, place: &str, size: (u16, u16)) -> String {
    live::text(size, |frame| draw::screen(frame, state, place, Look { colours: false }))
}

fn stats(text: &str) -> Stats {
    serde_json::from_str(text).unwrap()
}

/// Some samples, a second apart.
fn state() -> State {
    let sample = |api: u64, refused: u64| {
        stats(&format!(
            r#"{{"version":1,"workers":[7,8],"requests":{},"refused":{refused},"errors":0,"degraded":0,
            "rules":[
              {{"rule":"login","limit":"5/5m; 20/day","key":"ip and form:username","shadow":false,"requests":40,"refused":0}},
              {{"rule":"api","limit":"1000/hour burst 100","key":"header:x-api-key","shadow":true,"requests":{api},"refused":{refused}}}],
            "keys":[
              {{"rule":"api","key":"203.0.113.7","requests":900,"refused":850}},
              {{"rule":"login","key":"198.51.100.1","requests":30,"refused":0}}],
            "latency":[{{"nanos":447,"count":{api}}},{{"nanos":1000000,"count":{}}}],
            "store":{{"name":"redis","remote":true,"up":2,"exchanges":9,"failures":0,"outages":0}},
            "config":null,"exceptions":[["203.0.113.7",false]]}}"#,
            api + 40,
            api / 50,
        ))
    };
    let mut state = State::new(sample(0, 700));
    for (api, refused) in [(200, 700), (500, 760), (1000, 800), (2234, 850)] {
        state.take(sample(api, refused), 1.0);
    }
    state
}

#[test]
fn it_fits_into_eighty_columns_and_twenty_four_rows() {
    let shown = text(&state(), "/run/app/t.sock", (80, 24));

    let expected = "\u{20}tidegate  2 workers  /run/app/t.sock
┌ requests ──────────────────────────────────┐┌ requests a second; refused ────┐
│1.2k/s  4.1 % refused  redis: up            ││   █                            │
│2274 in all, 850 refused, 0 failed          ││▂▃▆█                            │
│p50 447 ns  p99 1.0 ms  p99.9 1.0 ms        ││ █▃▁                            │
└────────────────────────────────────────────┘└────────────────────────────────┘
┌ rules ───────────────────────────────────────────────────────────────────────┐
│rule               limit               key        a second  refused     in all│
│login              5/5m; 20/day        ip and fo         0    0.0 %          0│
│api (shadow)       1000/hour burst 100 header:x-      1.2k    4.1 %        850│
└──────────────────────────────────────────────────────────────────────────────┘
┌ busiest keys by refused ─────────────────────────────────────────────────────┐
│key                       rule           requests    refused    share         │
│203.0.113.7               api                 900        850   94.4 % blocked │
│198.51.100.1              login                30          0    0.0 %         │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
 q quit  ? help  / filter  s sort  b block  a allow  u undo  r reset  p pause
";
    assert_eq!(shown, expected);
}

#[test]
fn it_uses_the_room_that_there_is() {
    let shown = text(&state(), "/run/app/t.sock", (200, 60));
    assert_eq!(shown.lines().count(), 60);
    assert!(
        shown.contains("ip and form:username") && shown.contains("1000/hour burst 100"),
        "{shown}"
    );
}

#[test]
fn a_store_that_is_down_is_seen_without_colours() {
    let mut state = state();
    state.stats.store.up = 1;
    assert!(text(&state, "x", (80, 24)).contains("redis: DOWN 1/2"));
}

#[test]
fn keys_choose_sort_and_filter() {
    let mut state = state();
    assert_eq!(state.chosen().unwrap().key, "203.0.113.7");
    press_watching(&mut state, KeyCode::Down);
    assert_eq!(state.chosen().unwrap().key, "198.51.100.1");
    press_watching(&mut state, KeyCode::Char('b'));
    let target = Target { rule: "login".to_owned(), key: "198.51.100.1".to_owned() };
    assert_eq!(state.mode, Mode::Asked(Deed::Block(target)));
    assert!(text(&state, "x", (80, 24)).contains("block 198.51.100.1 for 15 minutes"));

    state.mode = Mode::Watching;
    press_watching(&mut state, KeyCode::Char('/'));
    for letter in "203".chars() {
        press_filtering(&mut state, KeyCode::Char(letter));
    }
    assert_eq!(state.keys().len(), 1);
    assert!(text(&state, "x", (80, 24)).contains("with: 203_"));
    press_filtering(&mut state, KeyCode::Esc);
    for _ in 0..3 {
        press_watching(&mut state, KeyCode::Char('s'));
    }
    assert_eq!(state.chosen().unwrap().key, "198.51.100.1");
    press_watching(&mut state, KeyCode::Char('?'));
    assert!(text(&state, "x", (80, 24)).contains("let the rule forget the chosen key"));
    assert!(press_watching(&mut state, KeyCode::Char('q')));
}

#[test]
fn a_worker_that_begins_anew_makes_no_negative_rates() {
    let mut state = state();
    let fresh = stats(
        r#"{"version":1,"workers":[9],"requests":5,"refused":0,"errors":0,"degraded":0,"rules":[],"keys":[],"latency":[],"store":{"name":"memory","remote":false,"up":1,"exchanges":0,"failures":0,"outages":0},"config":null,"exceptions":[]}"#,
    );
    state.take(fresh, 1.0);
    assert!((state.rate().requests - 5.0).abs() < f64::EPSILON);
}

#[test]
fn addresses_are_blocked_everywhere_and_other_keys_by_their_rule() {
    let except = |key: &str| {
        let target = Target { rule: "api".to_owned(), key: key.to_owned() };
        (except(&target, false), forget(&target))
    };
    for key in ["192.0.2.1", "2001:db8::/64"] {
        assert!(matches!(except(key), (Question::Except { .. }, Question::Forget { .. })), "{key}");
    }
    for key in ["alice", "10", ""] {
        let asked = except(key);
        assert!(matches!(asked, (Question::ExceptKey { .. }, Question::ForgetKey { .. })), "{key}");
    }
}
