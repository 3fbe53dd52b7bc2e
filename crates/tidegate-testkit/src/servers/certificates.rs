//! Certificates for tests of TLS, made on the spot.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// An authority, and what it signed for a server on loopback and for a client; PEM files.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate.
    pub ca: PathBuf,
    /// The server's certificate, for `localhost` and no address.
    pub server_cert: PathBuf,
    /// The server's key.
    pub server_key: PathBuf,
    /// A client's certificate.
    pub client_cert: PathBuf,
    /// The client's key.
    pub client_key: PathBuf,
}

impl Certificates {
    /// Makes them in `directory`.
    ///
    /// # Panics
    ///
    /// When the directory cannot be written to.
    #[must_use]
    pub fn make(directory: &Path) -> Self {
        let write = |name: &str, text: &str| {
            let path = directory.join(name);
            fs::write(&path, text).expect("the directory is writable");
            path
        };
        let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
        // A certificate that is named like its issuer looks self-signed to OpenSSL.
        params.distinguished_name.push(DnType::CommonName, "tidegate test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, new_key()).expect("it signs itself");
        let signed = |name: &str| {
            let key = new_key();
            let names = ["localhost".to_owned()];
            let params = CertificateParams::new(names).expect("a name that makes sense");
            let certificate = params.signed_by(&key, &authority).expect("it signs others");
            let cert = write(&format!("{name}.crt"), &certificate.pem());
            (cert, write(&format!("{name}.key"), &key.serialize_pem()))
        };
        let (server_cert, server_key) = signed("server");
        let (client_cert, client_key) = signed("client");
        let ca = write("ca.crt", &authority.pem());
        Self { ca, server_cert, server_key, client_cert, client_key }
    }

    /// As options of a Redis URL: what to trust, and what to show.
    #[must_use]
    pub fn options(&self) -> String {
        let [ca, cert, key] = [&self.ca, &self.client_cert, &self.client_key].map(|p| p.display());
        format!("ca={ca}&cert={cert}&key={key}")
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("chance is to be had")
}
