//! Several counters, refusals that leave no trace, and rows that are not ours.

mod common;

use std::num::NonZeroU32;

use common::{
    NOON, check, check_all, connect, counter, exchange, gcra, granted, link, model::Model, name,
    programs, schema, soon,
};
use tidegate_core::{Change, Nanos, Program, algorithm::LeakyQueue};
use tidegate_remote::{Ask, AskKind, Fix, Link as _, RemoteError};
use tidegate_testkit::servers::postgres::PostgresServer;

fn fix(subject: &str, program: &Program, at: u64, change: Change) -> Fix {
    Fix { name: name(subject), program: program.clone(), at: Some(Nanos(at)), change }
}

#[test]
fn an_ask_is_charged_to_all_its_counters_or_to_none() {
    let (_server, mut link) = link("all_or_none");
    let second = Nanos::SECOND;
    // Room for 2, 7, 5, 5, 5 units; the least decides, in every place.
    for scarce in 0..5 {
        let mut programs = programs(5, second);
        programs[scarce] = room_for_two(&programs[scarce]);
        let subject = |place: usize| format!("{scarce}-{}", 9 - place);
        let counters = || {
            programs
                .iter()
                .enumerate()
                .map(|(place, program)| counter(&subject(place), program, 1, Some(NOON)))
        };
        let ask = Ask { counters: counters().collect(), count: 4, kind: AskKind::Check };
        let mut models: Vec<_> = programs.iter().map(Model::new).collect();

        let reply = exchange(&mut link, std::slice::from_ref(&ask)).remove(0);

        assert_eq!(reply.granted, 2, "{scarce}");
        let decisions = reply.decisions(&ask);
        for request in &decisions[..2] {
            let expected: Vec<_> =
                models.iter_mut().map(|model| model.check(Nanos(NOON), 1)).collect();
            assert_eq!(request.as_slice(), expected);
        }
        for request in &decisions[2..] {
            let expected: Vec<_> = models.iter().map(|model| model.peek(Nanos(NOON), 1)).collect();
            assert_eq!(request.as_slice(), expected);
        }
        let again = exchange(&mut link, std::slice::from_ref(&ask)).remove(0);
        assert_eq!(again.granted, 0);
        assert_eq!(again.decisions(&ask)[0], decisions[3], "a refusal changed a counter");
    }
}

/// The same algorithm with room for two.
fn room_for_two(program: &Program) -> Program {
    let minute = Nanos(60_000_000_000);
    let [_, _, fixed_window, counter, log] = programs(2, minute);
    match program {
        Program::LeakyQueue(_) => {
            Program::LeakyQueue(LeakyQueue::new(NonZeroU32::MIN, minute, minute))
        }
        Program::FixedWindow(_) => fixed_window,
        Program::SlidingWindowCounter(_) => counter,
        Program::SlidingWindowLog(_) => log,
        _ => gcra(2, minute),
    }
}

#[test]
fn asks_of_one_exchange_are_decided_in_order() {
    let (_server, mut link) = link("in_order");
    let two = gcra(2, Nanos::SECOND);
    let at = Some(NOON);
    // The first takes from both, so that the third finds one unit left, and the fourth none.
    let asks = [
        check_all(&["z", "m"], &two, at),
        check("a", &two, 3, at),
        check_all(&["m", "b"], &two, at),
        check_all(&["y", "m", "c"], &two, at),
        check("z", &two, 5, at),
        check("c", &two, 5, at),
    ];
    let replies = exchange(&mut link, &asks);
    let granted: Vec<_> = replies.iter().map(|reply| reply.granted).collect();
    assert_eq!(granted, [1, 2, 1, 0, 1, 2]);
    assert!(replies.iter().all(|reply| reply.found.len() <= 3));
    assert_eq!(replies[3].decisions(&asks[3])[0][0].remaining, 2, "counters changed places");
    assert_eq!(replies[3].decisions(&asks[3])[0][1].remaining, 0, "counters changed places");
}

#[test]
fn the_time_of_a_reply_is_the_servers() {
    let (server, mut link) = link("time");
    let before: u64 = clock(&server);
    let now = link.time(soon()).unwrap().0;
    let reply = exchange(&mut link, &[check("a", &gcra(1, Nanos::SECOND), 1, None)]).remove(0);
    let after = clock(&server);
    assert!(before <= now && now <= reply.now.0 && reply.now.0 <= after);
}

fn clock(server: &PostgresServer) -> u64 {
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000";
    server.psql(sql).parse().expect("a number")
}

