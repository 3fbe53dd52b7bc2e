//! PostgreSQL.

use std::{cell::RefCell, thread};

use tidegate_testkit::servers::{postgres::PostgresServer, wait_until};

use super::harness::{Counts, Trial};

#[test]
fn postgres_stops_and_starts_again() {
    let server = RefCell::new(PostgresServer::start());
    let trial = Trial::new(&server.borrow().url());
    trial.survives(Counts::Kept, || server.borrow_mut().stop(), || server.borrow_mut().restart());
}

#[test]
fn postgres_stands_still() {
    let server = PostgresServer::start();
    Trial::new(&server.url()).survives(Counts::Kept, || server.freeze(), || server.thaw());
}

#[test]
fn postgres_is_slow() {
    let server = PostgresServer::start();
    let trial = Trial::new(&server.url());
    let locks = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted
        AND relation = 'tidegate.counter'::regclass";
    thread::scope(|scope| {
        let slow = || {
            let lock = "BEGIN; LOCK TABLE tidegate.counter; SELECT pg_sleep(2); COMMIT";
            scope.spawn(|| server.psql(lock));
            wait_until("the table is locked", 5, || server.psql(locks) == "1");
        };
        let end = || wait_until("it is not any more", 10, || server.psql(locks) == "0");
        trial.survives(Counts::Kept, slow, end);
    });
}

#[test]
fn postgres_may_not_write() {
    let server = PostgresServer::start();
    let say = |sql: &str| {
        let _ = server.psql(sql);
        let _ = server.psql("SELECT pg_reload_conf()");
    };
    let refuse = || say("ALTER SYSTEM SET default_transaction_read_only = on");
    let end = || say("ALTER SYSTEM RESET default_transaction_read_only");
    Trial::new(&server.url()).survives(Counts::Kept, refuse, end);
}
