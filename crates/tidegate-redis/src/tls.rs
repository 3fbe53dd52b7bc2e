//! Certificates and keys, read from the files that a URL names.

use std::{fs, path::Path};

use redis::{ClientTlsConfig, ConnectionAddr, TlsCertificates};
use tidegate_remote::RemoteError;

use crate::url::{Encryption, Host};

/// What a connection by TLS needs.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) certificates: TlsCertificates,
    insecure: bool,
}

impl Tls {
    /// Reads the files of `encryption`; nothing is read later.
    pub(crate) fn load(encryption: &Encryption) -> Result<Self, RemoteError> {
        // Another provider that the program has chosen does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let root_cert = encryption.ca.as_deref().map(|path| read("ca", path)).transpose()?;
        let client_tls = match (&encryption.cert, &encryption.key) {
            (Some(cert), Some(key)) => Some(ClientTlsConfig {
                client_cert: read("cert", cert)?,
                client_key: read("key", key)?,
            }),
            _ => None,
        };
        let certificates = TlsCertificates { client_tls, root_cert };
        Ok(Self { certificates, insecure: encryption.insecure })
    }
}

/// The address of `host`, encrypted when `tls` is there.
pub(crate) fn address(host: &Host, tls: Option<&Tls>) -> ConnectionAddr {
    match tls {
        Some(tls) => ConnectionAddr::TcpTls {
            host: host.name.clone(),
            port: host.port,
            insecure: tls.insecure,
            tls_params: None,
        },
        None => ConnectionAddr::Tcp(host.name.clone(), host.port),
    }
}

fn read(option: &str, path: &Path) -> Result<Vec<u8>, RemoteError> {
    fs::read(path).map_err(|error| RemoteError::Setup {
        reason: format!("cannot read the file of `{option}`, {}: {error}", path.display()),
    })
}