/// Where the server's log ends, and the next transaction.
fn traces(server: &PostgresServer) -> (String, String) {
    let lsn = server.psql("SELECT pg_current_wal_insert_lsn()");
    (lsn, server.psql("SELECT pg_snapshot_xmax(pg_current_snapshot())"))
}

#[test]
fn a_refusal_leaves_no_trace() {
    // A server of its own, on which nobody else writes, and which does not write by itself.
    let quiet =
        ["autovacuum=off", "checkpoint_timeout=1d", "wal_level=minimal", "max_wal_senders=0"];
    let server = PostgresServer::start_with(tidegate_testkit::servers::postgres::PostgresOptions {
        settings: quiet.map(str::to_owned).to_vec(),
        ..Default::default()
    });
    for logged in ["unlogged=true&schema=a", "unlogged=false&schema=b"] {
        let mut link = connect(&format!("{}&{logged}", server.url())).unwrap();
        let minute = Nanos(60_000_000_000);
        let programs = programs(1, minute);
        let asks: Vec<_> = programs
            .iter()
            .enumerate()
            .map(|(place, program)| check(&format!("full{place}"), program, 9, Some(NOON)))
            .chain([check_all(&["full2", "empty"], &programs[2], Some(NOON))])
            .collect();
        exchange(&mut link, &asks);
        let schema = &logged[logged.len() - 1..];
        let table = format!(
            "SELECT string_agg(name || xmin || '/' || xmax, ' ' ORDER BY name) FROM {schema}.counter"
        );
        let _ = server.psql("CHECKPOINT");
        let (before, rows) = (traces(&server), server.psql(&table));

        for _ in 0..20 {
            assert!(exchange(&mut link, &asks).iter().all(|reply| reply.granted == 0));
        }

        assert_eq!(server.psql(&table), rows, "{logged}: a row was locked or written");
        assert_eq!(traces(&server), before, "{logged}");
        // What passes does leave one: the measure works.
        assert_eq!(granted(&mut link, check("new", &programs[0], 1, Some(NOON))), 1);
        assert_ne!(traces(&server).1, before.1);
    }
}

#[test]
fn rows_of_another_kind_are_an_error_of_their_ask_alone() {
    let (server, url) = schema("other_rows");
    let mut link = connect(&url).unwrap();
    let programs = programs(5, Nanos::SECOND);
    exchange(&mut link, &[check("taken", &programs[2], 1, Some(NOON))]);
    let sql = format!(
        "INSERT INTO other_rows.counter VALUES ('{}', 1, -5, 0, 0, NULL, 0)",
        name("negative")
    );
    let _ = server.psql(&sql);
    for (subject, program) in
        [("taken", &programs[0]), ("taken", &programs[4]), ("negative", &programs[0])]
    {
        let asks = [
            check("fine", &programs[0], 1, None),
            check(subject, program, 1, Some(NOON)),
            check_all(&["untouched", subject], program, Some(NOON)),
        ];
        let mut replies = Vec::new();
        link.exchange(&asks, &mut replies, soon()).unwrap();
        assert!(replies[0].is_ok());
        for reply in &replies[1..] {
            let Err(RemoteError::Foreign { name: named, .. }) = reply else {
                panic!("{reply:?}");
            };
            assert_eq!(*named, name(subject).to_string());
        }
        let fix = fix(subject, program, NOON, Change::Debit { cost: 1 });
        let error = link.adjust(&[fix], soon()).unwrap_err();
        assert!(matches!(error, RemoteError::Foreign { .. }), "{error}");
        link = connect(&url).unwrap();
    }
    assert_eq!(granted(&mut link, check("untouched", &programs[0], 9, Some(NOON))), 7);
}

#[test]
fn what_does_not_fit_64_bits_is_refused_for_its_ask_alone() {
    let (_server, mut link) = link("too_large");
    let program = gcra(5, Nanos::SECOND);
    let asks = [
        check("a", &program, 1, Some(u64::MAX)),
        check("a", &gcra(1, Nanos(60 * 365 * 86_400 * 1_000_000_000)), 1, None),
        check("a", &program, u32::MAX, None),
    ];
    let mut replies = Vec::new();
    link.exchange(&asks, &mut replies, soon()).unwrap();
    let texts: Vec<_> =
        replies[..2].iter().map(|reply| reply.clone().unwrap_err().to_string()).collect();
    assert!(texts[0].contains("2116"), "{}", texts[0]);
    assert!(texts[1].contains("50 years") && texts[1].contains("shorten"), "{}", texts[1]);
    assert_eq!(replies[2].as_ref().map(|reply| reply.granted), Ok(5));
}
