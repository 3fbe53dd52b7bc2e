//! Connecting: the schema, who may, TLS, poolers.

mod common;

use std::{sync::Barrier, thread};

use common::{NOON, backend, check, connect, exchange, gcra, granted, schema};
use tidegate_core::{Limit, LimitSpec, Nanos, Period, algorithm::Kind};
use tidegate_postgres::PostgresBackend;
use tidegate_remote::{Backend as _, RemoteError};
use tidegate_testkit::servers::postgres::{PostgresOptions, PostgresServer};

const SECOND: Nanos = Nanos::SECOND;

fn setup_error(url: &str) -> String {
    match connect(url).expect_err("refused") {
        error @ RemoteError::Setup { .. } => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_starters_make_the_schema_once() {
    let (server, url) = schema("starters");
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for number in 0..8 {
            let (url, start) = (&url, &start);
            scope.spawn(move || {
                start.wait();
                let mut link = connect(url).unwrap();
                let ask = check(&format!("{number}"), &gcra(1, SECOND), 1, Some(NOON));
                assert_eq!(granted(&mut link, ask), 1);
            });
        }
    });
    // Every function was written by the transaction that wrote the version, and by no other.
    let writers = "SELECT count(DISTINCT writer) FROM (
        SELECT xmin::text AS writer FROM pg_proc WHERE pronamespace = 'starters'::regnamespace
        UNION ALL SELECT xmin::text FROM starters.migration) w";
    let each = "SELECT proname, xmin FROM pg_proc WHERE pronamespace = 'starters'::regnamespace UNION ALL SELECT 'v', xmin FROM starters.migration";
    assert_eq!(server.psql(writers), "1", "{}", server.psql(each));
    assert_eq!(server.psql("SELECT version FROM starters.migration"), "1");
}

#[test]
fn a_schema_may_have_any_name() {
    let server = PostgresServer::shared();
    for name in ["Tide%20%22gate%22", "select", "d%27%C3%A9j%C3%A0", "%5Cx;%20--"] {
        let url = format!("{}&schema={name}", server.url());
        for _ in 0..2 {
            let mut link = connect(&url).unwrap();
            exchange(&mut link, &[check("a", &gcra(1, SECOND), 1, None)]);
        }
    }
    let made = "SELECT count(*) FROM pg_namespace WHERE nspname IN
        ('Tide \"gate\"', 'select', 'd''éjà', '\\x; --')";
    assert_eq!(server.psql(made), "4");
    for name in ["", "pg_tidegate", "a%7Bb"] {
        let url = format!("{}&schema={name}", server.url());
        let error = url.parse::<PostgresBackend>().unwrap_err().to_string();
        assert!(error.contains("schema"), "{error}");
    }
}

#[test]
fn tables_are_unlogged_unless_the_url_says_otherwise() {
    let server = PostgresServer::shared();
    for (options, persistence) in [("schema=usual", "u"), ("schema=kept&unlogged=false", "p")] {
        drop(connect(&format!("{}&{options}", server.url())).unwrap());
        let schema = &options[7..].split('&').next().unwrap();
        let sql =
            format!("SELECT relpersistence FROM pg_class WHERE oid = '{schema}.counter'::regclass");
        assert_eq!(server.psql(&sql), persistence);
    }
}

#[test]
fn without_auto_migrate_the_schema_is_made_by_the_script() {
    let (server, url) = schema("by%20hand");
    let url = format!("{url}&auto_migrate=false");
    let error = setup_error(&url);
    assert!(error.contains("`by hand`") && error.contains("is missing"), "{error}");
    assert!(error.contains("postgres_schema"), "{error}");

    let script = PostgresBackend::migration_sql("by hand", true).unwrap();
    for _ in 0..2 {
        let _ = server.psql(&script);
    }
    let mut link = connect(&url).unwrap();
    assert_eq!(granted(&mut link, check("a", &gcra(1, SECOND), 2, Some(NOON))), 1);
    drop(link);

    // Made by an older tidegate: this one brings it up to date, if it may.
    let _ = server.psql("UPDATE \"by hand\".migration SET version = 0");
    let error = setup_error(&url);
    assert!(error.contains("version 0, and 1 is needed"), "{error}");
    let mut link = connect(&url.replace("&auto_migrate=false", "")).unwrap();
    assert_eq!(granted(&mut link, check("a", &gcra(1, SECOND), 2, Some(NOON))), 0);
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (server, url) = schema("newer");
    drop(connect(&url).unwrap());
    let _ = server.psql("INSERT INTO newer.migration VALUES (99)");
    for options in ["", "&auto_migrate=false"] {
        let error = setup_error(&format!("{url}{options}"));
        assert!(error.contains("version 99") && error.contains("update tidegate"), "{error}");
    }
    let script = PostgresBackend::migration_sql("newer", true).unwrap();
    let sql = format!(
        "DO $do$ BEGIN EXECUTE $e${}$e$; EXCEPTION WHEN others THEN RAISE NOTICE 'refused'; END $do$",
        script.replace("BEGIN;", "").replace("COMMIT;", "")
    );
    let _ = server.psql(&sql);
    assert_eq!(server.psql("SELECT max(version) FROM newer.migration"), "99");
}

