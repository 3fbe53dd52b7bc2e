//! Encrypted connections: who is believed, and who is not.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::{SECOND, ask, backend, connect, counter, granted, program, soon};
use tidegate_core::algorithm::Kind;
use tidegate_redis::RedisBackend;
use tidegate_remote::{Backend as _, RemoteError};
use tidegate_testkit::servers::{Certificates, RedisCluster, RedisOptions, RedisSentinel};

#[test]
fn a_certificate_is_checked_and_shown() {
    let server = RedisOptions::default().tls().password("sesame").start();
    let Certificates { ca, client_cert, client_key, .. } = server.certificates().unwrap();
    let show = format!("cert={}&key={}", client_cert.display(), client_key.display());
    let place = format!("rediss://:sesame@localhost:{}", server.port());
    let check = ask([counter("api", "ana", &program(Kind::Gcra, 5, 3_600 * SECOND))], 9);

    let mut link = connect(&format!("{place}?ca={}&{show}", ca.display()));
    assert_eq!(granted(&mut link, &check), 5);
    // Whoever asks not to look is not shown anything wrong.
    assert_eq!(granted(&mut connect(&format!("{place}?insecure=true&{show}")), &check), 0);

    for options in [show.clone(), format!("ca={}", ca.display()), format!("insecure=false&{show}")]
    {
        let error = backend(&format!("{place}?{options}")).connect(soon()).map(|_| ()).unwrap_err();
        assert!(matches!(error, RemoteError::Unavailable { .. }), "{options}: {error:?}");
        assert!(!error.to_string().contains("sesame"), "{error}");
    }
}

/// Every node is reached by the name it calls itself, which its certificate is made out for.
#[test]
fn a_cluster_is_reached_by_tls() {
    let cluster = RedisCluster::start_tls();
    let mut link = connect(&cluster.tls_url());
    let gcra = program(Kind::Gcra, 5, 3_600 * SECOND);

    for index in 0..60 {
        let subject = format!("s{index}");
        assert_eq!(granted(&mut link, &ask([counter("api", &subject, &gcra)], 9)), 5);
    }

    for node in &cluster.nodes[..3] {
        assert!(node.ask(&["DBSIZE"]).number().unwrap() > 5, "all nodes take part");
    }
    let error = backend(&cluster.url()).connect(soon()).map(|_| ()).unwrap_err();
    assert!(matches!(error, RemoteError::Unavailable { .. }), "{error:?}");
}

#[test]
fn sentinels_and_their_master_are_reached_by_tls() {
    let servers = RedisSentinel::start_tls();
    let check = ask([counter("api", "ana", &program(Kind::Gcra, 5, 3_600 * SECOND))], 9);

    assert_eq!(granted(&mut connect(&servers.tls_url()), &check), 5);
    assert_eq!(granted(&mut connect(&servers.tls_url()), &check), 0);

    let error = backend(&servers.url()).connect(soon()).map(|_| ()).unwrap_err();
    assert!(matches!(error, RemoteError::Unavailable { .. }), "{error:?}");
}

#[test]
fn a_file_that_is_missing_is_named() {
    let error = RedisBackend::from_url("rediss://:sesame@h?ca=/nowhere/ca.pem").unwrap_err();
    let text = error.to_string();

    assert!(text.contains("`ca`") && text.contains("/nowhere/ca.pem"), "{text}");
    assert!(!text.contains("sesame"), "{text}");
}
