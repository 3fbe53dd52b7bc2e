//! Keys that have gone over a limit are kept out for a while.

use std::{sync::Arc, thread, time::Duration};

use tidegate::{Block, Reason};

use super::{Request, admit, clocked, rule};

fn blocking(tiers: &[u64]) -> Block {
    Block::new(tiers.iter().copied().map(Duration::from_secs).collect()).unwrap()
}

#[test]
fn a_breach_blocks_for_longer_each_time() {
    let (gate, clock) = clocked(rule("login", "1/second").block(blocking(&[60, 600])));
    let breach = || {
        let last = (0..3).map(|_| admit(&gate, &Request::to("/"))).last().unwrap();
        assert_eq!(last.reason, Some(Reason::Penalty));
        last.retry_after.unwrap()
    };

    assert_eq!(breach(), Duration::from_secs(60));
    clock.advance(Duration::from_secs(59));
    assert_eq!(admit(&gate, &Request::to("/")).retry_after, Some(Duration::from_secs(1)));
    clock.advance(Duration::from_secs(1));
    assert!(admit(&gate, &Request::to("/")).allowed);
    assert_eq!(breach(), Duration::from_secs(600));
    clock.advance(Duration::from_secs(600));
    assert!(admit(&gate, &Request::to("/")).allowed);
    assert_eq!(breach(), Duration::from_secs(600));
    // Both strikes are forgotten after two days.
    clock.advance(Duration::from_secs(2 * 86_400));
    assert!(admit(&gate, &Request::to("/")).allowed);
    assert_eq!(breach(), Duration::from_secs(60));
}

#[test]
fn an_attempt_extends_a_block_only_when_asked_to() {
    for (extends, expected) in [(false, 30), (true, 50)] {
        let block = blocking(&[60]).extend_on_attempt(extends);
        let (gate, clock) = clocked(rule("login", "1/second").block(block));
        let attempt = || admit(&gate, &Request::to("/"));

        assert!(attempt().allowed && !attempt().allowed);
        clock.advance(Duration::from_secs(20));
        assert!(!attempt().allowed);
        clock.advance(Duration::from_secs(10));
        let left = gate.peek(&Request::to("/")).unwrap().retry_after;
        assert_eq!(left, Some(Duration::from_secs(expected)));
    }
}

#[test]
fn breaches_at_one_moment_are_one_strike() {
    let (gate, _clock) = clocked(rule("b", "5/second").block(blocking(&[60, 600])));
    let gate = Arc::new(gate);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                (0..50).filter_map(|_| admit(&gate, &Request::to("/")).retry_after).max()
            })
        })
        .collect();
    let longest = threads.into_iter().filter_map(|thread| thread.join().unwrap()).max();
    assert_eq!(longest, Some(Duration::from_secs(60)));
}

#[test]
fn a_block_is_seen_by_whoever_looks_at_the_key() {
    let (gate, clock) = clocked(rule("login", "1/second").block(blocking(&[60])));
    let looked = || gate.inspect("login", b"").unwrap();
    assert!(looked().allowed);
    assert!((0..2).map(|_| admit(&gate, &Request::to("/"))).any(|it| !it.allowed));

    clock.advance(Duration::from_secs(10));
    let blocked = looked();
    assert_eq!((blocked.allowed, blocked.reason), (false, Some(Reason::Penalty)));
    assert_eq!(blocked.retry_after, Some(Duration::from_secs(50)));
    gate.reset("login", b"").unwrap();
    assert!(looked().allowed);
}