#[test]
fn a_user_with_few_rights_needs_no_more_than_the_documented_ones() {
    let (server, url) = schema("few_rights");
    drop(connect(&url).unwrap());
    let _ = server.psql("CREATE ROLE guest LOGIN");
    let url = url.replace("user=postgres", "user=guest");
    let error = connect(&url).unwrap_err();
    assert!(matches!(error, RemoteError::Access { .. }), "{error:?}");
    let _ = server.psql(
        "GRANT USAGE ON SCHEMA few_rights TO guest;
         GRANT SELECT ON few_rights.migration TO guest;
         GRANT SELECT, INSERT, UPDATE, DELETE ON few_rights.counter TO guest",
    );
    let mut link = connect(&url).unwrap();
    assert_eq!(granted(&mut link, check("a", &gcra(1, SECOND), 2, None)), 1);
}

#[test]
fn limits_that_take_too_long_to_fill_are_refused_beforehand() {
    let backend = backend("postgresql://localhost/app");
    let years = |years: u64| Period::Span(Nanos(years * 365 * 86_400 * 1_000_000_000));
    let limit = |span| Limit::new(LimitSpec::new(Kind::Gcra, 10, years(span))).unwrap();
    assert!(backend.program(&limit(49)).is_ok());
    let reason = backend.program(&limit(60)).unwrap_err();
    assert!(reason.contains("50 years") && reason.contains("shorten the period"), "{reason}");
    let none = Limit::new(LimitSpec::new(Kind::Gcra, 0, years(1))).unwrap();
    assert!(backend.program(&none).is_ok(), "a limit of 0 asks no server");
}

#[test]
fn a_wrong_password_is_named_as_such_and_shown_nowhere() {
    let server = PostgresServer::start_with(PostgresOptions {
        password: Some("right-hunter2".into()),
        ..Default::default()
    });
    let url = server.tcp_url("postgres:right-hunter2");
    let mut link = connect(&url).unwrap();
    assert_eq!(granted(&mut link, check("a", &gcra(1, SECOND), 2, None)), 1);
    for login in ["postgres:wrong-hunter2", "nobody:wrong-hunter2", "postgres"] {
        let error = connect(&server.tcp_url(login)).unwrap_err();
        assert!(matches!(error, RemoteError::Access { .. }), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2") && !text.contains("nobody"), "{text}");
    }
    let error = connect(&url.replace("/postgres?", "/missing?")).unwrap_err().to_string();
    assert!(error.contains("does not exist"), "{error}");
}

#[test]
fn tls_is_as_strict_as_sslmode_says() {
    let server = PostgresServer::start_with(PostgresOptions { tls: true, ..Default::default() });
    let by_name = server.tcp_url("postgres");
    let by_address = by_name.replace("localhost", "127.0.0.1");
    let ca = format!("ca={}", server.certificates().unwrap().ca.display());
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE ssl AND application_name = 'tidegate'";
    for (url, options, expected) in [
        (&by_name, "sslmode=disable".to_owned(), "0"),
        (&by_name, "sslmode=prefer".to_owned(), "1"),
        (&by_name, "sslmode=require".to_owned(), "1"),
        (&by_name, format!("sslmode=verify-full&{ca}"), "1"),
        (&by_address, format!("sslmode=verify-ca&{ca}"), "1"),
    ] {
        let link = connect(&format!("{url}{options}")).unwrap_or_else(|e| panic!("{options}: {e}"));
        assert_eq!(server.psql(encrypted), expected, "{options}");
        drop(link);
        while server
            .psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tidegate'")
            != "0"
        {}
    }
    for (url, options) in [
        // Not made out for the address; signed by nobody whom the system knows; no such file.
        (&by_address, format!("sslmode=verify-full&{ca}")),
        (&by_name, "sslmode=verify-full".to_owned()),
        (&by_name, "sslmode=verify-ca".to_owned()),
        (&by_name, "sslmode=verify-full&ca=/nowhere.pem".to_owned()),
    ] {
        assert!(connect(&format!("{url}{options}")).is_err(), "{options}");
    }
    let plain = PostgresServer::shared();
    let error = connect(&format!("{}sslmode=require", plain.tcp_url("postgres"))).unwrap_err();
    assert!(error.to_string().contains("sslmode=disable"), "{error}");
}
