//! Certificates for tests of TLS, made on the spot.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// An authority, and what it signed for a server on loopback and for a client; PEM files.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate.
    pub ca: PathBuf,
    /// The server's certificate, for `localhost` and 127.0.0.1.
    pub server_cert: PathBuf,
    /// The server's key.
    pub server_key: PathBuf,
    /// A client's certificate.
    pub client_cert: PathBuf,
    /// The client's key.
    pub client_key: PathBuf,
}

const EC: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

impl Certificates {
    /// Makes them in `directory`, valid for two days.
    ///
    /// # Panics
    ///
    /// When `openssl` is missing or fails.
    #[must_use]
    pub fn make(directory: &Path) -> Self {
        let file = |name: &str| directory.join(name);
        let text = |path: &Path| path.display().to_string();
        let (ca, ca_key) = (file("ca.crt"), file("ca.key"));
        let mut words = vec!["req", "-x509", "-days", "2", "-subj", "/CN=tidegate test"];
        words.extend(EC);
        let (ca_text, ca_key_text) = (text(&ca), text(&ca_key));
        words.extend(["-keyout", &ca_key_text, "-out", &ca_text]);
        openssl(&words);
        let signed = |name: &str| {
            let (key, request, cert) = (
                file(&format!("{name}.key")),
                file(&format!("{name}.csr")),
                file(&format!("{name}.crt")),
            );
            let (key_text, request_text, cert_text) = (text(&key), text(&request), text(&cert));
            let mut words = vec!["req", "-subj", "/CN=localhost"];
            words.extend(EC);
            words.extend(["-keyout", &key_text, "-out", &request_text]);
            openssl(&words);
            let names = file("names.ext");
            fs::write(&names, "subjectAltName=DNS:localhost,IP:127.0.0.1\n").expect("writable");
            let names = text(&names);
            openssl(&[
                "x509",
                "-req",
                "-days",
                "2",
                "-in",
                &request_text,
                "-CA",
                &ca_text,
                "-CAkey",
                &ca_key_text,
                "-CAcreateserial",
                "-extfile",
                &names,
                "-out",
                &cert_text,
            ]);
            (cert, key)
        };
        let (server_cert, server_key) = signed("server");
        let (client_cert, client_key) = signed("client");
        Self { ca, server_cert, server_key, client_cert, client_key }
    }
}

fn openssl(words: &[&str]) {
    match Command::new("openssl").args(words).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("openssl failed: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            panic!("`openssl` is missing; install it, on Debian: apt-get install openssl")
        }
        Err(error) => panic!("openssl does not start: {error}"),
    }
}
