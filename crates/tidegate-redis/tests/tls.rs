//! Encrypted connections: who is believed, and who is not.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::{SECOND, ask, backend, connect, counter, granted, program, soon};
use tidegate_core::algorithm::Kind;
use tidegate_redis::RedisBackend;
use tidegate_remote::{Backend as _, RemoteError};
use tidegate_testkit::servers::{Certificates, RedisOptions};

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

#[test]
fn a_file_that_is_missing_is_named() {
    let error = RedisBackend::from_url("rediss://:sesame@h?ca=/nowhere/ca.pem").unwrap_err();
    let text = error.to_string();

    assert!(text.contains("`ca`") && text.contains("/nowhere/ca.pem"), "{text}");
    assert!(!text.contains("sesame"), "{text}");
}
